/**
 * The writer of igbinary: one loop with an explicit stack. References are marked where they begin,
 * so data that holds any is walked once more beforehand to count their holders.
 */
import { CodecError } from '../../errors.ts';
import { INT_MAX, INT_MIN, isIntegerKey, isIntegerNumber } from '../integers.ts';
import { mangled, mangledNames } from '../mangled-names.ts';
import { type Cell, getNotes, type HiddenSlot, INT_KEY, type Key, type Notes } from '../notes.ts';
import { joinPath } from '../path.ts';
import { isPlain, listKeys, nameOfClass, sameNames } from '../plain.ts';
import { settleReferences } from '../references.ts';
import {
  isObjectValue,
  PhpEnum,
  PhpFloat,
  PhpObject,
  type PhpSerializedObject,
} from '../values.ts';
import { View, viewOf } from '../view.ts';
import * as F from './format.ts';
import { type IgbinaryNotes, igbinaryNotes } from './igbinary-notes.ts';
import { IgbinaryOutput } from './output.ts';
import { BodyComparison } from './shared-bodies.ts';

export interface IgbinaryWriteOptions {
  readonly maxDepth: number;
  readonly maxBytes: number;
}

/** Thrown to start again when the first reference turns up. */
const UNSETTLED = Symbol('references not settled');

class Frame {
  container: Record<Key, unknown> | readonly unknown[] | null = null;
  keys: readonly (Key | HiddenSlot)[] | null = null;
  /** Property names as they are written, if all are as the layout says. */
  names: readonly (string | null)[] | null = null;
  view: View | undefined = undefined;
  own: IgbinaryNotes | undefined = undefined;
  isObject = false;
  intKeys = false;
  index = 0;
  count = 0;
  /** Where the header with the count stands, to correct it when entries were left out. */
  countAt = 0;
  leftOut = 0;
  placeholders = 0;
  key: Key = '';
}

const frames: Frame[] = [];
let depth = -1;

function leave(): void {
  const frame = frames[depth--]!;
  frame.container = null;
  frame.keys = null;
  frame.names = null;
  frame.view = undefined;
  frame.own = undefined;
}

/** Encodes one value, header included. */
export function writeIgbinary(root: unknown, options: IgbinaryWriteOptions): Buffer {
  const notes = typeof root === 'object' && root !== null ? getNotes(root) : undefined;
  const output = new IgbinaryOutput(options.maxBytes, igbinaryNotes(notes)?.fullStrings !== true);
  const base = depth;
  try {
    try {
      new Writer(output, options, null).write(root);
    } catch (error) {
      if (error !== UNSETTLED) throw error;
      while (depth > base) leave();
      settleReferences(root as object);
      const holders = new Map<Cell, number>();
      output.restart();
      new Writer(output, options, holders).write(root);
      output.restart();
      new Writer(output, options, holders, true).write(root);
    }
    return output.take();
  } finally {
    while (depth > base) leave();
    output.release();
  }
}

class Writer {
  readonly #out: IgbinaryOutput;
  readonly #options: IgbinaryWriteOptions;
  /** How many slots hold each reference; `null` before references are settled. */
  readonly #holders: Map<Cell, number> | null;
  /** The holders are counted. */
  readonly #counted: boolean;
  readonly #base = depth;
  #nextId = 0;
  #empty = -1;
  #objects: Map<object | string, number> | null = null;
  #cells: Map<Cell, number> | null = null;
  #bodies: Map<object, { readonly id: number; readonly container: object }> | null = null;
  #comparison: BodyComparison | null = null;

  constructor(
    output: IgbinaryOutput,
    options: IgbinaryWriteOptions,
    holders: Map<Cell, number> | null,
    counted = false,
  ) {
    this.#out = output;
    this.#options = options;
    this.#holders = holders;
    this.#counted = counted;
  }

