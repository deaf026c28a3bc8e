/**
 * The bytes that a writer is making: one pooled Buffer, grown when needed, copied out at the end.
 */

import { CodecError } from '../errors.ts';

const POOL = 64 * 1024;
const KEEP = 4 * 1024 * 1024;
/** Up to this many bytes are copied faster by a loop than by a native call. */
const SMALL = 64;

interface Chunk {
  readonly bytes: Buffer;
  /** The same bytes, to be written four at a time. */
  readonly view: DataView;
}

let pool: Chunk | null = makeChunk(POOL);

export class Output {
  bytes: Buffer;
  view: DataView;
  pos = 0;
  #chunk: Chunk;
  #maxBytes: number;

  constructor(maxBytes: number) {
    const chunk = takeChunk();
    this.#chunk = chunk;
    this.bytes = chunk.bytes;
    this.view = chunk.view;
    this.#maxBytes = maxBytes;
  }

  /** Begins anew after `release()`. */
  begin(maxBytes: number): void {
    this.#use(takeChunk());
    this.#maxBytes = maxBytes;
    this.pos = 0;
  }

  #use(chunk: Chunk): void {
    this.#chunk = chunk;
    this.bytes = chunk.bytes;
    this.view = chunk.view;
  }

  /** The bytes made so far, as a Buffer of their own. */
  take(): Buffer {
    const { pos, bytes } = this;
    if (pos > this.#maxBytes) throw this.#tooLong();
    const copy = Buffer.allocUnsafe(pos);
    if (pos > SMALL) bytes.copy(copy, 0, 0, pos);
    else for (let i = 0; i < pos; i++) copy[i] = bytes[i]!;
    return copy;
  }

  /** Gives the Buffer back to the pool. */
  release(): void {
    if (this.bytes.length <= KEEP) {
      pool = this.#chunk;
    } else {
      pool ??= makeChunk(POOL);
      this.#use(pool);
    }
  }

  /** Makes room for `size` more bytes. */
  reserve(size: number): void {
    if (this.pos + size > this.bytes.length) this.#grow(size);
  }

  #grow(size: number): void {
    if (this.pos > this.#maxBytes) throw this.#tooLong();
    const larger = makeChunk(Math.max(this.bytes.length * 2, this.pos + size));
    this.bytes.copy(larger.bytes, 0, 0, this.pos);
    this.#use(larger);
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

function takeChunk(): Chunk {
  // A getter in the data may encode something itself: then the pool is taken.
  const chunk = pool ?? makeChunk(POOL);
  pool = null;
  return chunk;
}

function makeChunk(size: number): Chunk {
  const bytes = Buffer.allocUnsafeSlow(size);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, size) };
}
