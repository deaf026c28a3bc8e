/** The bytes of serialize() text. */

import { Output } from '../output.ts';
import { encodeKey, isWellFormed, type NativeText } from '../text.ts';

export class TextOutput extends Output {
  /** Characters that are known to be ASCII. */
  ascii(text: string): void {
    const { length } = text;
    this.reserve(length);
    const b = this.bytes;
    let p = this.pos;
    for (let i = 0; i < length; i++) b[p++] = text.charCodeAt(i);
    this.pos = p;
  }

  /** `letter:NUMBER` for a number that is not negative. */
  tagged(letter: number, number: number): void {
    this.reserve(24);
    const b = this.bytes;
    b[this.pos] = letter;
    b[this.pos + 1] = 58;
    this.pos = digits(b, this.pos + 2, number);
  }

  /** `:COUNT:{` */
  count(count: number): void {
    this.reserve(24);
    const b = this.bytes;
    b[this.pos] = 58;
    const p = digits(b, this.pos + 1, count);
    b[p] = 58;
    b[p + 1] = 123;
    this.pos = p + 2;
  }

  /** `i:NUMBER;` */
  integer(number: number): void {
    this.reserve(26);
    const b = this.bytes;
    let p = this.pos;
    b[p] = 105;
    b[p + 1] = 58;
    p += 2;
    if (number < 0) {
      b[p++] = 45;
      number = -number;
    }
    p = digits(b, p, number);
    b[p] = 59;
    this.pos = p + 1;
  }

  /** `s:LENGTH:"…";`; false if the text has lone surrogates, which UTF-8 cannot say. */
  string(text: string): boolean {
    const { length } = text;
    this.reserve(length * 3 + 28);
    const b = this.bytes;
    const start = this.pos;
    b[start] = 115;
    b[start + 1] = 58;
    const body = digits(b, start + 2, length);
    b[body] = 58;
    b[body + 1] = 34;
    let p = body + 2;
    if (length < 32) {
      let bits = 0;
      for (let i = 0; i < length; i++) {
        const unit = text.charCodeAt(i);
        bits |= unit;
        b[p++] = unit;
      }
      if (bits < 0x80) {
        b[p] = 34;
        b[p + 1] = 59;
        this.pos = p + 2;
        return true;
      }
      p = body + 2;
    }
    // Written with room for a length of as many digits; most often it fits.
    const written = (b as unknown as NativeText).utf8Write(text, p, length * 3);
    if (written !== length) {
      if (!isWellFormed(text)) return false;
      const end = digits(b, start + 2, written);
      if (end !== body) {
        b.copyWithin(p + (end - body), p, p + written);
        digits(b, start + 2, written);
        b[end] = 58;
        b[end + 1] = 34;
        p = end + 2;
      }
    }
    p += written;
    b[p] = 34;
    b[p + 1] = 59;
    this.pos = p + 2;
    return true;
  }

  /** A string whose lone U+DC80–U+DCFF stand for bytes; false if it cannot be said. */
  name(text: string): boolean {
    if (this.string(text)) return true;
    const bytes = encodeKey(text);
    if (bytes === undefined) return false;
    this.buffer(bytes);
    return true;
  }

  /** `s:LENGTH:"…";` of bytes. */
  buffer(bytes: Uint8Array): void {
    this.tagged(115, bytes.length);
    this.reserve(bytes.length + 4);
    const b = this.bytes;
    b[this.pos] = 58;
    b[this.pos + 1] = 34;
    b.set(bytes, this.pos + 2);
    const p = this.pos + 2 + bytes.length;
    b[p] = 34;
    b[p + 1] = 59;
    this.pos = p + 2;
  }
}

/** Writes a number that is not negative in decimal; returns the position after it. */
function digits(b: Buffer, p: number, number: number): number {
  if (number < 10) {
    b[p] = 48 + number;
    return p + 1;
  }
  if (number < 100) {
    const tens = (number / 10) | 0;
    b[p] = 48 + tens;
    b[p + 1] = 48 + number - tens * 10;
    return p + 2;
  }
  if (number > 0x7fffffff) {
    const text = number <= Number.MAX_SAFE_INTEGER ? String(number) : String(BigInt(number));
    for (let i = 0; i < text.length; i++) b[p + i] = text.charCodeAt(i);
    return p + text.length;
  }
  let length = 3;
  for (let limit = 1000; limit <= number; limit *= 10) length++;
  let rest = number;
  for (let i = p + length - 1; i >= p; i--) {
    const next = (rest / 10) | 0;
    b[i] = 48 + rest - next * 10;
    rest = next;
  }
  return p + length;
}
