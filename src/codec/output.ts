/**
 * The bytes that a writer is making. They are written into a slab that several results share, one
 * behind the other, as Node's own pool of small Buffers does: an allocation and a copy per result
 * would take a tenth of the time. What outgrows the slab goes on in a larger chunk and is copied out.
 */

import { markAsUntransferable } from 'node:worker_threads';
import { CodecError } from '../errors.ts';

const SLAB = 64 * 1024;
/** A slab with less room than this is not begun with again. */
const ENOUGH = 16 * 1024;
/** Larger chunks are kept for the next large result, up to this size. */
const KEEP = 4 * 1024 * 1024;

interface Chunk {
  readonly bytes: Buffer;
  /** The same bytes, to be written four at a time. */
  readonly view: DataView;
}

/** The slab for the next result, if none is being written, and where its free room begins. */
let slab: Chunk | null = null;
let free = 0;
/** A large chunk that is not in use. */
let spare: Chunk | null = null;

export class Output {
  bytes: Buffer;
  view: DataView;
  pos: number;
  #chunk: Chunk;
  /** Where the result begins. */
  #start: number;
  #maxBytes: number;

  constructor(maxBytes: number) {
    this.#start = slab === null ? 0 : free;
    const chunk = takeSlab();
    this.#chunk = chunk;
    this.bytes = chunk.bytes;
    this.view = chunk.view;
    this.pos = this.#start;
    this.#maxBytes = maxBytes;
  }

  /** Begins anew after `release()`. */
  begin(maxBytes: number): void {
    this.#start = slab === null ? 0 : free;
    this.#use(takeSlab());
    this.pos = this.#start;
    this.#maxBytes = maxBytes;
  }

  /** Drops what was written so far. */
  rewind(): void {
    this.pos = this.#start;
  }

  #use(chunk: Chunk): void {
    if (chunk === this.#chunk) return;
    this.#chunk = chunk;
    this.bytes = chunk.bytes;
    this.view = chunk.view;
  }

  /** The bytes made so far; none of them will be written again. */
  take(): Buffer {
    const { pos, bytes } = this;
    const start = this.#start;
    if (pos > bytes.length) throw overrun();
    if (pos - start > this.#maxBytes) throw this.#tooLong();
    if (bytes.length === SLAB) {
      // Words are written faster where they are aligned.
      this.#start = (pos + 7) & ~7;
      return bytes.subarray(start, pos);
    }
    const copy = Buffer.allocUnsafeSlow(pos - start);
    bytes.copy(copy, 0, start, pos);
    return copy;
  }

  /** Gives the room that is left back. */
  release(): void {
    const chunk = this.#chunk;
    const { length } = chunk.bytes;
    if (length > SLAB) {
      if (length <= KEEP) spare = chunk;
    } else if (length - this.#start >= ENOUGH) {
      slab = chunk;
      free = this.#start;
    }
  }

  /** Makes room for `size` more bytes. */
  reserve(size: number): void {
    if (this.pos + size > this.bytes.length) this.#grow(size);
  }

  /** Positions stay what they are. */
  #grow(size: number): void {
    const { pos, bytes } = this;
    const start = this.#start;
    if (pos > bytes.length) throw overrun();
    if (pos - start > this.#maxBytes) throw this.#tooLong();
    const needed = Math.max(bytes.length * 2, pos + size);
    let larger = spare;
    if (larger === null || larger.bytes.length < needed) larger = makeChunk(needed);
    spare = null;
    bytes.copy(larger.bytes, start, start, pos);
    this.release();
    this.#use(larger);
  }

  /** Moves bytes to where they belong after all: a header turned out wider or narrower. */
  move(to: number, from: number, end: number): void {
    const { bytes } = this;
    // Beyond its end a Buffer takes nothing, and says nothing.
    if (end > bytes.length || to + (end - from) > bytes.length) throw overrun();
    bytes.copyWithin(to, from, end);
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

/**
 * A byte that was written beyond the end is lost, and in its place another one shows, of whatever
 * the memory held before. It must not happen; where it does, nothing is returned.
 */
function overrun(): CodecError {
  return new CodecError(
    'ERR_PSB_CODEC_INTERNAL',
    'the encoder wrote beyond its room, which is a fault of this library; nothing was encoded',
  );
}

function takeSlab(): Chunk {
  // A getter in the data may encode something itself: then the slab is taken.
  const chunk = slab ?? makeSlab();
  slab = null;
  return chunk;
}

function makeSlab(): Chunk {
  const chunk = makeChunk(SLAB);
  // Handing one result over to a worker would take the room of all others away.
  markAsUntransferable(chunk.bytes.buffer);
  return chunk;
}

function makeChunk(size: number): Chunk {
  const bytes = Buffer.allocUnsafeSlow(size);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, size) };
}
