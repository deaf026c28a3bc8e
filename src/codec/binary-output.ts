/** Output with the numbers that binary formats are made of, all big-endian. */
import { Output } from './output.ts';
import { isWellFormed, type NativeText } from './text.ts';

/** The widest header of a string in any of these formats: a type and four bytes of length. */
const WIDEST_HEADER = 5;

const doubleBytes = new Uint8Array(8);
const doubleValue = new Float64Array(doubleBytes.buffer);

export abstract class BinaryOutput extends Output {
  /** A safe integer in its smallest form. */
  abstract int(value: number): void;

  /** An integer of 64 bits in its smallest form. */
  abstract bigInt(value: bigint): void;

  /** A string value; false if it has lone surrogates. */
  abstract string(text: string): boolean;

  /** A key or a name, whose lone U+DC80–U+DCFF stand for bytes; false if it cannot be said. */
  abstract name(text: string): boolean;

  uint16(value: number): void {
    this.reserve(2);
    const b = this.bytes;
    b[this.pos++] = value >>> 8;
    b[this.pos++] = value;
  }

  uint32(value: number): void {
    this.reserve(4);
    const b = this.bytes;
    b[this.pos++] = value >>> 24;
    b[this.pos++] = value >>> 16;
    b[this.pos++] = value >>> 8;
    b[this.pos++] = value;
  }

  uint64(value: bigint): void {
    this.reserve(8);
    this.pos = this.bytes.writeBigUInt64BE(value, this.pos);
  }

  double(value: number): void {
    this.reserve(8);
    doubleValue[0] = value;
    const b = this.bytes;
    for (let i = 7; i >= 0; i--) b[this.pos++] = doubleBytes[i]!;
  }

  /**
   * Text as UTF-8 behind a gap for its header. There is room for the widest header as well: it may
   * turn out wider than the gap, and the text is moved up then.
   * @returns its length in bytes; −1 if it has lone surrogates, which UTF-8 cannot say
   */
  text(text: string, gap: number): number {
    const { length } = text;
    this.reserve(WIDEST_HEADER + length * 3);
    const b = this.bytes;
    const start = this.pos + gap;
    if (length < 32) {
      let bits = 0;
      let p = start;
      for (let i = 0; i < length; i++) {
        const unit = text.charCodeAt(i);
        bits |= unit;
        b[p++] = unit;
      }
      if (bits < 0x80) return length;
    }
    const written = (b as unknown as NativeText).utf8Write(text, start, length * 3);
    return written !== length && !isWellFormed(text) ? -1 : written;
  }
}
