/** Passing over values without making them: the grammar is checked, nothing is built. */

import { CodecError } from '../../errors.ts';
import { asText } from '../text.ts';
import { parseFloatText } from './floats.ts';

let stack = new Int32Array(256);

/** What was seen of the values that were passed over, since these were last set. */
export const skipped = {
  /** How many slots they took. */
  slots: 0,
  backReferences: false,
  /**
   * Only arrays and scalars, written as PHP writes them; a key that an array has twice aside, which
   * only reading it shows.
   */
  everyday: true,
};

/** Payloads within payloads are looked into no deeper: the data must not drive a recursion. */
export const NESTED_PAYLOADS = 32;

/**
 * Passes over one value.
 * @returns the position after it; if the bytes are no value, `-1 - position` of the fault.
 */
export function skipValue(b: Buffer, start: number, maxDepth: number): number {
  return skipWithin(b, start, b.length, 0, maxDepth, 0);
}

/**
 * @param end Where the bytes end: within a payload that is before the end of `b`.
 * @param base How many containers are open around it.
 * @param payloads How many payloads it stands in.
 */
function skipWithin(
  b: Buffer,
  start: number,
  end: number,
  base: number,
  maxDepth: number,
  payloads: number,
): number {
  let p = start;
  let depth = base;
  // Values and keys still to come in the open container, two for each pair.
  let left = 0;
  let slots = 0;
  let everyday = true;
  let backReferences = false;
  for (;;) {
    const letter = b[p];
    const isKey = left > 0 && (left & 1) === 0;
    if (!isKey) slots++;
    if (letter === 115) {
      let q = p + 3;
      let n = b[p + 2]! - 48;
      if (b[p + 1] !== 58 || !(n >= 0 && n <= 9)) return -1 - p;
      for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) n = n * 10 + d;
      const to = q + 2 + n;
      if (b[q] !== 58 || b[q + 1] !== 34 || b[to] !== 34 || b[to + 1] !== 59) return -1 - p;
      if (q > p + 3 && b[p + 2] === 48) everyday = false;
      // A key that looks like an integer PHP would make one.
      if (isKey && b[q + 2]! <= 57 && n > 0 && n <= 20) everyday = false;
      p = to + 2;
    } else if (letter === 105) {
      let q = p + 2;
      if (b[q] === 45 || b[q] === 43) q++;
      const from = q;
      for (let d = b[q]!; d >= 48 && d <= 57; d = b[++q]!);
      if (b[p + 1] !== 58 || q === from || b[q] !== 59) return -1 - p;
      if (q > from + 1 ? b[from] === 48 || q > from + 15 : from > p + 2 && b[from] === 48) {
        everyday = false;
      }
      if (b[p + 2] === 43) everyday = false;
      p = q + 1;
    } else if (letter === 83) {
      const q = skipEscaped(b, p, end);
      if (q < 0) return -1 - p;
      everyday = false;
      p = q;
    } else if (isKey) {
      return -1 - p;
    } else if (letter === 97 || letter === 79) {
      let q = letter === 97 ? p + 1 : skipName(b, p);
      if (q < 0 || b[q] !== 58) return -1 - p;
      q++;
      if (letter === 79) {
        everyday = false;
        if (b[q] === 43) q++;
      }
      let n = b[q]! - 48;
      if (!(n >= 0 && n <= 9)) return -1 - p;
      q++;
      if (n === 0 && b[q] !== 58) everyday = false;
      for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) n = n * 10 + d;
      if (b[q] !== 58 || b[q + 1] !== 123 || n > (end - q - 2) / 2) return -1 - p;
      if (depth >= maxDepth && maxDepth > 0) return -1 - p;
      if (depth >= stack.length) {
        const larger = new Int32Array(stack.length * 2);
        larger.set(stack);
        stack = larger;
      }
      stack[depth++] = left;
      left = n * 2;
      p = q + 2;
      if (n > 0) continue;
      left = 1;
    } else if (letter === 98) {
      if (b[p + 1] !== 58 || (b[p + 2]! & 254) !== 48 || b[p + 3] !== 59) return -1 - p;
      p += 4;
    } else if (letter === 78) {
      if (b[p + 1] !== 59) return -1 - p;
      p += 2;
    } else if (letter === 100) {
      // Digits with or without a fraction need no text; the rest of the grammar takes the slow way.
      let q = p + 2;
      if (b[q] === 45) q++;
      const from = q;
      for (let d = b[q]!; d >= 48 && d <= 57; d = b[++q]!);
      if (q > from && b[q] === 46) for (let d = b[++q]!; d >= 48 && d <= 57; d = b[++q]!);
      if (b[p + 1] !== 58 || q === from || b[q] !== 59) {
        q = p;
        while (q < end && b[q] !== 59) q++;
        if (b[p + 1] !== 58 || q === end) return -1 - p;
        if (parseFloatText(asText(b).latin1Slice(p + 2, q)) === undefined) return -1 - p;
      }
      p = q + 1;
    } else if (letter === 114 || letter === 82) {
      let q = p + 2;
      for (let d = b[q]!; d >= 48 && d <= 57; d = b[++q]!);
      if (b[p + 1] !== 58 || q === p + 2 || b[q] !== 59) return -1 - p;
      if (letter === 82) slots--;
      backReferences = true;
      everyday = false;
      p = q + 1;
    } else if (letter === 69) {
      const q = skipName(b, p);
      if (q < 0 || b[q] !== 59) return -1 - p;
      everyday = false;
      p = q + 1;
    } else if (letter === 67) {
      everyday = false;
      let q = skipName(b, p);
      if (q < 0 || b[q] !== 58) return -1 - p;
      q++;
      if (b[q] === 43) q++;
      let n = 0;
      const from = q;
      for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) n = n * 10 + d;
      if (q === from || b[q] !== 58 || b[q + 1] !== 123 || b[q + 2 + n] !== 125) return -1 - p;
      // What the class wrote by serialize() PHP counts with the rest, however deep it stands.
      const to = q + 2 + n;
      if (payloads < NESTED_PAYLOADS && to < end) {
        const known = { ...skipped };
        if (skipWithin(b, q + 2, to, depth, maxDepth, payloads + 1) !== to) {
          Object.assign(skipped, known);
        }
      }
      p = to + 1;
    } else {
      return -1 - p;
    }
    if (p > end) return -1 - end;
    // Something is complete; so may be the containers around it.
    if (left > 0) left--;
    while (left === 0) {
      if (depth === base) {
        skipped.slots += slots;
        if (backReferences) skipped.backReferences = true;
        if (!everyday) skipped.everyday = false;
        return p;
      }
      if (b[p] !== 125) return -1 - p;
      p++;
      left = stack[--depth]!;
      if (left > 0) left--;
    }
  }
}

