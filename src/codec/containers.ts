/**
 * What readers do with an array when it is complete, if there is anything to note: floats,
 * noted children, an order that JavaScript would change.
 */

import { type Key, type Layout, makeNotes, type Notes, newNotes, setNotes } from './notes.ts';

/** What the open containers have to note: each one owns the tails from its marks on. */
export interface Marks {
  readonly floatKeys: Key[];
  readonly floatTexts: (string | null)[];
  readonly kidKeys: Key[];
  readonly kids: object[];
  readonly order: Key[];
}

/** Marks for one reader, which keeps them from read to read. */
export function makeMarks(): Marks {
  return { floatKeys: [], floatTexts: [], kidKeys: [], kids: [], order: [] };
}

/** Nothing of the data may stay behind, also after an error. */
export function clearMarks(marks: Marks): void {
  marks.floatKeys.length = 0;
  marks.floatTexts.length = 0;
  marks.kidKeys.length = 0;
  marks.kids.length = 0;
  marks.order.length = 0;
}

/** Stands in `floatTexts` and `kids` where a repeated key made what was noted of it void. */
export const REPEATED = '\0';
export const REPEATED_KID: object = Object.freeze({});

const ALL_FLOATS = makeNotes({ listFloats: 'all' });

export function closeList(list: unknown[], marks: Marks, floatMark: number, kidMark: number): void {
  const floats = marks.floatKeys.length - floatMark;
  const kids = marks.kids.length - kidMark;
  let listFloats: 'all' | number[] | null = null;
  let listTexts: Map<number, string> | null = null;
  if (floats > 0) {
    let numbers = 0;
    for (const value of list) {
      if (typeof value === 'number' || typeof value === 'bigint') numbers++;
    }
    listFloats = numbers === floats ? 'all' : (marks.floatKeys.slice(floatMark) as number[]);
    for (let i = floatMark; i < marks.floatTexts.length; i++) {
      const text = marks.floatTexts[i];
      if (typeof text === 'string') {
        listTexts ??= new Map();
        listTexts.set(marks.floatKeys[i] as number, text);
      }
    }
  }
  dropMarks(marks, floatMark, kidMark);
  if (listFloats === 'all' && kids === 0 && listTexts === null) {
    setNotes(list, ALL_FLOATS);
  } else {
    const notes = newNotes();
    notes.listFloats = listFloats;
    notes.listTexts = listTexts;
    notes.values = list.slice();
    setNotes(list, notes);
  }
}

/**
 * @param total How many pairs were read.
 * @param loose 1: the order may hold a key twice; 2: a key was repeated (known with slots only).
 * @returns false if a key was repeated, and only a reader with slots notices where.
 */
export function closeMap(
  container: object,
  total: number,
  marks: Marks,
  floatMark: number,
  kidMark: number,
  orderMark: number,
  loose: number,
  careful: boolean,
): boolean {
  if (loose & 2) {
    dropRepeated(marks.floatKeys, marks.floatTexts, floatMark, REPEATED);
    dropRepeated(marks.kidKeys, marks.kids, kidMark, REPEATED_KID);
  }
  let good = true;
  if (!careful && (orderMark < 0 || loose !== 0)) {
    good = Object.keys(container).length === total;
  }
  if (good) {
    let order: Key[] | null = null;
    if (orderMark >= 0) {
      order = marks.order.slice(orderMark);
      if (loose & 2) order = [...new Set(order)];
    }
    const notes = slotNotes(null, order, marks, floatMark, kidMark);
    if (notes !== null) setNotes(container, notes);
  }
  dropMarks(marks, floatMark, kidMark);
  if (orderMark >= 0) marks.order.length = orderMark;
  return good;
}

/** The notes of an object that is complete; its names are those of its layout. */
export function objectNotes(
  layout: Layout,
  marks: Marks,
  floatMark: number,
  kidMark: number,
): Notes {
  const notes = slotNotes(layout, null, marks, floatMark, kidMark);
  dropMarks(marks, floatMark, kidMark);
  return notes ?? layout.plain;
}

function slotNotes(
  layout: Layout | null,
  order: Key[] | null,
  marks: Marks,
  floatMark: number,
  kidMark: number,
): Notes | null {
  const floats = marks.floatKeys.length - floatMark;
  const kids = marks.kids.length - kidMark;
  if (kids === 0 && order === null) {
    return floats > 0 ? floatNotes(marks, floatMark, layout) : null;
  }
  const notes = newNotes();
  notes.layout = layout;
  notes.order = order;
  if (floats > 0) {
    notes.floatKeys = tail(marks.floatKeys, floatMark);
    notes.floatTexts = textsFrom(marks.floatTexts, floatMark);
  }
  if (kids > 0) {
    notes.kidKeys = tail(marks.kidKeys, kidMark);
    notes.kids = tail(marks.kids, kidMark);
  }
  return notes;
}

/** The texts of floats that are not canonical; `null` if all are. */
function textsFrom(texts: readonly (string | null)[], from: number): (string | null)[] | null {
  for (let i = from; i < texts.length; i++) if (texts[i] !== null) return texts.slice(from);
  return null;
}

/** Of a repeated key only what was noted after its last repetition holds. */
function dropRepeated<T>(keys: Key[], noted: T[], from: number, repeated: T): void {
  const last = new Map<Key, T>();
  for (let i = from; i < keys.length; i++) {
    if (noted[i] === repeated) last.delete(keys[i]!);
    else last.set(keys[i]!, noted[i] as T);
  }
  truncate(keys, from);
  truncate(noted, from);
  for (const [key, value] of last) {
    keys.push(key);
    noted.push(value);
  }
}

// Records of one kind have the same float keys, and then share their notes.
const SHARED = 256;
const shared: (Notes | undefined)[] = new Array<Notes | undefined>(SHARED).fill(undefined);

function floatNotes(marks: Marks, from: number, layout: Layout | null): Notes {
  const { floatKeys, floatTexts } = marks;
  const count = floatKeys.length - from;
  const first = floatKeys[from]!;
  let plain = count <= 16 && typeof first === 'string';
  for (let i = from; plain && i < floatTexts.length; i++) plain = floatTexts[i] === null;
  if (!plain) {
    const notes = newNotes();
    notes.layout = layout;
    notes.floatKeys = floatKeys.slice(from);
    notes.floatTexts = textsFrom(floatTexts, from);
    return notes;
  }
  const name = first as string;
  const slot = (count * 31 + name.length * 7 + name.charCodeAt(0)) & (SHARED - 1);
  const known = shared[slot];
  if (known !== undefined && known.layout === layout && known.floatKeys!.length === count) {
    let i = 0;
    while (i < count && known.floatKeys![i] === floatKeys[from + i]) i++;
    if (i === count) return known;
  }
  const made = makeNotes({ layout, floatKeys: floatKeys.slice(from) });
  shared[slot] = made;
  return made;
}

/** A call of slice() for the one entry that there mostly is takes longer than making the array. */
function tail<T>(array: readonly T[], from: number): T[] {
  return from + 1 === array.length ? [array[from]!] : array.slice(from);
}

/** A container that is complete takes its marks with it. */
function dropMarks(marks: Marks, floatMark: number, kidMark: number): void {
  truncate(marks.floatKeys, floatMark);
  truncate(marks.floatTexts, floatMark);
  truncate(marks.kidKeys, kidMark);
  truncate(marks.kids, kidMark);
}

/** Setting a length is a slow call; few entries are popped faster. */
function truncate(array: unknown[], length: number): void {
  if (array.length - length > 16) array.length = length;
  else while (array.length > length) array.pop();
}
