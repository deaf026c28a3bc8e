/**
 * Keys of arrays as serialize() writes them. Names come again and again, record for record: the
 * bytes of those that came twice are kept, and copied eight at a time in half the time that writing
 * them takes. The size is fixed, since data may choose the keys.
 */

import { isIntegerKey } from '../integers.ts';
import { canCopyEights, copyEights, putShort, SHORT } from './output.ts';

const { charCodeAt } = String.prototype;
const SLOTS = 1024;
/** Room for the token of a name of `SHORT` units, and for copying by eights. */
const WIDTH = 128;
const names: string[] = new Array<string>(SLOTS).fill('');
const candidates: string[] = new Array<string>(SLOTS).fill('');
const sizes = new Uint8Array(SLOTS);
const tokens = new DataView(new ArrayBuffer(SLOTS * WIDTH));

/**
 * Writes a key of an array at `p`, where there is room for it.
 * @returns the position after it; −1 if it is too long for here or has surrogates
 */
export function putKey(b: Buffer, view: DataView, p: number, value: string): number {
  const key = '' + value;
  const { length } = key;
  if (length > SHORT || length === 0) return -1;
  const first = charCodeAt.call(key, 0);
  // Integer-like texts are no internalised strings, which are the ones that compare quickly.
  if (first <= 57) return putOther(b, p, key, first);
  const slot =
    ((length << 5) ^ (first * 7) ^ (charCodeAt.call(key, length - 1) * 61)) & (SLOTS - 1);
  if (names[slot] !== key) return putNew(b, view, p, key, slot);
  const start = slot * WIDTH;
  return copyEights(view, p, tokens, start, start + sizes[slot]!);
}

function putOther(b: Buffer, p: number, key: string, first: number): number {
  if (!(first >= 48 || first === 45) || !isIntegerKey(key)) return putShort(b, p, key);
  b[p] = 105;
  b[p + 1] = 58;
  const { length } = key;
  for (let i = 0; i < length; i++) b[p + 2 + i] = charCodeAt.call(key, i);
  b[p + 2 + length] = 59;
  return p + 3 + length;
}

function putNew(b: Buffer, view: DataView, p: number, key: string, slot: number): number {
  const end = putShort(b, p, key);
  if (end < 0) return -1;
  if (candidates[slot] !== key) {
    candidates[slot] = key;
  } else if (canCopyEights(b.subarray(p, end))) {
    names[slot] = key;
    sizes[slot] = end - p;
    for (let i = 0; i < end - p; i++) tokens.setUint8(slot * WIDTH + i, view.getUint8(p + i));
  }
  return end;
}
