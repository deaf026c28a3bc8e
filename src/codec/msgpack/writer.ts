/**
 * The writer of msgpack as PHP's extension writes it: one loop with an explicit stack.
 *
 * The extension's own reader cannot read all that its writer writes. What it wrote goes back as it
 * was; new enum cases and references from elsewhere are refused, since PHP could not read them.
 */
import { type BridgeErrorCode, CodecError } from '../../errors.ts';
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
import { MsgpackCell, msgpackNotes } from './msgpack-notes.ts';
import { MsgpackOutput } from './output.ts';

export interface MsgpackWriteOptions {
  readonly maxDepth: number;
  readonly maxBytes: number;
}

/** Thrown to start again when the first reference turns up: they must be settled before. */
const UNSETTLED = Symbol('references not settled');

const NAN_BITS = Buffer.from('7ff8000000000000', 'hex');

class Frame {
  container: Record<Key, unknown> | readonly unknown[] | null = null;
  keys: readonly (Key | HiddenSlot)[] | null = null;
  /** Property names as they are written, if all are as the layout says. */
  names: readonly (string | null)[] | null = null;
  view: View | undefined = undefined;
  isObject = false;
  /** Keys are not written: the array is a list. */
  isList = false;
  intKeys = false;
  index = 0;
  count = 0;
  /** Pairs of the header that are no entries: marks and the name of a class. */
  extra = 0;
  /** Where the header stands, to correct it when entries were left out. */
  countAt = 0;
  leftOut = 0;
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
}

/**
 * Encodes one value.
 * @param isSession The value holds the session variables, which the extension marks as a reference.
 */
export function writeMsgpack(
  root: unknown,
  options: MsgpackWriteOptions,
  isSession = false,
): Buffer {
  const output = new MsgpackOutput(options.maxBytes);
  const base = depth;
  try {
    try {
      new Writer(output, options, false).write(root, isSession);
    } catch (error) {
      if (error !== UNSETTLED) throw error;
      while (depth > base) leave();
      settleReferences(root as object);
      output.rewind();
      new Writer(output, options, true).write(root, isSession);
    }
    return output.take();
  } finally {
    while (depth > base) leave();
    output.release();
  }
}

class Writer {
  readonly #out: MsgpackOutput;
  readonly #maxDepth: number;
  readonly #settled: boolean;
  readonly #base = depth;
  /** The last id that was given. */
  #id = 0;
  #objects: Map<object | string, number> | null = null;
  #cells: Map<Cell, number> | null = null;

  constructor(output: MsgpackOutput, options: MsgpackWriteOptions, settled: boolean) {
    this.#out = output;
    this.#maxDepth = Math.min(options.maxDepth || F.MAX_DEPTH, F.MAX_DEPTH);
    this.#settled = settled;
  }

  write(root: unknown, isSession: boolean): void {
    let opened: boolean;
    if (isSession) {
      const self = getNotes(root as object)?.self;
      if (self) this.#cells = new Map([[self, 1]]);
      opened = this.#openArray(root as object, '', true, undefined);
    } else {
      opened = this.#value(root, '', false, undefined);
    }
    if (!opened) return;
    const base = this.#base;
    while (depth > base) this.#entries(frames[depth]!);
  }

  /** Writes entries of the container on top of the stack until one opens, or closes it. */
  #entries(frame: Frame): void {
    const out = this.#out;
    const container = frame.container as Record<Key, unknown>;
    for (;;) {
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
        if (frame.isList) {
          // Position is the key.
        } else if (frame.names !== null) {
          const name = frame.names[index]!;
          if (name === null) this.#intKey(String(key));
          else if (!out.name(name)) throw this.#lone(key);
        } else if (typeof key === 'number') {
          out.int(key);
        } else if (frame.isObject) {
          this.#property(frame, key);
        } else if (isIntegerKey(key)) {
          this.#intKey(key);
        } else if (!out.name(key)) {
          throw this.#lone(key);
        }
      }
      frame.key = key;
      const { view } = frame;
      if (view === undefined && typeof value === 'string') {
        if (!out.string(value)) throw this.#lone(key);
        continue;
      }
      const cell =
        view === undefined || view.notes.cells === null ? undefined : view.cell(key, value);
      if (cell !== undefined) {
        if (this.#cell(cell, value, key, view)) return;
      } else if (this.#value(value, key, false, view)) {
        return;
      }
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
    if (slot.cell !== null) return this.#cell(slot.cell, value, name, undefined);
    if (slot.float && typeof value === 'number') {
      this.#double(value, undefined, name);
      return false;
    }
    return this.#value(value, name, false, undefined);
  }