  write(root: unknown): void {
    this.#out.header();
    if (!this.#value(root, '', undefined, undefined)) return;
    const base = this.#base;
    while (depth > base) this.#entries(frames[depth]!);
  }

  /** Writes entries of the container on top of the stack until one opens, or closes it. */
  #entries(frame: Frame): void {
    const out = this.#out;
    const container = frame.container as Record<Key, unknown>;
    for (;;) {
      if (frame.own?.placeholders !== undefined) this.#placeholders(frame);
      const index = frame.index++;
      if (index >= frame.count) {
        if (frame.leftOut > 0) this.#correctCount(frame);
        leave();
        return;
      }
      const { keys } = frame;
      let key: Key;
      let value: unknown;
      if (keys === null) {
        key = index;
        value = container[index];
        out.int(index);
      } else {
        const entry = keys[index]!;
        if (typeof entry === 'object') {
          if (this.#hidden(frame, entry)) return;
          continue;
        }
        key = entry;
        value = container[key];
        if (value === undefined && !Array.isArray(container)) {
          frame.leftOut++;
          continue;
        }
        if (frame.names !== null) {
          const name = frame.names[index]!;
          if (name === null) this.#intKey(String(key));
          else if (!out.name(name)) throw this.#lone(key);
        } else if (typeof key === 'number' && !frame.own?.stringKeys?.has(String(key))) {
          out.int(key);
        } else if (typeof key === 'number') {
          out.name(String(key));
        } else if (frame.isObject) {
          this.#property(frame, key);
        } else if (isIntegerKey(key) && !frame.own?.stringKeys?.has(key)) {
          this.#intKey(key);
        } else if (!out.name(key)) {
          throw this.#lone(key);
        }
      }
      frame.key = key;
      const { view } = frame;
      if (view === undefined) {
        if (typeof value === 'string') {
          if (!out.string(value)) throw this.#lone(key);
          continue;
        }
        if (this.#value(value, key, undefined, undefined)) return;
        continue;
      }
      const cell = view.notes.cells === null ? undefined : view.cell(key, value);
      if (cell !== undefined) {
        if (this.#cell(cell, value, key, frame)) return;
      } else if (this.#value(value, key, undefined, view)) {
        return;
      }
    }
  }

  #placeholders(frame: Frame): void {
    const { placeholders } = frame.own!;
    const last = frame.index >= frame.count;
    while (frame.placeholders < placeholders!.length) {
      const at = placeholders![frame.placeholders]!;
      if (!last && at > frame.index - frame.leftOut + frame.placeholders) break;
      this.#out.byte(F.NULL);
      frame.placeholders++;
    }
  }

  #intKey(key: string): void {
    if (key.length < 16) this.#out.int(Number(key));
    else this.#out.bigInt(BigInt(key));
  }

  #property(frame: Frame, name: string): void {
    let scope = frame.view?.scope(name);
    // A new integer-like name beside integer keys is one of them.
    if (scope === undefined) scope = frame.intKeys && isIntegerKey(name) ? INT_KEY : null;
    const text = mangled(name, scope);
    if (text === null) this.#intKey(name);
    else if (!this.#out.name(text)) throw this.#lone(name);
  }

  /** A slot whose name another one has: written where it stood. */
  #hidden(frame: Frame, slot: HiddenSlot): boolean {
    const { name, scope, value } = slot;
    frame.key = name;
    const text = mangled(name, scope);
    if (text === null) this.#intKey(name);
    else if (!this.#out.name(text)) throw this.#lone(name);
    if (slot.cell !== null) return this.#cell(slot.cell, value, name, frame);
    if (slot.float && typeof value === 'number') {
      this.#double(value, undefined);
      return false;
    }
    return this.#value(value, name, undefined, undefined);
  }

  /** A slot that is a PHP reference. Returns true if a container was opened. */
  #cell(cell: Cell, value: unknown, key: Key, frame: Frame): boolean {
    if (this.#holders === null) throw UNSETTLED;
    const out = this.#out;
    const known = this.#cells?.get(cell);
    if (!this.#counted) this.#holders.set(cell, (this.#holders.get(cell) ?? 0) + 1);
    const isShared =
      (this.#holders.get(cell) ?? 0) > 1 || frame.own?.loneCells?.has(String(key)) === true;
    if (isShared) out.byte(F.CELL);
    if (isObjectValue(value)) return this.#value(value, key, cell, frame.view);
    if (known !== undefined) {
      out.sized(F.REF8, known);
      return false;
    }
    this.#cells ??= new Map();
    if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
      if (!(value instanceof PhpFloat)) {
        this.#cells.set(cell, this.#nextId);
        return this.#value(value, key, cell, frame.view);
      }
    }
    this.#value(value, key, cell, frame.view);
    // A reference to a scalar takes its id after the value; one that is alone takes none.
    if (isShared) this.#cells.set(cell, this.#nextId++);
    return false;
  }

  /** Writes a value. Returns true if a container was opened. */
  #value(value: unknown, key: Key, cell: Cell | undefined, view: View | undefined): boolean {
    const out = this.#out;
    switch (typeof value) {
      case 'string':
        if (!out.string(value)) throw this.#lone(key);
        return false;
      case 'number':
        if (view !== undefined && view.float(key, value) !== undefined) {
          this.#double(value, view.before === null ? view.notes : undefined, key);
        } else if (isIntegerNumber(value)) {
          out.int(value);
        } else {
          this.#double(value, undefined);
        }
        return false;
      case 'boolean':
        out.byte(value ? F.TRUE : F.FALSE);
        return false;
      case 'object':
        if (value !== null) return this.#object(value, key, cell, view);
        out.byte(F.NULL);
        return false;
      case 'undefined':
        out.byte(F.NULL);
        return false;
      case 'bigint':
        if (value > INT_MAX || value < INT_MIN) {
          throw this.#refuse('an integer beyond 64 bits cannot be written', key);
        }
        out.bigInt(value);
        return false;
      default:
        throw this.#refuse(`a ${typeof value} cannot be written`, key);
    }
  }

  #double(value: number, notes: Notes | undefined, key?: Key): void {
    const out = this.#out;
    out.byte(F.DOUBLE);
    if (Number.isNaN(value)) {
      const bits = igbinaryNotes(notes)?.nans?.get(String(key));
      // JavaScript does not keep a NAN's bits; PHP's constant has these.
      out.raw(bits ?? F.NAN_BITS);
    } else {
      out.double(value);
    }
  }

