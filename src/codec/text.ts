/**
 * Text of all formats: bytes that are valid UTF-8 are strings; other bytes are a Buffer as a value
 * and, as a key or a name, a string with one code unit U+DC80–U+DCFF for each odd byte.
 */

import { isAscii, isUtf8 } from 'node:buffer';
import { SHORT, SHORT_UNITS, shortText, shortUnits } from './short-text.ts';

/** Buffer's native decoders and encoders: public in fact, but missing from its types. */
export interface NativeText {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
  ucs2Slice(start: number, end: number): string;
  utf8Write(text: string, offset: number, length?: number): number;
}

export function asText(bytes: Buffer): NativeText {
  return bytes as unknown as NativeText;
}

/**
 * A string value: text if the bytes are valid UTF-8, else a Buffer of its own (never a view, which
 * would keep the whole blob in memory).
 * @param view The same bytes as a view, if there is one: long text is then read faster.
 */
export function decodeText(
  bytes: Buffer,
  start: number,
  end: number,
  view: DataView | null = null,
): string | Buffer {
  if (isAsciiFrom(bytes, start, end, view)) {
    if (end - start <= SHORT) return shortText(bytes, start, end - start);
    return (bytes as unknown as NativeText).latin1Slice(start, end);
  }
  const text = decodeUtf8(bytes, start, end, view);
  return text ?? ownCopy(bytes, start, end);
}

/**
 * Bytes as a Buffer with memory of its own: neither the blob's, which a view would keep, nor that
 * of Node's pool, where those of other sessions stand.
 */
export function ownCopy(bytes: Uint8Array, start = 0, end: number = bytes.length): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}

function isAsciiFrom(bytes: Buffer, start: number, end: number, view: DataView | null): boolean {
  // Text that is not ASCII shows it soon; for the rest of a long one the native call is faster.
  const soon = Math.min(end, start + 512);
  let at = start;
  if (view !== null) {
    for (; at + 8 <= soon; at += 8) {
      if (((view.getInt32(at) | view.getInt32(at + 4)) & ALL_HIGH) !== 0) return false;
    }
  } else {
    // Eight at a time: half the time of one by one.
    for (; at + 8 <= soon; at += 8) {
      const bits =
        bytes[at]! |
        bytes[at + 1]! |
        bytes[at + 2]! |
        bytes[at + 3]! |
        bytes[at + 4]! |
        bytes[at + 5]! |
        bytes[at + 6]! |
        bytes[at + 7]!;
      if (bits >= 0x80) return false;
    }
  }
  for (; at < soon; at++) if (bytes[at]! >= 0x80) return false;
  return at === end || isAscii(bytes.subarray(at, end));
}

// The high bit of each of four bytes.
const ALL_HIGH = 0x80808080 | 0;

const scratch = new Uint16Array(4096);
const scratchText = Buffer.from(scratch.buffer) as unknown as NativeText;

/** Without a view, text from this size on is worth making one. */
const WORTH_A_VIEW = 96;

/**
 * UTF-8 by hand: Node 20's own decoder runs at a fifth of the speed, and also in newer ones short
 * text is not worth a native call. `undefined` if it is not valid UTF-8.
 */
export function decodeUtf8(
  bytes: Buffer,
  start: number,
  end: number,
  view: DataView | null = null,
): string | undefined {
  const length = end - start;
  if (length > scratch.length) {
    if (HAS_FAST_UTF8) {
      const valid = isUtf8(bytes.subarray(start, end));
      return valid ? (bytes as unknown as NativeText).utf8Slice(start, end) : undefined;
    }
    const units = new Uint16Array(length);
    const count = decodeUnits(bytes, start, end, wideView(bytes), units);
    if (count < 0) return undefined;
    return (Buffer.from(units.buffer) as unknown as NativeText).ucs2Slice(0, count * 2);
  }
  const wide = view === null && length > WORTH_A_VIEW ? wideView(bytes) : view;
  const count = decodeUnits(bytes, start, end, wide, scratch);
  if (count < 0) return undefined;
  if (count <= SHORT_UNITS) return shortUnits(scratch, count);
  return scratchText.ucs2Slice(0, count * 2);
}

/** From Node 24 on V8 decodes UTF-8 faster than any JavaScript. */
const HAS_FAST_UTF8 = Number.parseInt(process.versions.node, 10) >= 24;