  /** A slot that is a PHP reference. Returns true if a container was opened. */
  #cell(cell: Cell, value: unknown, key: Key, view: View | undefined): boolean {
    if (!this.#settled) throw UNSETTLED;
    const known = this.#cells?.get(cell);
    this.#cells ??= new Map();
    if (!(cell instanceof MsgpackCell)) {
      if (known !== undefined) {
        throw this.#refuse(
          'a PHP reference cannot be written as msgpack: the extension could not read it back',
          key,
          'ERR_PSB_CODEC_UNSUPPORTED',
        );
      }
      this.#cells.set(cell, 0);
      return this.#value(value, key, false, view);
    }
    const isArray =
      typeof value === 'object' &&
      value !== null &&
      !isObjectValue(value) &&
      !(value instanceof Uint8Array || value instanceof PhpFloat);
    if (isArray) {
      if (known !== undefined) {
        this.#mark(F.MARK_ARRAY, known);
        return false;
      }
      this.#cells.set(cell, this.#id + 1);
    }
    // References to anything else but arrays and objects are lost by the extension.
    return this.#value(value, key, true, view);
  }

  #mark(mark: number, id: number): void {
    const out = this.#out;
    out.container(true, 2);
    out.byte(F.NIL);
    out.byte(mark);
    out.byte(0);
    out.int(id);
  }

  /** Writes a value. Returns true if a container was opened. */
  #value(value: unknown, key: Key, isReference: boolean, view: View | undefined): boolean {
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
          this.#double(value, undefined, key);
        }
        return false;
      case 'boolean':
        out.byte(value ? F.TRUE : F.FALSE);
        return false;
      case 'object':
        if (value !== null) return this.#object(value, key, isReference, view);
        out.byte(F.NIL);
        return false;
      case 'undefined':
        out.byte(F.NIL);
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

  #double(value: number, notes: Notes | undefined, key: Key): void {
    const out = this.#out;
    out.byte(F.FLOAT64);
    if (Number.isNaN(value)) out.raw(msgpackNotes(notes)?.nans?.get(String(key)) ?? NAN_BITS);
    else out.double(value);
  }

  #object(value: object, key: Key, isReference: boolean, view: View | undefined): boolean {
    const out = this.#out;
    if (isObjectValue(value)) {
      // Two objects for one enum case are the same value to PHP.
      const identity = value instanceof PhpEnum ? `${value.className}:${value.caseName}` : value;
      const known = this.#objects?.get(identity);
      if (known !== undefined) {
        this.#mark(isReference ? F.MARK_OBJECT_REFERENCE : F.MARK_OBJECT, known);
        if (!isReference) this.#id++;
        return false;
      }
      this.#objects ??= new Map();
      this.#objects.set(identity, ++this.#id);
      if (value instanceof PhpEnum) {
        this.#enumCase(value, key);
        return false;
      }
      if (value instanceof PhpObject) return this.#openObject(value, key, isReference);
      const { className, data } = value as PhpSerializedObject;
      out.container(true, 2);
      out.byte(F.NIL);
      out.byte(F.MARK_PAYLOAD);
      if (!out.name(className)) throw this.#lone(key);
      out.buffer(data);
      return false;
    }
    if (value instanceof Uint8Array) {
      out.buffer(value);
      return false;
    }
    if (value instanceof PhpFloat) {
      this.#double(value.value, undefined, key);
      return false;
    }
    return this.#openArray(value, key, isReference, view);
  }

  #enumCase(value: PhpEnum, key: Key): void {
    const out = this.#out;
    if (msgpackNotes(getNotes(value))?.enumCase !== true) {
      throw this.#refuse(
        'an enum case cannot be written as msgpack: most versions of the extension could not read it back',
        key,
        'ERR_PSB_CODEC_UNSUPPORTED',
      );
    }
    out.container(true, 2);
    out.byte(F.NIL);
    out.byte(F.MARK_ENUM);
    if (!out.name(value.className) || !out.name(value.caseName)) throw this.#lone(key);
  }

  #openArray(value: object, key: Key, isReference: boolean, parent: View | undefined): boolean {
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
    let keys: readonly (Key | HiddenSlot)[] | null;
    let isList = false;
    if (Array.isArray(value)) {
      keys = listKeys(value);
      isList = keys === null || keys.every((name, i) => name === String(i));
    } else {
      if (!isPlain(value)) {
        throw this.#refuse(`an instance of ${nameOfClass(value)} cannot be written`, key);
      }
      keys = view === undefined ? Object.keys(value) : view.keys();
      if (keys.length > 0 && String(keys[0]) === '0') {
        keys = keys.filter(
          (name) => typeof name === 'object' || (value as Record<Key, unknown>)[name] !== undefined,
        );
        isList = keys.every((name, i) => String(name) === String(i));
      }
    }
    const count = keys === null ? (value as unknown[]).length : keys.length;
    this.#id++;
    if (count === 0) {
      out.byte(0x90);
      return false;
    }
    const frame = this.#enter(value, key);
    frame.view = view;
    frame.isObject = false;
    frame.isList = isList && !isReference;
    frame.keys = keys;
    frame.count = count;
    frame.extra = isReference ? 1 : 0;
    frame.countAt = out.pos;
    out.container(!frame.isList, count + frame.extra);
    if (isReference) {
      out.byte(F.NIL);
      out.byte(F.MARK_REFERENCE);
    }
    return true;
  }

  #openObject(value: PhpObject, key: Key, isReference: boolean): boolean {
    const out = this.#out;
    const notes = getNotes(value) as Notes;
    const layout = notes.layout!;
    const frame = this.#enter(value, key);
    frame.isObject = true;
    frame.isList = false;
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
    const isWrapped = msgpackNotes(notes)?.wrapped ?? layout.scopes.includes(INT_KEY);
    const marks = isReference ? 2 : 1;
    frame.extra = isWrapped ? 0 : marks;
    frame.countAt = out.pos;
    out.container(true, marks + (isWrapped ? 1 : frame.count));
    if (isReference) {
      out.byte(F.NIL);
      out.byte(F.MARK_REFERENCE);
    }
    out.byte(F.NIL);
    if (!out.name(layout.className)) throw this.#lone(key);
    if (isWrapped) {
      out.byte(F.NIL);
      this.#id++;
      const layoutView = frame.view ?? new View(value, notes, null);
      frame.isList = frame.keys.every(
        (name, i) =>
          name === String(i) && value[name] !== undefined && layoutView.scope(name) !== null,
      );
      frame.countAt = out.pos;
      out.container(!frame.isList, frame.count);
    }
    return true;
  }

  #enter(container: object, key: Key): Frame {
    const level = depth - this.#base;
    if (level === 100 || level === 400) this.#checkCycle(container, key);
    if (level >= this.#maxDepth) {
      this.#checkCycle(container, key);
      const reason = `the data is nested beyond ${this.#maxDepth} levels, which PHP's msgpack extension cannot read`;
      throw this.#refuse(reason, key, 'ERR_PSB_CODEC_LIMIT');
    }
    if (++depth === frames.length) frames.push(new Frame());
    const frame = frames[depth]!;
    frame.container = container as Record<Key, unknown>;
    frame.names = null;
    frame.view = undefined;
    frame.intKeys = false;
    frame.index = 0;
    frame.leftOut = 0;
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
    const was = frame.count + frame.extra;
    const is = was - frame.leftOut;
    const end = out.pos;
    if (is === 0) {
      out.bytes[frame.countAt] = 0x90;
      return;
    }
    const width = headerWidth(was);
    const shorter = width - headerWidth(is);
    if (shorter > 0) {
      out.bytes.copyWithin(frame.countAt + width - shorter, frame.countAt + width, end);
    }
    out.pos = frame.countAt;
    out.container(!frame.isList, is);
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

  #refuse(message: string, key: Key, code: BridgeErrorCode = 'ERR_PSB_CODEC_VALUE'): CodecError {
    const keys: Key[] = [];
    // The key of a frame is that of the entry which is being written in it.
    for (let level = this.#base + 1; level < depth; level++) keys.push(frames[level]!.key);
    if (depth > this.#base) keys.push(key);
    return new CodecError(code, message, { path: joinPath(keys) });
  }
}

function headerWidth(count: number): number {
  return count < 16 ? 1 : count < 65536 ? 3 : 5;
}
