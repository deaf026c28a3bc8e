/** Results in memory of their own. */

import { overrun } from '../overrun.ts';

/**
 * The first `length` bytes, in memory that is exactly so large: what is left of the room that they
 * were made in holds whatever was there before.
 */
export function ownBytes(bytes: Uint8Array, length = bytes.length): Buffer {
  if (length > bytes.length) throw overrun();
  if (Buffer.isBuffer(bytes) && bytes.buffer.byteLength === length) return bytes;
  const own = Buffer.allocUnsafeSlow(length);
  own.set(bytes.subarray(0, length));
  return own;
}