function wideView(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The UTF-16 of these bytes to `units`; how many there are, or −1 if they are not valid UTF-8. */
function decodeUnits(
  bytes: Buffer,
  start: number,
  end: number,
  view: DataView | null,
  units: Uint16Array,
): number {
  let count = 0;
  let at = start;
  while (at < end) {
    if (view !== null && at + 12 <= end) {
      const x = view.getInt32(at);
      if ((x & ALL_HIGH) === 0) {
        units[count] = x >> 24;
        units[count + 1] = (x >> 16) & 0xff;
        units[count + 2] = (x >> 8) & 0xff;
        units[count + 3] = x & 0xff;
        count += 4;
        at += 4;
        continue;
      }
      // Four characters of three bytes, as Korean has them.
      if ((x & 0xf0c0c0f0) === (0xe08080e0 | 0)) {
        const y = view.getInt32(at + 4);
        const z = view.getInt32(at + 8);
        if ((y & 0xc0c0f0c0) === (0x8080e080 | 0) && (z & 0xc0f0c0c0) === (0x80e08080 | 0)) {
          const a = ((x >> 12) & 0xf000) | ((x >> 10) & 0xfc0) | ((x >> 8) & 0x3f);
          const b = ((x & 0x0f) << 12) | ((y >> 18) & 0xfc0) | ((y >> 16) & 0x3f);
          const c = ((y << 4) & 0xf000) | ((y & 0x3f) << 6) | ((z >> 24) & 0x3f);
          const d = ((z >> 4) & 0xf000) | ((z >> 2) & 0xfc0) | (z & 0x3f);
          if ((wrong(a) | wrong(b) | wrong(c) | wrong(d)) < 0) return -1;
          units[count] = a;
          units[count + 1] = b;
          units[count + 2] = c;
          units[count + 3] = d;
          count += 4;
          at += 12;
          continue;
        }
      }
    }
    const a = bytes[at]!;
    if (a < 0x80) {
      units[count++] = a;
      at++;
    } else if (a < 0xe0) {
      const b = bytes[at + 1]!;
      if (a < 0xc2 || at + 2 > end || (b & 0xc0) !== 0x80) return -1;
      units[count++] = ((a & 0x1f) << 6) | (b & 0x3f);
      at += 2;
    } else if (a < 0xf0) {
      const b = bytes[at + 1]!;
      const c = bytes[at + 2]!;
      if (at + 3 > end || (b & 0xc0) !== 0x80 || (c & 0xc0) !== 0x80) return -1;
      const point = ((a & 0x0f) << 12) | ((b & 0x3f) << 6) | (c & 0x3f);
      if (wrong(point) < 0) return -1;
      units[count++] = point;
      at += 3;
    } else {
      const b = bytes[at + 1]!;
      const c = bytes[at + 2]!;
      const d = bytes[at + 3]!;
      if (at + 4 > end || a > 0xf4) return -1;
      if ((b & 0xc0) !== 0x80 || (c & 0xc0) !== 0x80 || (d & 0xc0) !== 0x80) return -1;
      const point = ((a & 0x07) << 18) | ((b & 0x3f) << 12) | ((c & 0x3f) << 6) | (d & 0x3f);
      if (point < 0x10000 || point > 0x10ffff) return -1;
      units[count++] = 0xd800 + ((point - 0x10000) >> 10);
      units[count++] = 0xdc00 + ((point - 0x10000) & 0x3ff);
      at += 4;
    }
  }
  return count;
}

/** Negative for what three bytes must not say: what two could, and surrogates. */
function wrong(point: number): number {
  return (point - 0x800) | (((point & 0xf800) ^ 0xd800) - 1);
}

/** A key, a property name or a class name: always a string. */
export function decodeKey(bytes: Buffer, start: number, end: number): string {
  const text = decodeText(bytes, start, end);
  return typeof text === 'string' ? text : decodeOdd(text);
}

/** Bytes that are not UTF-8 as a name: valid sequences as characters, each other byte escaped. */
function decodeOdd(bytes: Buffer): string {
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at]!;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const end = Math.min(at + length, bytes.length);
    const character = decodeUtf8(bytes, at, end);
    if (character === undefined) {
      text += String.fromCharCode(0xdc00 + lead);
      at++;
    } else {
      text += character;
      at = end;
    }
  }
  return text;
}

const ODD = /[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g;

/**
 * The bytes of a key or a name, with U+DC80–U+DCFF as the bytes that they stand for.
 * `undefined` if it holds any other lone surrogate, which no bytes can say.
 */
export function encodeKey(text: string): Buffer | undefined {
  if (isWellFormed(text)) return Buffer.from(text);
  const parts: Buffer[] = [];
  let from = 0;
  for (const match of text.matchAll(ODD)) {
    if (match[0].length === 2) continue;
    const unit = match[0].charCodeAt(0);
    if (unit < 0xdc80 || unit > 0xdcff) return undefined;
    parts.push(Buffer.from(text.slice(from, match.index)), Buffer.of(unit & 0xff));
    from = match.index + 1;
  }
  parts.push(Buffer.from(text.slice(from)));
  return Buffer.concat(parts);
}

/** Has the string no lone surrogates? */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

/** Are all bytes ASCII? */
export function isAsciiBytes(bytes: Buffer): boolean {
  return isAscii(bytes);
}
