/**
 * Copy-on-write arrays. Two PHP variables that hold the same array are two arrays to the program,
 * but igbinary writes them once and shows that they were one. In JavaScript they must be two
 * containers; both carry the same `body` token, and are written as one while they are still equal.
 */
import { CodecError } from '../../errors.ts';
import { define } from '../define.ts';
import { getNotes, type Key, makeNotes, type Notes, setNotes } from '../notes.ts';
import { ownCopy } from '../text.ts';
import { isObjectValue } from '../values.ts';

/** Room that copies may take: sharing in the bytes must not become an explosion in memory. */
export interface CopyBudget {
  left: number;
}

/** How many elements the copies may have in even the smallest blob. */
const COPIES = 200_000;

/** Each copy costs what its array would have cost in full: bounded, and in proportion to the bytes. */
export function copyBudget(
  bytes: Buffer,
  { maxElements }: { readonly maxElements: number },
): CopyBudget {
  return { left: Math.min(maxElements, COPIES + 16 * bytes.length) };
}

/** A copy with the same body token, nested arrays included; objects and references stay shared. */
export function copyOfBody(original: object, budget: CopyBudget): object {
  const flat = copyOfFlat(original, budget);
  if (flat !== null) return flat;
  const root = emptyLike(original);
  const copies = new Map<object, object>([[original, root]]);
  const bytes = new Map<object, object>();
  const todo = [original];
  for (let source = todo.pop(); source !== undefined; source = todo.pop()) {
    const notes = withBody(source);
    const copy = copies.get(source) as Record<string, unknown>;
    const keys = Object.keys(source);
    spend(budget, keys.length);
    for (const key of keys) {
      const value = (source as Record<string, unknown>)[key];
      if (isOwnArray(value, key, notes)) {
        let nested = copies.get(value);
        if (nested === undefined) {
          nested = emptyLike(value);
          // All empty arrays are one to PHP, without a note.
          if (Object.keys(value).length > 0 || getNotes(value) !== undefined) {
            copies.set(value, nested);
            todo.push(value);
          }
        }
        define(copy, key, nested);
      } else if (Buffer.isBuffer(value) && notes.cells?.has(key) !== true) {
        // Eight bytes take about the room of an element.
        spend(budget, value.length >> 3);
        const own = ownCopy(value);
        bytes.set(value, own);
        define(copy, key, own);
      } else {
        define(copy, key, value);
      }
    }
  }
  const moved = (value: unknown): unknown =>
    (typeof value === 'object' && value !== null && (copies.get(value) ?? bytes.get(value))) ||
    value;
  for (const [source, copy] of copies) setNotes(copy, movedNotes(getNotes(source)!, moved));
  return root;
}

/** Most shared arrays are literals of a few scalars: the defaults of properties. */
function copyOfFlat(original: object, budget: CopyBudget): object | null {
  if (!Array.isArray(original)) return null;
  for (const value of original) if (typeof value === 'object' && value !== null) return null;
  spend(budget, original.length);
  const copy = original.slice();
  setNotes(copy, withBody(original));
  return copy;
}

function spend(budget: CopyBudget, elements: number): void {
  budget.left -= elements + 1;
  if (budget.left >= 0) return;
  throw new CodecError(
    'ERR_PSB_CODEC_LIMIT',
    'arrays that share their contents would take far more room than their bytes',
  );
}

/** Is the value an array that the slot itself holds, by value? */
function isOwnArray(value: unknown, key: string, notes: Notes): value is object {
  if (typeof value !== 'object' || value === null || isObjectValue(value)) return false;
  if (Buffer.isBuffer(value)) return false;
  return notes.cells?.has(key) !== true;
}

function emptyLike(container: object): object {
  return Array.isArray(container) ? [] : {};
}

function withBody(container: object): Notes {
  const old = getNotes(container);
  if (old?.body) return old;
  const notes = makeNotes({ ...old, body: {} });
  setNotes(container, notes);
  return notes;
}

function movedNotes(notes: Notes, moved: (value: unknown) => unknown): Notes {
  if (notes.kids === null && notes.values === null) return notes;
  return makeNotes({
    ...notes,
    kids: (notes.kids?.map(moved) as object[] | undefined) ?? null,
    values: notes.values?.map(moved) ?? null,
  });
}

/**
 * Finds out whether a container is still equal to the one with the same body token that was
 * written before. Asked for every pair of nested arrays at most once.
 */
export class BodyComparison {
  readonly #known = new Map<object, Map<object, boolean>>();

  same(a: object, b: object): boolean {
    if (a === b) return true;
    const answer = this.#known.get(a)?.get(b);
    if (answer !== undefined) return answer;
    // An explicit stack: arrays nest as deep as the limit allows. And every pair once: shared arrays
    // within shared arrays have exponentially many ways through them, and one may hold itself.
    const pairs: [object, object][] = [[a, b]];
    const seen = new Map<object, Set<object>>();
    let result = true;
    for (let pair = pairs.pop(); pair !== undefined && result; pair = pairs.pop()) {
      const [x, y] = pair;
      const partners = seen.get(x);
      if (partners?.has(y)) continue;
      if (partners === undefined) seen.set(x, new Set([y]));
      else partners.add(y);
      result = this.#known.get(x)?.get(y) ?? this.#sameShape(x, y, pairs);
    }
    if (!result) this.#remember(a, b, false);
    else for (const [x, partners] of seen) for (const y of partners) this.#remember(x, y, true);
    return result;
  }

  #remember(a: object, b: object, same: boolean): void {
    const row = this.#known.get(a);
    if (row === undefined) this.#known.set(a, new Map([[b, same]]));
    else row.set(b, same);
  }

  #sameShape(a: object, b: object, pairs: [object, object][]): boolean {
    if (Array.isArray(a) !== Array.isArray(b)) return false;
    const aNotes = getNotes(a);
    const bNotes = getNotes(b);
    if (!sameNotes(aNotes, bNotes)) return false;
    const keys = Object.keys(a);
    const others = Object.keys(b);
    if (keys.length !== others.length) return false;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      if (key !== others[i]) return false;
      const x = (a as Record<string, unknown>)[key];
      const y = (b as Record<string, unknown>)[key];
      if (Object.is(x, y)) continue;
      if (typeof x !== 'object' || typeof y !== 'object' || x === null || y === null) return false;
      if (Buffer.isBuffer(x) && Buffer.isBuffer(y) && x.equals(y)) continue;
      // Other objects, and what a reference holds, are the same only if they are identical.
      if (isObjectValue(x) || isObjectValue(y) || Buffer.isBuffer(x) || Buffer.isBuffer(y)) {
        return false;
      }
      if (aNotes?.cells?.has(key)) return false;
      pairs.push([x, y]);
    }
    return true;
  }
}

/** Copies start with equal notes; what differs later was changed on purpose. */
function sameNotes(a: Notes | undefined, b: Notes | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    a.isArray === b.isArray &&
    sameItems(a.order as readonly Key[] | null, b.order as readonly Key[] | null) &&
    sameItems(a.floatKeys, b.floatKeys) &&
    sameFloats(a.listFloats, b.listFloats) &&
    a.cells === b.cells
  );
}

function sameFloats(a: Notes['listFloats'], b: Notes['listFloats']): boolean {
  if (a === b) return true;
  return Array.isArray(a) && Array.isArray(b) && sameItems(a, b);
}

function sameItems(a: readonly unknown[] | null, b: readonly unknown[] | null): boolean {
  if (a === b) return true;
  if (a === null || b === null || a.length !== b.length) return false;
  return a.every((item, i) => item === b[i]);
}