  #object(value: object, key: Key, cell: Cell | undefined, view: View | undefined): boolean {
    const out = this.#out;
    if (isObjectValue(value)) {
      // Two objects for one enum case are the same value to PHP.
      const identity = value instanceof PhpEnum ? `${value.className}:${value.caseName}` : value;
      this.#objects ??= new Map();
      const known = this.#objects.get(identity);
      if (known !== undefined) {
        out.sized(F.OBJECT_REF8, known);
        return false;
      }
      this.#objects.set(identity, this.#nextId++);
      if (value instanceof PhpObject) return this.#openObject(value, key);
      if (value instanceof PhpEnum) {
        if (!out.className(value.className)) throw this.#lone(key);
        out.byte(F.ENUM_CASE);
        if (!out.name(value.caseName)) throw this.#lone(key);
      } else {
        const { className, data } = value as PhpSerializedObject;
        if (!out.className(className)) throw this.#lone(key);
        out.sized(F.PAYLOAD8, data.length);
        out.raw(data);
      }
      return false;
    }
    if (value instanceof Uint8Array) {
      out.buffer(Buffer.isBuffer(value) ? value : Buffer.from(value));
      return false;
    }
    if (value instanceof PhpFloat) {
      this.#double(value.value, undefined);
      return false;
    }
    return this.#openArray(value, key, cell, view);
  }

  #openArray(value: object, key: Key, cell: Cell | undefined, parent: View | undefined): boolean {
    const out = this.#out;
    const notes = getNotes(value);
    let view: View | undefined;
    if (notes !== undefined) {
      view = new View(value, notes, null);
    } else if (parent !== undefined) {
      const before = parent.kid(key);
      if (before !== undefined && before !== value) {
        if (before instanceof PhpObject && !Array.isArray(value)) throw this.#classLost(key);
        view = viewOf(value, before);
      }
    }
    const isList = Array.isArray(value);
    if (!isList && !isPlain(value)) {
      throw this.#refuse(`an instance of ${nameOfClass(value)} cannot be written`, key);
    }
    const keys = isList ? listKeys(value) : view === undefined ? Object.keys(value) : view.keys();
    const count = keys === null ? (value as unknown[]).length : keys.length;

    // The root has an id, but PHP cannot find it again; nor an array that a reference holds.
    const shareable = cell === undefined && depth > this.#base;
    if (shareable && notes?.body) {
      const known = this.#bodies?.get(notes.body);
      if (known !== undefined) {
        this.#comparison ??= new BodyComparison();
        if (this.#comparison.same(known.container, value)) {
          out.sized(F.REF8, known.id);
          return false;
        }
      } else {
        this.#bodies ??= new Map();
        this.#bodies.set(notes.body, { id: this.#nextId, container: value });
      }
    } else if (shareable && count === 0) {
      // All empty arrays are one to PHP.
      if (this.#empty >= 0) {
        out.sized(F.REF8, this.#empty);
        return false;
      }
      this.#empty = this.#nextId;
    }
    this.#nextId++;
    const frame = this.#enter(value, key);
    frame.view = view;
    frame.isObject = false;
    frame.keys = keys;
    frame.count = count;
    frame.own = view?.before === null ? igbinaryNotes(notes) : undefined;
    frame.countAt = out.pos;
    out.sized(F.ARRAY8, count);
    return true;
  }

  #openObject(value: PhpObject, key: Key): boolean {
    const out = this.#out;
    const notes = getNotes(value) as Notes;
    const layout = notes.layout!;
    if (!out.className(layout.className)) throw this.#lone(key);
    const frame = this.#enter(value, key);
    frame.isObject = true;
    frame.own = igbinaryNotes(notes);
    const names = Object.keys(value);
    if (notes.order === null && sameNames(names, layout.names)) {
      frame.keys = layout.names;
      frame.names = mangledNames(layout);
      frame.view = notes === layout.plain ? undefined : new View(value, notes, null);
    } else {
      frame.view = new View(value, notes, null);
      frame.keys = frame.view.keys();
      frame.intKeys = layout.scopes.includes(INT_KEY);
    }
    frame.count = frame.keys.length;
    frame.countAt = out.pos;
    out.sized(F.ARRAY8, frame.count + (frame.own?.placeholders?.length ?? 0));
    return true;
  }

  #enter(container: object, key: Key): Frame {
    const level = depth - this.#base;
    const { maxDepth } = this.#options;
    if (level === 100 || level === 400 || level === 1600) this.#checkCycle(container, key);
    if (maxDepth > 0 && level >= maxDepth) {
      this.#checkCycle(container, key);
      const reason = `the data is nested beyond maxDepth (${maxDepth})`;
      throw this.#refuse(reason, key, 'ERR_PSB_CODEC_LIMIT');
    }
    if (++depth === frames.length) frames.push(new Frame());
    const frame = frames[depth]!;
    frame.container = container as Record<Key, unknown>;
    frame.names = null;
    frame.view = undefined;
    frame.own = undefined;
    frame.intKeys = false;
    frame.index = 0;
    frame.leftOut = 0;
    frame.placeholders = 0;
    return frame;
  }

  /** PHP unrolls a recursive array once; one that is open a third time never ends. */
  #checkCycle(container: object, key: Key): void {
    let times = 0;
    for (let level = this.#base + 1; level <= depth; level++) {
      if (frames[level]!.container === container && ++times === 3) {
        const reason =
          'an array that contains itself (not by a reference of PHP) cannot be written';
        throw this.#refuse(reason, key, 'ERR_PSB_CODEC_REFERENCE');
      }
    }
  }

  #correctCount(frame: Frame): void {
    const out = this.#out;
    const placeholders = frame.own?.placeholders?.length ?? 0;
    const was = frame.count + placeholders;
    const is = was - frame.leftOut;
    const width = headerWidth(was);
    const shorter = width - headerWidth(is);
    const end = out.pos;
    if (shorter > 0) {
      out.bytes.copyWithin(frame.countAt + width - shorter, frame.countAt + width, end);
    }
    out.pos = frame.countAt;
    out.sized(F.ARRAY8, is);
    out.pos = end - shorter;
  }

  #classLost(key: Key): CodecError {
    return this.#refuse(
      'a plain object stands where an object of a PHP class was: PHP would get an array. ' +
        'Use object.with({ … }), new PhpObject(…), or PhpObject.toArray(…) if an array is meant',
      key,
      'ERR_PSB_CLASS_LOST',
    );
  }

  #lone(key: Key): CodecError {
    return this.#refuse('text with a lone surrogate cannot be written as UTF-8', key);
  }

  #refuse(
    message: string,
    key: Key,
    code:
      | 'ERR_PSB_CODEC_VALUE'
      | 'ERR_PSB_CODEC_REFERENCE'
      | 'ERR_PSB_CODEC_LIMIT'
      | 'ERR_PSB_CLASS_LOST' = 'ERR_PSB_CODEC_VALUE',
  ): CodecError {
    const keys: Key[] = [];
    // The key of a frame is that of the entry which is being written in it.
    for (let level = this.#base + 1; level < depth; level++) keys.push(frames[level]!.key);
    if (depth > this.#base) keys.push(key);
    return new CodecError(code, message, { path: joinPath(keys) });
  }
}

function headerWidth(count: number): number {
  return count < 256 ? 2 : count < 65536 ? 3 : 5;
}
