/**
 * What the writers of the binary formats have in common: one loop with an explicit stack, since data
 * may be deep and be written from a deep call stack; the keys, the names and the scalars; and the
 * errors with the path of what cannot be written.
 */
import { type BridgeErrorCode, CodecError } from '../errors.ts';
import type { BinaryOutput } from './binary-output.ts';
import { INT_MAX, INT_MIN, isIntegerKey, isIntegerNumber } from './integers.ts';
import { mangled, mangledNames } from './mangled-names.ts';
import { type Cell, getNotes, type HiddenSlot, INT_KEY, type Key, type Notes } from './notes.ts';
import { joinPath } from './path.ts';
import { isPlain, listKeys, nameOfClass, sameNames } from './plain.ts';
import { propertyNames } from './property-names.ts';
import {
  BEYOND_64_BITS,
  CLASS_LOST,
  CLASS_UNKNOWN,
  ENDLESS,
  LONE_SURROGATE,
  newNameFault,
  tooDeep,
} from './refusals.ts';
import { isObjectValue, PhpFloat, type PhpObject } from './values.ts';
import { View, viewOf } from './view.ts';

/** Thrown to start again when the first reference turns up: they must be settled before. */
export const UNSETTLED = Symbol('references not settled');

/** A container that is being written. */
export class Frame {
  container: Record<Key, unknown> | readonly unknown[] | null = null;
  /** `null` for the indices of a plain list. */
  keys: readonly (Key | HiddenSlot)[] | null = null;
  /** Property names as they are written, if all are as the layout says. */
  names: readonly (string | null)[] | null = null;
  view: View | undefined = undefined;
  isObject = false;
  /** Keys are not written: the array is a list. */
  isList = false;
  intKeys = false;
  /** Keys that look like integers and are strings. */
  stringKeys: ReadonlySet<string> | undefined = undefined;
  index = 0;
  count = 0;
  /** What the header counts beside the entries: marks, the name of a class, placeholders. */
  extra = 0;
  /** Where the header stands, to correct it when entries were left out. */
  countAt = 0;
  leftOut = 0;
  key: Key = '';

  /** Lets go of the data. */
  clear(): void {
    this.container = null;
    this.keys = null;
    this.names = null;
    this.view = undefined;
    this.stringKeys = undefined;
  }
}

/** The open containers of all writers of one format: a getter in the data may encode something. */
export class FrameStack<Open extends Frame> {
  depth = -1;
  readonly frames: Open[] = [];
  readonly #make: () => Open;

  constructor(make: () => Open) {
    this.#make = make;
  }

  enter(container: object): Open {
    if (++this.depth === this.frames.length) this.frames.push(this.#make());
    const frame = this.frames[this.depth]!;
    frame.container = container as Record<Key, unknown>;
    frame.isObject = false;
    frame.isList = false;
    frame.intKeys = false;
    frame.index = 0;
    frame.extra = 0;
    frame.leftOut = 0;
    return frame;
  }

  leave(): void {
    this.frames[this.depth--]!.clear();
  }

  unwind(depth: number): void {
    while (this.depth > depth) this.leave();
  }
}

export abstract class BinaryWriter<Out extends BinaryOutput, Open extends Frame> {
  protected readonly out: Out;
  protected readonly stack: FrameStack<Open>;
  /** The frames up to here belong to other writers. */
  protected readonly base: number;
  readonly #maxDepth: number;

  /** @param maxDepth 0 for no limit */
  constructor(out: Out, stack: FrameStack<Open>, maxDepth: number) {
    this.out = out;
    this.stack = stack;
    this.base = stack.depth;
    this.#maxDepth = maxDepth;
  }

  /** The header of a container with this many entries, `extra` included. */
  protected abstract header(frame: Open, count: number): void;

  /** The size of that header in bytes. */
  protected abstract headerWidth(count: number): number;

  protected abstract null(): void;

  protected abstract boolean(value: boolean): void;

  /** A float; its bits from the notes of the container, if it is a NAN that is read from there. */
  protected abstract double(value: number, key: Key, notes: Notes | undefined): void;

  /**
   * An object, a byte string or an array.
   * @param cell The reference that its slot holds.
   * @returns whether a container was opened
   */
  protected abstract object(
    value: object,
    key: Key,
    cell: Cell | undefined,
    view: View | undefined,
  ): boolean;

