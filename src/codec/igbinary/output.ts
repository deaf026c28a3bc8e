/** igbinary's numbers, strings and ids. */
import { BinaryOutput } from '../binary-output.ts';
import { decodeKey, encodeKey } from '../text.ts';
import * as F from './format.ts';

export class IgbinaryOutput extends BinaryOutput {
  readonly #compact: boolean;
  /** Ids by text; names with odd bytes and byte strings by the text of a name. */
  readonly #ids = new Map<string, number>();
  #count = 0;

  /** @param compact `igbinary.compact_strings`: off writes all but class names in full. */
  constructor(maxBytes: number, compact: boolean) {
    super(maxBytes);
    this.#compact = compact;
  }

  /** Starts again. */
  restart(): void {
    this.rewind();
    this.#ids.clear();
    this.#count = 0;
  }

  header(): void {
    this.uint32(F.HEADER);
  }

  /** A type of which three widths follow each other, with the narrowest one that fits. */
  sized(narrow: number, size: number): void {
    if (size < 256) {
      this.reserve(2);
      this.bytes[this.pos++] = narrow;
      this.bytes[this.pos++] = size;
    } else if (size < 65536) {
      this.byte(narrow + 1);
      this.uint16(size);
    } else {
      this.byte(narrow + 2);
      this.uint32(size);
    }
  }

  /** An integer of 64 bits. */
  int(value: number): void {
    if (value >= 0 && value < 256) {
      this.reserve(2);
      this.bytes[this.pos++] = F.POSITIVE8;
      this.bytes[this.pos++] = value;
      return;
    }
    const size = value < 0 ? -value : value;
    const sign = value < 0 ? 1 : 0;
    if (size < 256) {
      this.byte(F.POSITIVE8 + sign);
      this.byte(size);
    } else if (size < 65536) {
      this.byte(F.POSITIVE16 + sign);
      this.uint16(size);
    } else if (size < 4294967296) {
      this.byte(F.POSITIVE32 + sign);
      this.uint32(size);
    } else {
      this.byte(F.POSITIVE64 + sign);
      this.uint64(BigInt(size));
    }
  }

  bigInt(value: bigint): void {
    if (value >= -4294967295n && value <= 4294967295n) {
      this.int(Number(value));
    } else {
      this.byte(value < 0n ? F.NEGATIVE64 : F.POSITIVE64);
      this.uint64(value < 0n ? -value : value);
    }
  }

  /** A string value; false if it has lone surrogates. */
  string(text: string): boolean {
    return this.#string(text, F.STRING_ID8, F.STRING8, this.#compact);
  }

  /** A key or a name, whose lone U+DC80–U+DCFF stand for bytes; false if it cannot be said. */
  name(text: string): boolean {
    return this.#name(text, F.STRING_ID8, F.STRING8, this.#compact);
  }

  /** The name of a class: shared even where other strings are not. */
  className(text: string): boolean {
    return this.#name(text, F.OBJECT_ID8, F.OBJECT8, true);
  }

  buffer(bytes: Buffer): void {
    if (bytes.length === 0) {
      this.byte(F.STRING_EMPTY);
      return;
    }
    // The same bytes may be a name somewhere: both are one string to igbinary.
    const text = decodeKey(bytes, 0, bytes.length);
    if (this.#known(text, F.STRING_ID8, this.#compact)) return;
    this.sized(F.STRING8, bytes.length);
    this.raw(bytes);
  }

  #name(text: string, idType: number, fullType: number, shared: boolean): boolean {
    if (this.#string(text, idType, fullType, shared)) return true;
    const bytes = encodeKey(text);
    if (bytes === undefined) return false;
    if (this.#known(text, idType, shared)) return true;
    this.sized(fullType, bytes.length);
    this.raw(bytes);
    return true;
  }

  #string(text: string, idType: number, fullType: number, shared: boolean): boolean {
    if (text === '' && idType === F.STRING_ID8) {
      this.byte(F.STRING_EMPTY);
      return true;
    }
    if (shared) {
      const id = this.#ids.get(text);
      if (id !== undefined) {
        this.sized(idType, id);
        return true;
      }
    }
    const { length } = text;
    // Most often one byte of UTF-8 for each unit: the header is as wide as that needs.
    const guess = length < 256 ? 2 : length < 65536 ? 3 : 5;
    const written = this.text(text, guess);
    if (written < 0) return false;
    const header = written < 256 ? 2 : written < 65536 ? 3 : 5;
    const b = this.bytes;
    let p = this.pos;
    if (header !== guess) this.move(p + header, p + guess, p + guess + written);
    if (header === 2) {
      b[p++] = fullType;
      b[p++] = written;
    } else {
      this.sized(fullType, written);
      p = this.pos;
    }
    this.pos = p + written;
    if (shared) this.#ids.set(text, this.#count);
    this.#count++;
    return true;
  }

  /** Writes the id of a string that is known, or gives it one. */
  #known(text: string, idType: number, shared: boolean): boolean {
    if (shared) {
      const id = this.#ids.get(text);
      if (id !== undefined) {
        this.sized(idType, id);
        return true;
      }
      this.#ids.set(text, this.#count);
    }
    this.#count++;
    return false;
  }
}
