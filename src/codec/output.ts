/**
 * The bytes that a writer is making. They are written into memory that the next writer uses again,
 * and copied out of it at the end: a result has memory of its own, exactly as large as itself. Who
 * keeps it, clones it or looks at its `buffer` finds no other result there, that is, no other
 * user's session.
 */

import { CodecError } from '../errors.ts';
import { overrun } from './overrun.ts';

/** The memory that every result begins in. */
export const CHUNK = 64 * 1024;
/** Larger chunks are kept for the next large result, up to this size. */
const KEEP = 4 * 1024 * 1024;

interface Chunk {
  readonly bytes: Buffer;
  /** The same bytes, to be written four at a time. */
  readonly view: DataView;
}

/** A chunk and a larger one that are not in use. */
let idle: Chunk | null = null;
let spare: Chunk | null = null;

/** Results in the making of which bytes were moved. */
const moved = new WeakSet<Uint8Array>();

/**
 * Were bytes of this result moved while it was made? What goes wrong there leaves bytes that read
 * well and mean something else: whoever stores them compares what they say.
 */
export function hasMovedBytes(result: Uint8Array): boolean {
  return moved.has(result);
}

export class Output {
  bytes: Buffer;
  view: DataView;
  pos = 0;
  #chunk: Chunk;
  #maxBytes: number;
  #moved = false;

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
    this.rewind();
  }

  /** Drops what was written so far. */
  rewind(): void {
    this.pos = 0;
    this.#moved = false;
  }

  #use(chunk: Chunk): void {
    if (chunk === this.#chunk) return;
    this.#chunk = chunk;
    this.bytes = chunk.bytes;
    this.view = chunk.view;
  }

  /** The bytes made so far. */
  take(): Buffer {
    const { pos, bytes } = this;
    if (pos > bytes.length) throw overrun();
    if (pos > this.#maxBytes) throw this.#tooLong();
    // Not from Node's pool, which would bring along what else is in there.
    const result = Buffer.allocUnsafeSlow(pos);
    bytes.copy(result, 0, 0, pos);
    if (this.#moved) moved.add(result);
    return result;
  }

  /** Gives the memory back. */
  release(): void {
    const chunk = this.#chunk;
    const { length } = chunk.bytes;
    if (length === CHUNK) idle = chunk;
    else if (length <= KEEP) spare = chunk;
  }

  /** Makes room for `size` more bytes. */
  reserve(size: number): void {
    if (this.pos + size > this.bytes.length) this.#grow(size);
  }

  /** Positions stay what they are. */
  #grow(size: number): void {
    const { pos, bytes } = this;
    if (pos > bytes.length) throw overrun();
    if (pos > this.#maxBytes) throw this.#tooLong();
    const needed = Math.max(bytes.length * 2, pos + size);
    let larger = spare;
    if (larger === null || larger.bytes.length < needed) larger = makeChunk(needed);
    spare = null;
    bytes.copy(larger.bytes, 0, 0, pos);
    this.release();
    this.#use(larger);
  }

  /** Moves bytes to where they belong after all: a header turned out wider or narrower. */
  move(to: number, from: number, end: number): void {
    const { bytes } = this;
    // Beyond its end a Buffer takes nothing, and says nothing.
    if (end > bytes.length || to + (end - from) > bytes.length) throw overrun();
    bytes.copyWithin(to, from, end);
    this.#moved = true;
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
  // A getter in the data may encode something itself: then the chunk is in use.
  const chunk = idle ?? makeChunk(CHUNK);
  idle = null;
  return chunk;
}

function makeChunk(size: number): Chunk {
  const bytes = Buffer.allocUnsafeSlow(size);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, size) };
}
