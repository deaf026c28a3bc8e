/**
 * A container as PHP would see it, for writers of every format and for the merge: its own entries
 * together with its notes or, if it replaced a decoded container in the same slot, with those of
 * that one which still hold.
 */

import { type Cell, getNotes, type HiddenSlot, type Key, type Notes } from './notes.ts';
import { parseFloatText } from './php/floats.ts';
import { propertyNames } from './property-names.ts';

const LOOKUP = 16;

export class View {
  readonly container: object;
  readonly notes: Notes;
  /** The container whose notes these are, if it is not this one. */
  readonly before: object | null;
  private nextMemo = 0;
  private floatsMemo: Map<string, number> | null = null;
  private kidsMemo: Map<string, object> | null = null;
  private scopesMemo: Map<string, string | null> | null = null;
  private alignmentMemo: Int32Array | null | undefined;

  constructor(container: object, notes: Notes, before: object | null) {
    this.container = container;
    this.notes = notes;
    this.before = before;
  }

  /** The keys in PHP's order, hidden slots among them. Without regard to `undefined` values. */
  keys(): readonly (Key | HiddenSlot)[] {
    const { notes, container } = this;
    const present = notes.layout === null ? Object.keys(container) : propertyNames(container);
    const order = notes.order ?? notes.layout?.names;
    if (order === undefined || Array.isArray(container)) return present;
    if (order.length === present.length) {
      let i = 0;
      while (i < order.length && String(order[i]) === present[i]) i++;
      if (i === order.length) return present;
    }
    const rest = new Set(present);
    const result: (Key | HiddenSlot)[] = [];
    for (const key of order) {
      if (typeof key === 'object') {
        if (this.before === null) result.push(key);
      } else if (rest.delete(String(key))) {
        result.push(key);
      }
    }
    for (const key of rest) result.push(key);
    return result;
  }

  /** Is this entry as it was when it was read (as far as inherited notes must know)? */
  #stands(key: Key, value: unknown): boolean {
    const { before } = this;
    return before === null || Object.is((before as Record<Key, unknown>)[key], value);
  }

  /**
   * Is a number in this slot a float? `undefined`: by its value; `null`: yes; else it is, and its
   * text is this one.
   */
  float(key: Key, value: number): string | null | undefined {
    const { notes } = this;
    if (notes.listFloats !== null) return this.#listFloat(key, value, notes.listFloats);
    const keys = notes.floatKeys;
    if (keys === null) return undefined;
    const at = this.#floatAt(keys, key);
    if (at < 0 || !this.#stands(key, value)) return undefined;
    return sameText(notes.floatTexts?.[at], value);
  }

  #floatAt(keys: readonly Key[], key: Key): number {
    // Entries mostly come in the order in which they were read.
    const next = keys[this.nextMemo];
    if (next === key || String(next) === String(key)) return this.nextMemo++;
    if (keys.length <= LOOKUP) {
      const at = keys.findIndex((name) => String(name) === String(key));
      if (at >= 0) this.nextMemo = at + 1;
      return at;
    }
    this.floatsMemo ??= new Map(keys.map((name, i) => [String(name), i]));
    return this.floatsMemo.get(String(key)) ?? -1;
  }

  #listFloat(
    key: Key,
    value: number,
    floats: 'all' | readonly number[],
  ): string | null | undefined {
    const index = Number(key);
    if (floats === 'all' && this.notes.listTexts === null) return null;
    const at = this.wasAt(index);
    const same = at >= 0 && Object.is(this.notes.values?.[at], value);
    if (!same) return floats === 'all' ? null : undefined;
    if (floats !== 'all' && !this.#isFloatIndex(floats, at)) return undefined;
    return sameText(this.notes.listTexts?.get(at), value);
  }

  #isFloatIndex(floats: readonly number[], index: number): boolean {
    if (floats[this.nextMemo] === index) {
      this.nextMemo++;
      return true;
    }
    this.floatsMemo ??= new Map(floats.map((at, i) => [String(at), i]));
    return this.floatsMemo.has(String(index));
  }

  /** The reference that this slot holds. */
  cell(key: Key, value: unknown): Cell | undefined {
    const { cells } = this.notes;
    if (cells === null) return undefined;
    if (Array.isArray(this.container)) {
      const at = this.wasAt(Number(key));
      if (at < 0) return undefined;
      if (this.before !== null && !Object.is(this.notes.values?.[at], value)) return undefined;
      return cells.get(String(at));
    }
    return this.#stands(key, value) ? cells.get(String(key)) : undefined;
  }

  /** The noted container that stood in this slot when it was read. */
  kid(key: Key): object | undefined {
    const { notes } = this;
    if (notes.values !== null) {
      const at = this.wasAt(Number(key));
      const value = at < 0 ? undefined : notes.values[at];
      return typeof value === 'object' && value !== null ? value : undefined;
    }
    if (notes.kids === null || notes.kidKeys === null) return undefined;
    const keys = notes.kidKeys;
    if (keys.length <= LOOKUP) {
      const at = keys.findIndex((name) => String(name) === String(key));
      return at < 0 ? undefined : notes.kids[at];
    }
    this.kidsMemo ??= new Map(keys.map((name, i) => [String(name), notes.kids?.[i] as object]));
    return this.kidsMemo.get(String(key));
  }

  /** The scope of a property of an object, INT_KEY included. */
  scope(name: string): string | null | undefined {
    const { layout } = this.notes;
    if (layout === null) return undefined;
    if (layout.names.length <= LOOKUP) {
      const at = layout.names.indexOf(name);
      return at < 0 ? undefined : layout.scopes[at];
    }
    this.scopesMemo ??= new Map(layout.names.map((known, i) => [known, layout.scopes[i] ?? null]));
    return this.scopesMemo.get(name);
  }

  /** Lists: where the element that is now at `index` was when the list was read; −1 if nowhere. */
  wasAt(index: number): number {
    const { values } = this.notes;
    if (values === null) return index;
    if (this.alignmentMemo === undefined) {
      this.alignmentMemo = align(values, this.container as readonly unknown[]);
    }
    if (this.alignmentMemo === null) return index < values.length ? index : -1;
    return this.alignmentMemo[index] ?? -1;
  }
}

