/**
 * The quick part of the writer: plain arrays and objects with nothing but everyday notes, written
 * by recursion of limited depth. `for in` reads a property in a fifth of the time that a lookup by
 * its name takes, and works only in a loop of its own; so whatever is not everyday goes to the
 * writer with the explicit stack, container by container.
 *
 * Errors carry no path here: after one all is written again with the explicit stack alone.
 */

import { isIntegerKey, isIntegerNumber } from '../integers.ts';
import { getNotes, type Key, type Layout, type Notes } from '../notes.ts';
import { listKeys } from '../plain.ts';
import { View } from '../view.ts';
import { layoutTokens } from './layout.ts';
import type { TextOutput } from './output.ts';

/** Deeper data is left to the explicit stack. */
const PLAIN_DEPTH = 64;
/** Up to this many keys are searched one by one. */
const FEW = 16;

/** Thrown where the explicit stack must do it, to write correctly or to say what is wrong. */
export const REDO = Symbol('to be written with the explicit stack');

const EMPTY = {};

/** Has someone given Object.prototype an enumerable property, which `for in` would show? */
export function isPrototypePolluted(): boolean {
  for (const _ in EMPTY) return true;
  return false;
}

export abstract class PlainWriter {
  readonly output: TextOutput;
  protected readonly precision: number;
  /** How many containers are open. */
  protected level = 0;
  /** Below this level containers may be written here. */
  protected readonly plainLevels: number;
  /** Slots taken so far: what `r:` and `R:` count. */
  protected slots = 0;
  /** The slots of the objects that were written; enum cases by their names. */
  protected objects: Map<object | string, number> | null = null;

  /** @param careful Leaves everything to the explicit stack. */
  constructor(output: TextOutput, precision: number, maxDepth: number, careful: boolean) {
    this.output = output;
    this.precision = precision;
    this.plainLevels = careful
      ? 0
      : maxDepth > 0 && maxDepth < PLAIN_DEPTH
        ? maxDepth
        : PLAIN_DEPTH;
  }

  /** Writes a value of any kind with the explicit stack, as one of a container with this view. */
  protected abstract general(value: unknown, key: Key, view: View | undefined): void;

  /** Writes an array, if it is one for here; else nothing and returns false. */
  protected plainArray(value: object, notes: Notes | undefined): boolean {
    if (this.level >= this.plainLevels) return false;
    if (Array.isArray(value)) {
      if (notes !== undefined && !isPlainList(notes)) return false;
      if (listKeys(value) !== null) return false;
      this.#list(value, notes);
    } else {
      if (notes !== undefined && (notes.order !== null || !isPlainMap(notes))) return false;
      let count = 0;
      for (const _ in value) count++;
      this.output.open(count);
      this.#entries(value as Record<string, unknown>, notes, count, null);
    }
    return true;
  }

  /** Writes an object of a class, likewise; its slot is taken already. */
  protected plainObject(value: object, notes: Notes, layout: Layout): boolean {
    if (this.level >= this.plainLevels || notes.order !== null || !isPlainMap(notes)) return false;
    const { names } = layout;
    let count = 0;
    for (const name in value) if (name !== names[count++]) return false;
    if (count !== names.length) return false;
    const tokens = layoutTokens(layout);
    if (tokens === undefined) return false;
    this.output.raw(tokens.head);
    this.#entries(value as Record<string, unknown>, notes, count, tokens.names);
    return true;
  }

