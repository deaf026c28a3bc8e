/**
 * The bytes that a writer is making: one pooled Buffer, grown when needed, copied out at the end.
 */

import { CodecError } from '../errors.ts';

const POOL = 64 * 1024;
const KEEP = 4 * 1024 * 1024;

let pool: Buffer | null = Buffer.allocUnsafeSlow(POOL);

export class Output {
  bytes: Buffer;
  pos = 0;
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    // A getter in the data may encode something itself: then the pool is taken.
    this.bytes = pool ?? Buffer.allocUnsafeSlow(POOL);
    pool = null;
    this.#maxBytes = maxBytes;
  }

  /** The bytes made so far, as a Buffer of their own. */
  take(): Buffer {
    if (this.pos > this.#maxBytes) throw this.#tooLong();
    const copy = Buffer.allocUnsafe(this.pos);
    this.bytes.copy(copy, 0, 0, this.pos);
    return copy;
  }

  /** Gives the Buffer back to the pool. */
  release(): void {
    if (this.bytes.length <= KEEP) pool = this.bytes;
    else pool ??= Buffer.allocUnsafeSlow(POOL);
  }

  /** Makes room for `size` more bytes. */
  reserve(size: number): void {
    if (this.pos + size > this.bytes.length) this.#grow(size);
  }

  #grow(size: number): void {
    if (this.pos > this.#maxBytes) throw this.#tooLong();
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.pos + size));
    this.bytes.copy(larger, 0, 0, this.pos);
    this.bytes = larger;
  }

  #tooLong(): CodecError {
    return new CodecError(
      'ERR_PSB_CODEC_LIMIT',
      `the encoded data is longer than maxBytes (${this.#maxBytes})`,
    );
  }

  raw(bytes: Uint8Array): void {
    const { length } = bytes;
    this.reserve(length);
    const b = this.bytes;
    let p = this.pos;
    if (length < 32) {
      for (let i = 0; i < length; i++) b[p++] = bytes[i]!;
    } else {
      b.set(bytes, p);
    }
    this.pos += length;
  }

  byte(byte: number): void {
    this.reserve(1);
    this.bytes[this.pos++] = byte;
  }
}