  /**
   * A slot that is a PHP reference. Returns true if a container was opened.
   * @param hidden The slot itself, if another one has its name: the notes of the frame do not speak
   * of it.
   */
  protected abstract cell(
    cell: Cell,
    value: unknown,
    key: Key,
    frame: Open,
    hidden: HiddenSlot | undefined,
  ): boolean;

  /** Comes before each entry, and before the end. */
  protected before(_frame: Open): void {}

  /** Why data deeper than this is refused. */
  protected tooDeep(maxDepth: number): string {
    return tooDeep(maxDepth);
  }

  /** Writes what is open, with all below it. */
  protected finish(): void {
    const { stack, base } = this;
    while (stack.depth > base) this.#entries(stack.frames[stack.depth]!);
  }

  /** Writes entries of the container on top of the stack until one opens, or closes it. */
  #entries(frame: Open): void {
    const { out } = this;
    const container = frame.container as Record<Key, unknown>;
    for (;;) {
      this.before(frame);
      const index = frame.index++;
      if (index >= frame.count) {
        if (frame.leftOut > 0) this.#correctCount(frame);
        this.stack.leave();
        return;
      }
      const { keys } = frame;
      let key: Key;
      let value: unknown;
      if (keys === null) {
        key = index;
        value = container[index];
        if (!frame.isList) out.int(index);
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
        if (!frame.isList) this.#key(frame, key, index);
      }
      frame.key = key;
      const { view } = frame;
      if (view === undefined && typeof value === 'string') {
        if (!out.string(value)) throw this.lone(key);
        continue;
      }
      const cell =
        view === undefined || view.notes.cells === null ? undefined : view.cell(key, value);
      if (cell !== undefined) {
        if (this.cell(cell, value, key, frame, undefined)) return;
      } else if (this.value(value, key, undefined, view)) {
        return;
      }
    }
  }