  #entries(
    map: Record<string, unknown>,
    notes: Notes | undefined,
    count: number,
    tokens: readonly Uint8Array[] | null,
  ): void {
    const { output } = this;
    // Where the count ends, to correct it.
    const body = output.pos;
    const floats = notes === undefined ? null : notes.floatKeys;
    let nextFloat = 0;
    let written = 0;
    let leftOut = 0;
    this.level++;
    for (const key in map) {
      const value = map[key];
      if (value === undefined) {
        leftOut++;
        continue;
      }
      if (tokens !== null) output.raw(tokens[written + leftOut]!);
      else this.#key(key);
      written++;
      if (typeof value === 'string') {
        this.slots++;
        if (!output.string(value)) throw REDO;
      } else if (typeof value === 'number') {
        this.slots++;
        if (floats === null) {
          this.#number(value);
        } else if (floats[nextFloat] === key) {
          nextFloat++;
          output.float(value, this.precision);
        } else {
          // They mostly come in the order in which they were read.
          const at = floats.indexOf(key);
          if (at < 0) {
            this.#number(value);
          } else {
            nextFloat = at + 1;
            output.float(value, this.precision);
          }
        }
      } else if (typeof value === 'boolean') {
        this.slots++;
        output.boolean(value);
      } else if (value === null) {
        this.slots++;
        output.nothing();
      } else {
        this.#nested(value, key, map, notes);
      }
    }
    this.level--;
    if (written + leftOut !== count) throw REDO;
    if (leftOut > 0) output.correctCount(body, count, written);
    output.byte(125);
  }

  #key(key: string): void {
    const first = key.charCodeAt(0);
    if (first <= 57 && isIntegerKey(key)) this.output.ascii(`i:${key};`);
    else if (!this.output.name(key)) throw REDO;
  }

  #list(list: readonly unknown[], notes: Notes | undefined): void {
    const { output } = this;
    const { length } = list;
    const allFloats = notes !== undefined && notes.listFloats !== null;
    output.open(length);
    this.level++;
    for (let i = 0; i < length; i++) {
      const value = list[i];
      output.integer(i);
      if (typeof value === 'string') {
        this.slots++;
        if (!output.string(value)) throw REDO;
      } else if (typeof value === 'number') {
        this.slots++;
        if (allFloats) output.float(value, this.precision);
        else this.#number(value);
      } else if (typeof value === 'boolean') {
        this.slots++;
        output.boolean(value);
      } else if (value === null) {
        this.slots++;
        output.nothing();
      } else {
        this.#nested(value, i, list, notes);
      }
    }
    this.level--;
    if (list.length !== length) throw REDO;
    output.byte(125);
  }

  #number(value: number): void {
    if ((value | 0) === value && value !== 0) this.output.integer(value);
    else if (isIntegerNumber(value)) this.output.integer(value);
    else this.output.float(value, this.precision);
  }

  /** A value that is neither text nor number, in the container that has these notes. */
  #nested(value: unknown, key: Key, container: object, notes: Notes | undefined): void {
    if (typeof value !== 'object' || value === null) {
      this.general(value, key, undefined);
      return;
    }
    const own = getNotes(value);
    if (own === undefined) {
      if (notes !== undefined && mayInherit(notes, key, value)) {
        this.general(value, key, new View(container, notes, null));
        return;
      }
    } else if (own.layout !== null) {
      this.#object(value, key, own, own.layout);
      return;
    }
    if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
      this.slots++;
      if (this.plainArray(value, own)) return;
      this.slots--;
    }
    this.general(value, key, undefined);
  }

  #object(value: object, key: Key, notes: Notes, layout: Layout): void {
    this.objects ??= new Map();
    const known = this.objects.get(value);
    if (known !== undefined) {
      // A handle takes a slot of its own.
      this.slots++;
      this.output.tagged(114, known);
      this.output.byte(59);
      return;
    }
    this.objects.set(value, ++this.slots);
    if (this.plainObject(value, notes, layout)) return;
    this.objects.delete(value);
    this.slots--;
    this.general(value, key, undefined);
  }
}

/** Notes of a map or object that are all regarded here (but for its order). */
function isPlainMap(notes: Notes): boolean {
  const { floatKeys, kidKeys } = notes;
  return (
    notes.cells === null &&
    notes.floatTexts === null &&
    (floatKeys === null || floatKeys.length <= FEW) &&
    (kidKeys === null || kidKeys.length <= FEW)
  );
}

function isPlainList(notes: Notes): boolean {
  return (
    notes.cells === null &&
    notes.listTexts === null &&
    (notes.listFloats === null || notes.listFloats === 'all')
  );
}

/** May a container without notes in this slot inherit those of the one that was there? */
function mayInherit(notes: Notes, key: Key, value: unknown): boolean {
  if (notes.values !== null) return notes.values[key as number] !== value;
  return notes.kidKeys?.includes(key) === true;
}