/** `X:LENGTH:"…"`: the position after the closing quote, or −1. */
function skipName(b: Buffer, p: number): number {
  let q = p + 2;
  let n = 0;
  for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) n = n * 10 + d;
  const to = q + 2 + n;
  if (b[p + 1] !== 58 || q === p + 2 || n === 0) return -1;
  return b[q] === 58 && b[q + 1] === 34 && b[to] === 34 ? to + 1 : -1;
}

/** `S:LENGTH:"…\xx…";`: the position after it, or −1. */
export function skipEscaped(b: Buffer, p: number, end: number = b.length): number {
  let q = p + 2;
  let n = 0;
  for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) n = n * 10 + d;
  if (b[p + 1] !== 58 || q === p + 2 || b[q] !== 58 || b[q + 1] !== 34) return -1;
  q += 2;
  for (; n > 0 && q < end; n--) {
    if (b[q] !== 92) q++;
    else if (isHex(b[q + 1]!) && isHex(b[q + 2]!)) q += 3;
    else return -1;
  }
  return n === 0 && b[q] === 34 && b[q + 1] === 59 ? q + 2 : -1;
}

function isHex(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 97 && byte <= 102) || (byte >= 65 && byte <= 70);
}

/** The error for a value that could not be passed over. */
export function badValue(offset: number, path: string): CodecError {
  const message = `not serialized data at byte ${offset}`;
  return new CodecError('ERR_PSB_CODEC_SYNTAX', message, { offset, path });
}