  #key(frame: Open, key: Key, index: number): void {
    if (frame.names !== null) {
      this.#name(frame.names[index]!, key);
    } else if (frame.isObject && typeof key === 'string') {
      let scope = frame.view?.scope(key);
      if (scope === undefined) {
        const fault = newNameFault(key);
        if (fault !== undefined) throw this.refuse(fault, key);
        // A new integer-like name beside integer keys is one of them.
        scope = frame.intKeys && isIntegerKey(key) ? INT_KEY : null;
      }
      this.#name(mangled(key, scope), key);
    } else if (frame.stringKeys?.has(String(key))) {
      this.#name(String(key), key);
    } else if (typeof key === 'number') {
      this.out.int(key);
    } else {
      this.#name(isIntegerKey(key) ? null : key, key);
    }
  }

  /** @param name as it stands in the bytes; `null` if the key is an integer */
  #name(name: string | null, key: Key): void {
    if (name !== null) {
      if (!this.out.name(name)) throw this.lone(key);
      return;
    }
    const digits = String(key);
    if (digits.length < 16) this.out.int(Number(digits));
    else this.out.bigInt(BigInt(digits));
  }

  /** A slot whose name another one has: written where it stood. */
  #hidden(frame: Open, slot: HiddenSlot): boolean {
    const { name, scope } = slot;
    frame.key = name;
    this.#name(mangled(name, scope), name);
    const isFloat = slot.float && typeof slot.value === 'number';
    const value = isFloat ? new PhpFloat(slot.value as number) : slot.value;
    if (slot.cell !== null) return this.cell(slot.cell, value, name, frame, slot);
    return this.value(value, name, undefined, undefined);
  }

  /** Writes a value. Returns true if a container was opened. */
  protected value(
    value: unknown,
    key: Key,
    cell: Cell | undefined,
    view: View | undefined,
  ): boolean {
    const { out } = this;
    switch (typeof value) {
      case 'string':
        if (!out.string(value)) throw this.lone(key);
        return false;
      case 'number':
        if (view !== undefined && view.float(key, value) !== undefined) {
          this.double(value, key, view.before === null ? view.notes : undefined);
        } else if (isIntegerNumber(value)) {
          out.int(value);
        } else {
          this.double(value, key, undefined);
        }
        return false;
      case 'boolean':
        this.boolean(value);
        return false;
      case 'object':
        if (value !== null) return this.object(value, key, cell, view);
        this.null();
        return false;
      case 'undefined':
        this.null();
        return false;
      case 'bigint':
        if (value > INT_MAX || value < INT_MIN) {
          throw this.refuse(BEYOND_64_BITS, key);
        }
        out.bigInt(value);
        return false;
      default:
        throw this.refuse(`a ${typeof value} cannot be written`, key);
    }
  }

  /** The notes of an array as a view: its own, or those that it inherits from what it replaced. */
  protected arrayView(
    value: object,
    notes: Notes | undefined,
    key: Key,
    parent: View | undefined,
  ): View | undefined {
    if (notes !== undefined) return new View(value, notes, null);
    const before = parent?.kid(key);
    if (before === undefined || before === value) return undefined;
    if (isObjectValue(before) && !Array.isArray(value)) {
      throw this.refuse(CLASS_LOST, key, 'ERR_PSB_CLASS_LOST');
    }
    return viewOf(value, before);
  }

  /** The keys of an array; `null` for those of a plain list. */
  protected arrayKeys(
    value: object,
    key: Key,
    view: View | undefined,
  ): readonly (Key | HiddenSlot)[] | null {
    if (Array.isArray(value)) return listKeys(value);
    if (!isPlain(value)) {
      throw this.refuse(`an instance of ${nameOfClass(value)} cannot be written`, key);
    }
    return view === undefined ? Object.keys(value) : view.keys();
  }

  /** The notes of an object; what has lost them is of no class that anybody knows. */
  protected notesOf(value: object, key: Key): Notes {
    const notes = getNotes(value);
    if (notes?.layout) return notes;
    throw this.refuse(CLASS_UNKNOWN, key, 'ERR_PSB_CLASS_LOST');
  }

  /** Opens an object without its header; `frame.count` and `frame.keys` are those of its body. */
  protected enterObject(value: PhpObject, key: Key, notes: Notes): Open {
    const frame = this.enter(value, key);
    const layout = notes.layout!;
    frame.isObject = true;
    if (notes.order === null && sameNames(propertyNames(value), layout.names)) {
      frame.keys = layout.names;
      frame.names = mangledNames(layout);
      frame.view = notes === layout.plain ? undefined : new View(value, notes, null);
    } else {
      frame.view = new View(value, notes, null);
      frame.keys = frame.view.keys();
      frame.intKeys = layout.scopes.includes(INT_KEY);
    }
    frame.count = frame.keys.length;
    return frame;
  }

  protected enter(container: object, key: Key): Open {
    const level = this.stack.depth - this.base;
    const maxDepth = this.#maxDepth;
    if (level === 100 || level === 400 || level === 1600) this.#checkCycle(container, key);
    if (maxDepth > 0 && level >= maxDepth) {
      this.#checkCycle(container, key);
      throw this.refuse(this.tooDeep(maxDepth), key, 'ERR_PSB_CODEC_LIMIT');
    }
    return this.stack.enter(container);
  }

  /** PHP unrolls a recursive array once; one that is open a third time never ends. */
  #checkCycle(container: object, key: Key): void {
    const { frames, depth } = this.stack;
    let times = 0;
    for (let level = this.base + 1; level <= depth; level++) {
      if (frames[level]!.container === container && ++times === 3) {
        throw this.refuse(ENDLESS, key, 'ERR_PSB_CODEC_REFERENCE');
      }
    }
  }

  #correctCount(frame: Open): void {
    const { out } = this;
    const was = frame.count + frame.extra;
    const is = was - frame.leftOut;
    const width = this.headerWidth(was);
    const shorter = width - this.headerWidth(is);
    const end = out.pos;
    if (shorter > 0) {
      out.move(frame.countAt + width - shorter, frame.countAt + width, end);
    }
    out.pos = frame.countAt;
    this.header(frame, is);
    out.pos = end - shorter;
  }

  protected lone(key: Key): CodecError {
    return this.refuse(LONE_SURROGATE, key);
  }

  protected refuse(
    message: string,
    key: Key,
    code: BridgeErrorCode = 'ERR_PSB_CODEC_VALUE',
  ): CodecError {
    const { frames, depth } = this.stack;
    const keys: Key[] = [];
    // The key of a frame is that of the entry which is being written in it.
    for (let level = this.base + 1; level < depth; level++) keys.push(frames[level]!.key);
    if (depth > this.base) keys.push(key);
    return new CodecError(code, message, { path: joinPath(keys) });
  }
}
