/** Passing over values without making them: the grammar is checked, ids are given, no more. */
import { CodecError } from '../../errors.ts';
import * as F from './format.ts';
import type { StringTable } from './strings.ts';

/** Stands among the ids for an array, an object or a reference that was passed over. */
export const PASSED_OVER = Symbol('passed over');

let stack = new Int32Array(256);

/**
 * Passes over the value at `start`.
 * @returns the position after it
 */
export function skipIgbinary(
  b: Buffer,
  start: number,
  strings: StringTable,
  ids: unknown[],
  maxDepth: number,
): number {
  const end = b.length;
  let p = start;
  let depth = 0;
  // Keys and values still to come in the open container: a pair is two.
  let left = 1;
  const cut = (at: number): CodecError =>
    new CodecError('ERR_PSB_CODEC_SYNTAX', `igbinary: no value at byte ${at}`, { offset: at });

  for (;;) {
    const isKey = depth > 0 && (left & 1) === 0;
    const from = p;
    let type = b[p++];
    let isCell = false;
    while (type === F.CELL && !isKey) {
      isCell = true;
      type = b[p++];
    }
    let count = -1;
    if (type === undefined) throw cut(from);
    if (type === F.STRING8 || type === F.STRING16 || type === F.STRING32 || type === F.STRING64) {
      const width = type === F.STRING64 ? 8 : 1 << (type - F.STRING8);
      const length = numberAt(b, p, width);
      strings.addSkipped(p - 1);
      p += width + length;
    } else if (type >= F.STRING_ID8 && type <= F.STRING_ID32) {
      const width = 1 << (type - F.STRING_ID8);
      if (numberAt(b, p, width) >= strings.texts.length) throw cut(from);
      p += width;
    } else if (type === F.STRING_EMPTY) {
      // Nothing follows.
    } else if (type >= F.POSITIVE8 && type <= F.NEGATIVE32) {
      p += 1 << ((type - F.POSITIVE8) >> 1);
    } else if (type === F.POSITIVE64 || type === F.NEGATIVE64) {
      p += 8;
    } else if (type === F.NULL) {
      // As a key: a placeholder, which has no value.
      if (isKey) left--;
    } else if (isKey) {
      throw cut(from);
    } else if (type === F.FALSE || type === F.TRUE) {
      // Nothing follows.
    } else if (type === F.DOUBLE) {
      p += 8;
    } else if (type >= F.ARRAY8 && type <= F.ARRAY32) {
      count = numberAt(b, p, 1 << (type - F.ARRAY8));
      p += 1 << (type - F.ARRAY8);
      ids.push(PASSED_OVER);
      isCell = false;
    } else if (type >= F.OBJECT8 && type <= F.OBJECT_ID32) {
      if (type >= F.OBJECT_ID8) {
        const width = 1 << (type - F.OBJECT_ID8);
        if (numberAt(b, p, width) >= strings.texts.length) throw cut(from);
        p += width;
      } else {
        const width = 1 << (type - F.OBJECT8);
        strings.addSkipped(p - 1);
        p += width + numberAt(b, p, width);
      }
      const body = b[p++] ?? -1;
      ids.push(PASSED_OVER);
      isCell = false;
      if (body >= F.ARRAY8 && body <= F.ARRAY32) {
        count = numberAt(b, p, 1 << (body - F.ARRAY8));
        p += 1 << (body - F.ARRAY8);
      } else if (body >= F.PAYLOAD8 && body <= F.PAYLOAD32) {
        const width = 1 << (body - F.PAYLOAD8);
        p += width + numberAt(b, p, width);
      } else if (body === F.ENUM_CASE) {
        const name = b[p++] ?? -1;
        if (name >= F.STRING8 && name <= F.STRING32) {
          const width = 1 << (name - F.STRING8);
          strings.addSkipped(p - 1);
          p += width + numberAt(b, p, width);
        } else if (name >= F.STRING_ID8 && name <= F.STRING_ID32) {
          p += 1 << (name - F.STRING_ID8);
        } else {
          throw cut(from);
        }
      } else {
        throw cut(from);
      }
    } else if (
      (type >= F.REF8 && type <= F.REF32) ||
      (type >= F.OBJECT_REF8 && type <= F.OBJECT_REF32)
    ) {
      const width = 1 << (type <= F.REF32 ? type - F.REF8 : type - F.OBJECT_REF8);
      if (numberAt(b, p, width) >= ids.length) throw cut(from);
      p += width;
      isCell = false;
    } else {
      throw cut(from);
    }
    if (!(p <= end)) throw cut(from);
    // A reference to a scalar takes its id after the value.
    if (isCell) ids.push(PASSED_OVER);
    left--;
    if (count > 0) {
      if (count > end - p) throw cut(from);
      if (depth >= maxDepth && maxDepth > 0) {
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
      left = count * 2;
    }
    while (left === 0) {
      if (depth === 0) return p;
      left = stack[--depth]!;
    }
  }
}

function numberAt(b: Buffer, at: number, width: number): number {
  // Beyond the end: a number that no blob can hold.
  if (at + width > b.length) return Number.MAX_SAFE_INTEGER;
  return width === 8 ? Number(b.readBigUInt64BE(at)) : b.readUIntBE(at, width);
}