/** The view of a container, if there are any notes that concern it. */
export function viewOf(container: object, before: object | null | undefined): View | undefined {
  const own = getNotes(container);
  if (own !== undefined) return new View(container, own, null);
  if (before === null || before === undefined || before === container) return undefined;
  const inherited = getNotes(before);
  // A list says nothing about a map, nor an object about an array.
  if (inherited === undefined || inherited.layout !== null) return undefined;
  if (Array.isArray(before) !== Array.isArray(container)) return undefined;
  return new View(container, inherited, before);
}

function sameText(text: string | null | undefined, value: number): string | null {
  if (text === null || text === undefined) return null;
  return Object.is(parseFloatText(text), value) ? text : null;
}

/**
 * For each element of a list: its index in the list as it was read, −1 for a new one; `null` if
 * nothing moved. Unchanged head and tail stay; between them equal values are paired, those in the
 * same place first, then in order; what is left is paired by position if nothing was added or
 * removed there, else container by container.
 */
function align(was: readonly unknown[], now: readonly unknown[]): Int32Array | null {
  const shorter = Math.min(was.length, now.length);
  let head = 0;
  while (head < shorter && Object.is(was[head], now[head])) head++;
  if (head === shorter && was.length <= now.length) return null;
  let tail = 0;
  const most = shorter - head;
  while (tail < most && Object.is(was[was.length - 1 - tail], now[now.length - 1 - tail])) tail++;
  const wasEnd = was.length - tail;
  const nowEnd = now.length - tail;
  const at = new Int32Array(now.length).fill(-1);
  for (let i = 0; i < head; i++) at[i] = i;
  for (let i = nowEnd; i < now.length; i++) at[i] = i - nowEnd + wasEnd;
  if (head === wasEnd || head === nowEnd) return at;

  const still = wasEnd === nowEnd;
  const taken = new Uint8Array(wasEnd - head);
  if (still) {
    for (let i = head; i < nowEnd; i++) {
      if (!Object.is(was[i], now[i])) continue;
      at[i] = i;
      taken[i - head] = 1;
    }
  }
  const places = new Map<unknown, number[]>();
  for (let i = wasEnd - 1; i >= head; i--) {
    if (taken[i - head] === 1) continue;
    const list = places.get(was[i]);
    if (list === undefined) places.set(was[i], [i]);
    else list.push(i);
  }
  for (let i = head; i < nowEnd; i++) {
    if (at[i] !== -1) continue;
    const from = places.get(now[i])?.pop();
    if (from === undefined) continue;
    at[i] = from;
    taken[from - head] = 1;
  }
  let next = head;
  for (let i = head; i < nowEnd; i++) {
    if (at[i] !== -1) continue;
    if (still) {
      if (taken[i - head] === 0) at[i] = i;
    } else if (isContainer(now[i])) {
      while (next < wasEnd && (taken[next - head] === 1 || !isContainer(was[next]))) next++;
      if (next < wasEnd) at[i] = next++;
    }
  }
  return at;
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
