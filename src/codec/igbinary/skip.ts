/** Passing over values without making them: the grammar is checked, ids are given, no more. */
import { CodecError } from '../../errors.ts';
import * as F from './format.ts';

/** Stands among the ids for an array, an object or a reference that was passed over. */
export const PASSED_OVER = Symbol('passed over');

/** How many pairs are still to come in the containers around the open one. */
let stack = new Int32Array(256);

/** How many bytes follow a type byte, for the scalars of a fixed width. */
const OTHER = 255;
const BEYOND = 256;
const widths = new Uint8Array(BEYOND + 1).fill(OTHER);
for (const type of [F.NULL, F.FALSE, F.TRUE, F.STRING_EMPTY]) widths[type] = 0;
for (const type of [F.POSITIVE8, F.NEGATIVE8]) widths[type] = 1;
for (const type of [F.POSITIVE16, F.NEGATIVE16]) widths[type] = 2;
for (const type of [F.POSITIVE32, F.NEGATIVE32]) widths[type] = 4;
for (const type of [F.DOUBLE, F.POSITIVE64, F.NEGATIVE64]) widths[type] = 8;

/** The number of elements that a head announced. */
let announced = 0;

/**
 * Passes over the value at `start`.
 * @param texts The strings by id; of one that is passed over only its position is noted.
 * @param levels How deep the value may be nested.
 * @returns the position after it
 */
export function skipIgbinary(
  b: Buffer,
  start: number,
  texts: unknown[],
  ids: unknown[],
  levels: number,
): number {
  const end = b.length;
  let p = start;
  let depth = 0;
  let left = 0;
  let isCell = false;

  for (;;) {
    const from = p;
    let count = 0;
    const type = b[p++] ?? BEYOND;
    const width = widths[type]!;
    if (width !== OTHER) {
      p += width;
    } else if (type === F.STRING8) {
      texts.push(from);
      p += 1 + b[p]!;
    } else if (type === F.ARRAY8) {
      count = b[p++]!;
      ids.push(PASSED_OVER);
      isCell = false;
    } else if (type === F.CELL) {
      // Two marks are one.
      isCell = true;
      continue;
    } else if (type === F.STRING_ID8) {
      if (!(b[p++]! < texts.length)) throw cut(from);
    } else if (type === F.STRING64 || (type >= F.STRING_ID8 && type <= F.STRING32)) {
      p = skipString(b, from, texts);
    } else {
      p = skipRare(b, from, texts, ids);
      count = announced;
      isCell = false;
    }
    if (!(p <= end)) throw cut(from);
    if (isCell) {
      // A reference to a scalar takes its id after the value.
      ids.push(PASSED_OVER);
      isCell = false;
    }
    if (count > 0) {
      if (count > end - p) throw cut(from);
      if (depth >= levels) {
        throw new CodecError('ERR_PSB_CODEC_LIMIT', 'igbinary: nested too deeply', {
          offset: from,
        });
      }
      if (depth >= stack.length) {
        const larger = new Int32Array(stack.length * 2);
        larger.set(stack);
        stack = larger;
      }
      stack[depth++] = left;
      left = count;
    } else {
      left--;
    }

    // The key of the next pair. Below the first container nothing has one.
    for (;;) {
      while (left <= 0) {
        if (depth === 0) return p;
        left = stack[--depth]! - 1;
      }
      if (depth === 0) return p;
      const at = p;
      const type = b[p]!;
      p += 2;
      if (type === F.STRING_ID8) {
        if (!(b[at + 1]! < texts.length)) throw cut(at);
      } else if (type === F.POSITIVE8) {
        // Its byte was passed over.
      } else if (type === F.STRING8) {
        texts.push(at);
        p += b[at + 1]!;
      } else if (type === F.NULL) {
        // A placeholder has no value.
        p = at + 1;
        left--;
        continue;
      } else {
        p = skipKey(b, at, texts);
      }
      break;
    }
  }
}

function skipKey(b: Buffer, at: number, texts: unknown[]): number {
  const type = b[at] ?? -1;
  if (type >= F.POSITIVE8 && type <= F.NEGATIVE32)
    return at + 1 + (1 << ((type - F.POSITIVE8) >> 1));
  if (type === F.POSITIVE64 || type === F.NEGATIVE64) return at + 9;
  if (type === F.STRING_EMPTY) return at + 1;
  if (type === F.STRING64) throw cut(at);
  return skipString(b, at, texts);
}

/** A string or the id of one. */
function skipString(b: Buffer, at: number, texts: unknown[]): number {
  const type = b[at] ?? -1;
  if (type >= F.STRING_ID8 && type <= F.STRING_ID32) {
    const width = 1 << (type - F.STRING_ID8);
    if (numberAt(b, at + 1, width) >= texts.length) throw cut(at);
    return at + 1 + width;
  }
  if ((type < F.STRING8 || type > F.STRING32) && type !== F.STRING64) throw cut(at);
  const width = type === F.STRING64 ? 8 : 1 << (type - F.STRING8);
  texts.push(at);
  return at + 1 + width + numberAt(b, at + 1, width);
}

/** Wide arrays, objects and back-references; leaves the number of elements in `announced`. */
function skipRare(b: Buffer, from: number, texts: unknown[], ids: unknown[]): number {
  const type = b[from] ?? -1;
  let p = from + 1;
  announced = 0;
  if (type === F.ARRAY16 || type === F.ARRAY32) {
    ids.push(PASSED_OVER);
    return skipCount(b, p, type);
  }
  if ((type >= F.REF8 && type <= F.REF32) || (type >= F.OBJECT_REF8 && type <= F.OBJECT_REF32)) {
    const width = 1 << (type <= F.REF32 ? type - F.REF8 : type - F.OBJECT_REF8);
    if (numberAt(b, p, width) >= ids.length) throw cut(from);
    return p + width;
  }
  if (type >= F.OBJECT_ID8 && type <= F.OBJECT_ID32) {
    const width = 1 << (type - F.OBJECT_ID8);
    if (numberAt(b, p, width) >= texts.length) throw cut(from);
    p += width;
  } else if (type >= F.OBJECT8 && type <= F.OBJECT32) {
    const width = 1 << (type - F.OBJECT8);
    texts.push(from);
    p += width + numberAt(b, p, width);
  } else {
    throw cut(from);
  }
  ids.push(PASSED_OVER);
  const body = b[p++] ?? -1;
  if (body >= F.ARRAY8 && body <= F.ARRAY32) return skipCount(b, p, body);
  if (body >= F.PAYLOAD8 && body <= F.PAYLOAD32) {
    const width = 1 << (body - F.PAYLOAD8);
    return p + width + numberAt(b, p, width);
  }
  if (body !== F.ENUM_CASE) throw cut(from);
  const name = b[p] ?? -1;
  if (name < F.STRING_ID8 || name > F.STRING32) throw cut(from);
  return skipString(b, p, texts);
}

function skipCount(b: Buffer, at: number, type: number): number {
  const width = 1 << (type - F.ARRAY8);
  announced = numberAt(b, at, width);
  return at + width;
}

function numberAt(b: Buffer, at: number, width: number): number {
  // Beyond the end: a number that no blob can hold.
  if (at + width > b.length) return Number.MAX_SAFE_INTEGER;
  return width === 8 ? Number(b.readBigUInt64BE(at)) : b.readUIntBE(at, width);
}

function cut(at: number): CodecError {
  return new CodecError('ERR_PSB_CODEC_SYNTAX', `igbinary: no value at byte ${at}`, { offset: at });
}
