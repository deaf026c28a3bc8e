/**
 * The quick part of the writer: plain arrays and objects with nothing but everyday notes, written
 * by recursion of limited depth. `for in` reads a property in a fifth of the time that a lookup by
 * its name takes, and works only in a loop of its own; so whatever is not everyday goes to the
 * writer with the explicit stack, container by container.
 *
 * Errors carry no path here: after one all is written again with the explicit stack alone.
 */

import { isIntegerNumber } from '../integers.ts';
import { getNotes, type Key, type Layout, type Notes } from '../notes.ts';
import { listKeys } from '../plain.ts';
import { View } from '../view.ts';
import { formatFloat } from './floats.ts';
import { Identities } from './identities.ts';
import { putKey } from './key-tokens.ts';
import { type LayoutTokens, layoutTokens } from './layout-tokens.ts';
import {
  copyEights,
  putBoolean,
  putInteger,
  putPrice,
  putShort,
  ROOM,
  type TextOutput,
} from './output.ts';

/** Deeper data is left to the explicit stack. */
const PLAIN_DEPTH = 64;
/** Up to this many keys are searched one by one. */
const FEW = 16;
/** Longer names of classes and properties are left to the explicit stack. */
const LONGEST = 128;

/** Thrown where the explicit stack must do it, to write correctly or to say what is wrong. */
export const REDO = Symbol('to be written with the explicit stack');

const NO_NAMES: readonly string[] = [];
/** How many entries the last map of each level had. */
const counts = new Int32Array(PLAIN_DEPTH);

const EMPTY = {};

/** Has someone given Object.prototype an enumerable property, which `for in` would show? */
export function isPrototypePolluted(): boolean {
  for (const _ in EMPTY) return true;
  return false;
}

export abstract class PlainWriter {
  readonly output: TextOutput;
  protected precision = -1;
  /** How many containers are open. */
  protected level = 0;
  /** Below this level containers may be written here. */
  protected plainLevels = 0;
  /** Slots taken so far: what `r:` and `R:` count. */
  protected slots = 0;
  /** The objects that were written; enum cases by their names. */
  protected objects: Identities | null = null;

  #detours = 0;

  constructor(output: TextOutput) {
    this.output = output;
  }

  /** @param careful Leaves everything to the explicit stack. */
  protected start(precision: number, maxDepth: number, careful: boolean): void {
    this.precision = precision;
    this.level = 0;
    this.slots = 0;
    this.objects = null;
    this.#detours = 0;
    this.plainLevels = careful
      ? 0
      : maxDepth > 0 && maxDepth < PLAIN_DEPTH
        ? maxDepth
        : PLAIN_DEPTH;
  }

  /** Writes a value of any kind with the explicit stack, as one of a container with this view. */
  protected abstract general(value: unknown, key: Key, view: View | undefined): void;

