/** Text out of one blob. */
import { decodeText, decodeUtf8, type NativeText } from './text.ts';

/** A copy of the blob as text only pays above this length. */
const SMALL_BLOB = 256;

export class BlobText {
  readonly #bytes: Buffer;
  #latin: string | null = null;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** A string value: text if the bytes are valid UTF-8, else a Buffer of its own. */
  at(start: number, length: number): string | Buffer {
    const b = this.#bytes;
    const end = start + length;
    if (length >= 13) return decodeText(b, start, end);
    let bits = 0;
    for (let i = start; i < end; i++) bits |= b[i]!;
    if (bits >= 0x80) return decodeUtf8(b, start, end) ?? decodeText(b, start, end);
    // V8 copies substrings this short, so they do not keep the copy of the blob alive.
    if (this.#latin !== null) return this.#latin.substring(start, end);
    const native = b as unknown as NativeText;
    if (b.length < SMALL_BLOB) return native.latin1Slice(start, end);
    this.#latin = native.latin1Slice(0, b.length);
    return this.#latin.substring(start, end);
  }
}
