/**
 * What callers may hand to a save handler. TypeScript says it; from JavaScript a mistake here
 * would be stored, and PHP deletes what it cannot read.
 */
import { types } from 'node:util';
import { CodecError, SessionError } from '../errors.ts';

/** @throws CodecError `ERR_PSB_CODEC_VALUE` for what is no bytes */
export function asStored(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  if (types.isUint8Array(bytes)) {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  throw new CodecError('ERR_PSB_CODEC_VALUE', 'a session is written as a Buffer or Uint8Array');
}

/**
 * Any text is a key to phpredis. No text is none: everybody without an id would share one session.
 *
 * @throws SessionError `ERR_PSB_SESSION_ID`
 */
export function assertId(id: string): void {
  if (typeof id === 'string' && id !== '') return;
  throw new SessionError('ERR_PSB_SESSION_ID', 'a session id is needed');
}
