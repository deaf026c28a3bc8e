/** The bytes of serialize() text. */

import { Output } from '../output.ts';
import { encodeKey, isWellFormed, type NativeText } from '../text.ts';
import { formatFloat } from './floats.ts';

/** Shorter texts are written unit by unit. */
const SHORT = 32;

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

  /** `a:COUNT:{`. */
  open(count: number): void {
    this.reserve(24);
    const b = this.bytes;
    let p = this.pos;
    b[p] = 97;
    b[p + 1] = 58;
    p = digits(b, p + 2, count);
    b[p] = 58;
    b[p + 1] = 123;
    this.pos = p + 2;
  }

  boolean(value: boolean): void {
    this.reserve(4);
    const b = this.bytes;
    const p = this.pos;
    b[p] = 98;
    b[p + 1] = 58;
    b[p + 2] = value ? 49 : 48;
    b[p + 3] = 59;
    this.pos = p + 4;
  }

  nothing(): void {
    this.reserve(2);
    this.bytes[this.pos++] = 78;
    this.bytes[this.pos++] = 59;
  }

  /** `d:NUMBER;` */
  float(value: number, precision: number): void {
    // Up to three decimals, as prices have: digits that read back as the same float are the
    // shortest, since two texts of so few digits never mean one float.
    const thousandths = Math.round(value * 1000);
    if (
      precision !== -1 ||
      !(thousandths > 0 && thousandths < 1e9) ||
      thousandths / 1000 !== value
    ) {
      this.ascii(`d:${formatFloat(value, precision)};`);
      return;
    }
    this.reserve(24);
    const b = this.bytes;
    let p = this.pos;
    b[p] = 100;
    b[p + 1] = 58;
    const whole = (thousandths / 1000) | 0;
    p = digits(b, p + 2, whole);
    const rest = thousandths - whole * 1000;
    if (rest > 0) {
      const tenths = (rest / 100) | 0;
      const hundredths = ((rest / 10) | 0) - tenths * 10;
      const last = rest % 10;
      b[p++] = 46;
      b[p++] = 48 + tenths;
      if (hundredths + last > 0) b[p++] = 48 + hundredths;
      if (last > 0) b[p++] = 48 + last;
    }
    b[p] = 59;
    this.pos = p + 1;
  }

  /** Puts another count in the place of the one that ends before `body`, as `COUNT:{`. */
  correctCount(body: number, was: number, count: number): void {
    const text = String(count);
    const from = body - 2;
    const start = from - String(was).length;
    const to = start + text.length;
    if (to !== from) {
      this.bytes.copyWithin(to, from, this.pos);
      this.pos += to - from;
    }
    this.bytes.write(text, start, 'latin1');
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
    if (length < SHORT) {
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
      // By hand up to here: the native encoder takes longer to call.
      return this.#shortText(text, start + 2);
    }
    return this.#longText(text, start + 2);
  }

  /** `LENGTH:"…";` of a short text that is not ASCII. */
  #shortText(text: string, start: number): boolean {
    const { length } = text;
    let size = length;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) size += unit < 0x800 ? 1 : 2;
      // Pairs of surrogates are few, and their checks are left to the native encoder.
      if (unit >= 0xd800 && unit < 0xe000) return this.#longText(text, start);
    }
    const b = this.bytes;
    let p = digits(b, start, size);
    b[p] = 58;
    b[p + 1] = 34;
    p += 2;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < 0x80) {
        b[p++] = unit;
      } else if (unit < 0x800) {
        b[p] = 0xc0 | (unit >> 6);
        b[p + 1] = 0x80 | (unit & 0x3f);
        p += 2;
      } else {
        b[p] = 0xe0 | (unit >> 12);
        b[p + 1] = 0x80 | ((unit >> 6) & 0x3f);
        b[p + 2] = 0x80 | (unit & 0x3f);
        p += 3;
      }
    }
    b[p] = 34;
    b[p + 1] = 59;
    this.pos = p + 2;
    return true;
  }

  #longText(text: string, start: number): boolean {
    const { length } = text;
    const b = this.bytes;
    const body = digits(b, start, length);
    let p = body + 2;
    // Written with room for a length of as many digits; most often it fits.
    const written = (b as unknown as NativeText).utf8Write(text, p, length * 3);
    b[body] = 58;
    b[body + 1] = 34;
    if (written !== length) {
      if (!isWellFormed(text)) return false;
      const end = digits(b, start, written);
      if (end !== body) {
        b.copyWithin(p + (end - body), p, p + written);
        digits(b, start, written);
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
