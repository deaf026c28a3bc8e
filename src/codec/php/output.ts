/** The bytes of serialize() text. */

import { Output } from '../output.ts';
import { encodeKey, isWellFormed, type NativeText } from '../text.ts';
import { formatFloat } from './floats.ts';

/**
 * Called apart, and on `'' + text`: then V8 knows that it is a string and inlines the call. It does
 * not for `text.charCodeAt()` where strings of more than four kinds came by (flat, concatenated,
 * sliced, …), as they do in applications, and all writing takes twice as long.
 */
const { charCodeAt } = String.prototype;

/** Texts of up to so many units are written one by one: the native encoder takes longer to call. */
export const SHORT = 32;

/** What the `put` functions write at most, and behind it what copying by words may touch. */
export const ROOM = 256;

export class TextOutput extends Output {
  /** Characters that are known to be ASCII. */
  ascii(text: string): void {
    const { length } = text;
    this.reserve(length);
    const b = this.bytes;
    let p = this.pos;
    for (let i = 0; i < length; i++) b[p++] = charCodeAt.call(text, i);
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

  /** The first `end` bytes of `from`, as `copyEights` takes them. */
  copied(from: DataView, end: number): void {
    this.reserve(end + ROOM);
    this.pos = copyEights(this.view, this.pos, from, 0, end);
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
    this.reserve(ROOM);
    const end = precision === -1 ? putPrice(this.bytes, this.pos, value) : -1;
    if (end < 0) this.ascii(`d:${formatFloat(value, precision)};`);
    else this.pos = end;
  }

  /** Puts another count in the place of the one that ends before `body`, as `COUNT:{`. */
  correctCount(body: number, was: number, count: number): void {
    const from = body - 2;
    const start = from - sizeOf(was);
    const to = start + sizeOf(count);
    if (to !== from) {
      this.reserve(ROOM);
      this.move(to, from, this.pos);
      this.pos += to - from;
    }
    digits(this.bytes, start, count);
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
    this.reserve(ROOM);
    this.pos = putInteger(this.bytes, this.view, this.pos, number);
  }

  /** `s:LENGTH:"…";`; false if the text has lone surrogates, which UTF-8 cannot say. */
  string(text: string): boolean {
    this.reserve(text.length * 3 + ROOM);
    const end = putShort(this.bytes, this.pos, text);
    if (end >= 0) {
      this.pos = end;
      return true;
    }
    this.bytes[this.pos] = 115;
    this.bytes[this.pos + 1] = 58;
    return this.#longText(text, this.pos + 2);
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
        this.move(p + (end - body), p, p + written);
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

/** Is no word of these bytes a NaN, which need not stay as it is? UTF-8 has hardly ever one. */
export function canCopyEights(bytes: Uint8Array): boolean {
  return !bytes.includes(0x7f) && !bytes.includes(0xff);
}

/**
 * Copies bytes to `p` as the floats that they would be, up to seven more than asked for: for more
 * than a few bytes faster than by fours. None may be a NaN: see `canCopyEights`.
 * @returns the position after them
 */
export function copyEights(
  to: DataView,
  p: number,
  from: DataView,
  start: number,
  end: number,
): number {
  const by = p - start;
  for (let i = start; i < end; i += 8) to.setFloat64(by + i, from.getFloat64(i, true), true);
  return by + end;
}

/** `i:0;` to `i:999;`, eight bytes each: what most indices and many numbers are. */
const FEW = 1000;
const fewIntegers = new DataView(new ArrayBuffer(FEW * 8));
for (let i = 0; i < FEW; i++) {
  const text = `i:${i};`;
  for (let at = 0; at < text.length; at++)
    fewIntegers.setUint8(i * 8 + at, charCodeAt.call(text, at));
}

/** Writes `i:NUMBER;` at `p`; returns the position after it. */
export function putInteger(b: Buffer, view: DataView, p: number, number: number): number {
  if (number >= 0 && number < FEW) {
    view.setUint32(p, fewIntegers.getUint32(number * 8));
    if (number < 10) return p + 4;
    view.setUint32(p + 4, fewIntegers.getUint32(number * 8 + 4));
    return number < 100 ? p + 5 : p + 6;
  }
  b[p] = 105;
  b[p + 1] = 58;
  if (number < 0) {
    b[p + 2] = 45;
    p = digits(b, p + 3, -number);
  } else {
    p = digits(b, p + 2, number);
  }
  b[p] = 59;
  return p + 1;
}

/** Writes `b:0;` or `b:1;` at `p`; returns the position after it. */
export function putBoolean(b: Buffer, p: number, value: boolean): number {
  b[p] = 98;
  b[p + 1] = 58;
  b[p + 2] = value ? 49 : 48;
  b[p + 3] = 59;
  return p + 4;
}

/**
 * Writes `d:NUMBER;` at `p` for a number of up to three decimals, as prices have: digits that read
 * back as the same float are the shortest, since two texts of so few digits never mean one float.
 * @returns the position after it; −1 if it is another number
 */
export function putPrice(b: Buffer, p: number, value: number): number {
  const thousandths = Math.round(value * 1000);
  if (!(thousandths > 0 && thousandths < 1e9) || thousandths / 1000 !== value) return -1;
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
  return p + 1;
}

/**
 * Writes `s:LENGTH:"…";` at `p`.
 * @returns the position after it; −1 if the text is not that short, or has surrogates
 */
export function putShort(b: Buffer, p: number, value: string): number {
  const text = '' + value;
  const { length } = text;
  if (length > SHORT) return -1;
  b[p] = 115;
  b[p + 1] = 58;
  const body = quoted(b, p + 2, length);
  for (let i = 0; i < length; i++) {
    const unit = charCodeAt.call(text, i);
    if (unit >= 0x80) return putWide(b, p + 2, text);
    b[body + i] = unit;
  }
  const end = body + length;
  b[end] = 34;
  b[end + 1] = 59;
  return end + 2;
}

/** `LENGTH:"…";` of a short text that is not ASCII. */
function putWide(b: Buffer, start: number, value: string): number {
  const text = '' + value;
  const { length } = text;
  // Only that short it matters for the width of the length how long it is in UTF-8.
  let p = quoted(b, start, length < 10 && isTenAtLeast(text) ? 10 : length);
  const body = p;
  for (let i = 0; i < length; i++) {
    const unit = charCodeAt.call(text, i);
    if (unit < 0x80) {
      b[p++] = unit;
    } else if (unit < 0x800) {
      b[p] = 0xc0 | (unit >> 6);
      b[p + 1] = 0x80 | (unit & 0x3f);
      p += 2;
    } else {
      // Pairs of surrogates are few, and their checks are left to the native encoder.
      if (unit >= 0xd800 && unit < 0xe000) return -1;
      b[p] = 0xe0 | (unit >> 12);
      b[p + 1] = 0x80 | ((unit >> 6) & 0x3f);
      b[p + 2] = 0x80 | (unit & 0x3f);
      p += 3;
    }
  }
  quoted(b, start, p - body);
  b[p] = 34;
  b[p + 1] = 59;
  return p + 2;
}

/** Has this text ten bytes of UTF-8 or more? */
function isTenAtLeast(value: string): boolean {
  const text = '' + value;
  let size = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = charCodeAt.call(text, i);
    if (unit >= 0x80) size += unit < 0x800 ? 1 : 2;
  }
  return size >= 10;
}

/** Writes `LENGTH:"` for a length below 100; returns the position after it. */
function quoted(b: Buffer, p: number, length: number): number {
  if (length >= 10) {
    const tens = (length / 10) | 0;
    b[p++] = 48 + tens;
    length -= tens * 10;
  }
  b[p] = 48 + length;
  b[p + 1] = 58;
  b[p + 2] = 34;
  return p + 3;
}

/** Writes a number that is not negative in decimal; returns the position after it. */
export function digits(b: Buffer, p: number, number: number): number {
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
    for (let i = 0; i < text.length; i++) b[p + i] = charCodeAt.call(text, i);
    return p + text.length;
  }
  let rest = number | 0;
  let length = 3;
  for (let limit = 1000; limit <= rest; limit *= 10) length++;
  for (let i = p + length - 1; i >= p; i--) {
    const next = (rest / 10) | 0;
    b[i] = 48 + rest - next * 10;
    rest = next;
  }
  return p + length;
}

/** How many digits the number has. */
function sizeOf(number: number): number {
  return number < 10 ? 1 : number < 100 ? 2 : String(number).length;
}