  /** What was written there cannot be taken back: it may have met references. */
  #detour(value: unknown, key: Key, view: View | undefined): void {
    this.#detours++;
    this.general(value, key, view);
  }

  /** Writes an array, if it is one for here; else nothing and returns false. */
  protected plainArray(value: object, notes: Notes | undefined): boolean {
    if (this.level >= this.plainLevels) return false;
    if (Array.isArray(value)) {
      if (notes !== undefined && !isPlainList(notes)) return false;
      if (listKeys(value) !== null) return false;
      this.list(value, notes);
    } else {
      if (notes !== undefined && (notes.order !== null || !isPlainMap(notes))) return false;
      this.entries(value as Record<string, unknown>, notes, null, NO_NAMES);
    }
    return true;
  }

  /** Writes an object of a class, likewise; its slot is taken already. */
  protected plainObject(value: object, notes: Notes, layout: Layout): boolean {
    if (this.level >= this.plainLevels || notes.order !== null || !isPlainMap(notes)) return false;
    if (layout.isGuarded) return false;
    const tokens = layoutTokens(layout);
    if (tokens === undefined || tokens.longest > LONGEST) return false;
    const { output, slots } = this;
    const { pos } = output;
    const known = this.objects === null ? 0 : this.objects.size;
    const detours = this.#detours;
    if (this.entries(value as Record<string, unknown>, notes, tokens, layout.names)) return true;
    // Other properties than the layout has: back to where it began.
    if (this.#detours !== detours) throw REDO;
    output.pos = pos;
    this.slots = slots;
    this.objects?.forget(known);
    return false;
  }

  /**
   * @param tokens of the properties of an object, which are to have these `names`; null for a map
   * @returns false if they have others
   */
  private entries(
    map: Record<string, unknown>,
    notes: Notes | undefined,
    tokens: LayoutTokens | null,
    names: readonly string[],
  ): boolean {
    const { output, precision } = this;
    const level = this.level++;
    // A map mostly has as many entries as the one before; if not, the count is corrected.
    const expected = counts[level]!;
    if (tokens === null) output.open(expected);
    else output.copied(tokens.all, tokens.headEnd);
    const floats = notes === undefined ? null : notes.floatKeys;
    let nextFloat = 0;
    let seen = 0;
    let leftOut = 0;
    let token = tokens === null ? 0 : tokens.headEnd;
    let b = output.bytes;
    let view = output.view;
    let p = output.pos;
    // Where the count ends, to correct it.
    const body = p;
    let { slots } = this;
    for (const key in map) {
      const value = map[key];
      if (p + ROOM > b.length) {
        output.pos = p;
        output.reserve(ROOM);
        b = output.bytes;
        view = output.view;
      }
      if (tokens !== null) {
        if (key !== names[seen]) {
          this.level = level;
          return false;
        }
        const end = tokens.ends[seen]!;
        if (value !== undefined) p = copyEights(view, p, tokens.all, token, end);
        token = end;
      } else if (value !== undefined) {
        const end = putKey(b, view, p, key);
        if (end >= 0) {
          p = end;
        } else {
          output.pos = p;
          if (!output.name(key)) throw REDO;
          output.reserve(ROOM);
          p = output.pos;
          b = output.bytes;
          view = output.view;
        }
      }
      seen++;
      if (typeof value === 'string') {
        slots++;
        const end = putShort(b, p, value);
        if (end >= 0) {
          p = end;
        } else {
          output.pos = p;
          if (!output.string(value)) throw REDO;
          p = output.pos;
          b = output.bytes;
          view = output.view;
        }
      } else if (typeof value === 'number') {
        slots++;
        let isFloat = false;
        if (floats !== null) {
          // They mostly come in the order in which they were read.
          const at = floats[nextFloat] === key ? nextFloat : floats.indexOf(key);
          isFloat = at >= 0;
          if (isFloat) nextFloat = at + 1;
        }
        if (
          !isFloat &&
          ((value | 0) === value ? value !== 0 || 1 / value > 0 : isIntegerNumber(value))
        ) {
          p = putInteger(b, view, p, value);
        } else {
          const end = precision === -1 ? putPrice(b, p, value) : -1;
          if (end >= 0) {
            p = end;
          } else {
            output.pos = p;
            output.ascii(`d:${formatFloat(value, precision)};`);
            p = output.pos;
            b = output.bytes;
            view = output.view;
          }
        }
      } else if (typeof value === 'boolean') {
        slots++;
        p = putBoolean(b, p, value);
      } else if (value === null) {
        slots++;
        b[p] = 78;
        b[p + 1] = 59;
        p += 2;
      } else if (value === undefined) {
        leftOut++;
      } else {
        output.pos = p;
        this.slots = slots;
        this.nested(value, key, map, notes);
        slots = this.slots;
        p = output.pos;
        b = output.bytes;
        view = output.view;
      }
    }
    this.level = level;
    this.slots = slots;
    output.pos = p;
    const count = seen - leftOut;
    if (tokens === null) {
      if (count !== expected) {
        output.correctCount(body, expected, count);
        counts[level] = count;
      }
    } else {
      if (seen !== names.length) return false;
      if (leftOut > 0) output.correctCount(body, seen, count);
    }
    output.byte(125);
    return true;
  }

  private list(list: readonly unknown[], notes: Notes | undefined): void {
    const { output, precision } = this;
    const { length } = list;
    const allFloats = notes !== undefined && notes.listFloats !== null;
    output.open(length);
    let b = output.bytes;
    let view = output.view;
    let p = output.pos;
    let { slots } = this;
    this.level++;
    for (let i = 0; i < length; i++) {
      const value = list[i];
      if (p + ROOM > b.length) {
        output.pos = p;
        output.reserve(ROOM);
        b = output.bytes;
        view = output.view;
      }
      p = putInteger(b, view, p, i);
      if (typeof value === 'string') {
        slots++;
        const end = putShort(b, p, value);
        if (end >= 0) {
          p = end;
        } else {
          output.pos = p;
          if (!output.string(value)) throw REDO;
          p = output.pos;
          b = output.bytes;
          view = output.view;
        }
      } else if (typeof value === 'number') {
        slots++;
        if (
          !allFloats &&
          ((value | 0) === value ? value !== 0 || 1 / value > 0 : isIntegerNumber(value))
        ) {
          p = putInteger(b, view, p, value);
        } else {
          const end = precision === -1 ? putPrice(b, p, value) : -1;
          if (end >= 0) {
            p = end;
          } else {
            output.pos = p;
            output.ascii(`d:${formatFloat(value, precision)};`);
            p = output.pos;
            b = output.bytes;
            view = output.view;
          }
        }
      } else if (typeof value === 'boolean') {
        slots++;
        p = putBoolean(b, p, value);
      } else if (value === null) {
        slots++;
        b[p] = 78;
        b[p + 1] = 59;
        p += 2;
      } else {
        output.pos = p;
        this.slots = slots;
        this.nested(value, i, list, notes);
        slots = this.slots;
        p = output.pos;
        b = output.bytes;
        view = output.view;
      }
    }
    this.level--;
    this.slots = slots;
    output.pos = p;
    if (list.length !== length) throw REDO;
    output.byte(125);
  }

  /** Writes a value of any kind that is in no container. */
  protected plain(value: unknown, key: Key): void {
    this.nested(value, key, EMPTY, undefined);
  }

  /** A value that is neither text nor number, in the container that has these notes. */
  private nested(value: unknown, key: Key, container: object, notes: Notes | undefined): void {
    if (typeof value !== 'object' || value === null) {
      this.#detour(value, key, undefined);
      return;
    }
    const own = getNotes(value);
    if (own === undefined) {
      if (notes !== undefined && mayInherit(notes, key, value)) {
        this.#detour(value, key, new View(container, notes, null));
        return;
      }
    } else if (own.layout !== null) {
      this.object(value, key, own, own.layout);
      return;
    }
    if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
      this.slots++;
      if (this.plainArray(value, own)) return;
      this.slots--;
    }
    this.#detour(value, key, undefined);
  }

  private object(value: object, key: Key, notes: Notes, layout: Layout): void {
    this.objects ??= new Identities();
    const known = this.objects.find(value);
    if (known > 0) {
      // A handle takes a slot of its own.
      this.slots++;
      this.output.tagged(114, known);
      this.output.byte(59);
      return;
    }
    const before = this.objects.size;
    this.objects.add(value, ++this.slots);
    if (this.plainObject(value, notes, layout)) return;
    this.objects.forget(before);
    this.slots--;
    this.#detour(value, key, undefined);
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
