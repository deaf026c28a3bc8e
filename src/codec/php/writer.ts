/**
 * The writer of serialize() text: one loop with an explicit stack, since data may be as deep as
 * PHP allows and be written from a deep call stack. Its kinds of values share the stack, the slots
 * and the path of errors, and so one file; everyday data takes the quick way of PlainWriter.
 */

import { CodecError } from '../../errors.ts';
import { isCaseName, isClassName } from '../class-name.ts';
import { INT_MAX, INT_MIN, isIntegerKey, isIntegerNumber } from '../integers.ts';
import { type Cell, getNotes, type HiddenSlot, INT_KEY, type Key, type Notes } from '../notes.ts';
import { joinPath } from '../path.ts';
import { isPlain, listKeys, nameOfClass, sameNames } from '../plain.ts';
import { propertyNames } from '../property-names.ts';
import { settleReferences } from '../references.ts';
import {
  BEYOND_64_BITS,
  CLASS_LOST,
  CLASS_UNKNOWN,
  ENDLESS,
  LONE_SURROGATE,
  newNameFault,
  tooDeep,
} from '../refusals.ts';
import { encodeKey } from '../text.ts';
import {
  type EnumCase,
  enumCaseOf,
  isObjectValue,
  type Payload,
  PhpFloat,
  type PhpObject,
  payloadOf,
} from '../values.ts';
import { View, viewOf } from '../view.ts';
import { formatFloat, parseFloatText } from './floats.ts';
import { Identities } from './identities.ts';
import { layoutTokens } from './layout-tokens.ts';
import { TextOutput } from './output.ts';
import { movePayload, payloadInfo } from './payload.ts';
import { isPrototypePolluted, PlainWriter } from './plain-writer.ts';
import { PayloadSlot } from './slots.ts';

export interface WriteOptions {
  readonly precision: number;
  readonly maxDepth: number;
  readonly maxBytes: number;
}

/** Thrown to start again when the first reference turns up: they must be settled before. */
const UNSETTLED = Symbol('references not settled');

class Frame {
  container: Record<Key, unknown> | readonly unknown[] | null = null;
  keys: readonly (Key | HiddenSlot)[] | null = null;
  tokens: readonly Uint8Array[] | null = null;
  view: View | undefined = undefined;
  isObject = false;
  intKeys = false;
  index = 0;
  count = 0;
  /** Where the body begins, to correct the count before it when `undefined` values were left out. */
  body = 0;
  leftOut = 0;
  key: Key = '';
}

const frames: Frame[] = [];
let depth = -1;

/**
 * Encodes: `write` is called with a Writer; once more if the data holds references that had to be
 * settled first, and once more to find the path of an error.
 */
export function encodeWith(
  root: unknown,
  options: WriteOptions,
  write: (writer: Writer) => void,
): Buffer {
  const writer = idle ?? new Writer(new TextOutput(options.maxBytes));
  if (writer === idle) writer.output.begin(options.maxBytes);
  // A getter in the data may encode something itself.
  idle = null;
  const { output } = writer;
  const base = depth;
  let areSeen = false;
  let single: ReadonlySet<Cell> | null = null;
  let careful = isPrototypePolluted();
  for (;;) {
    try {
      if (areSeen) single ??= settleReferences(root as object);
      writer.begin(options, single, careful, root);
      write(writer);
      const bytes = output.take();
      output.release();
      writer.forget();
      idle = writer;
      return bytes;
    } catch (error) {
      while (depth > base) leave();
      output.rewind();
      if (error === UNSETTLED) {
        areSeen = true;
      } else if (careful) {
        output.release();
        throw error;
      } else {
        careful = true;
      }
    }
  }
}

function leave(): void {
  const frame = frames[depth--]!;
  frame.container = null;
  frame.keys = null;
  frame.tokens = null;
  frame.view = undefined;
}

const UNSET: WriteOptions = { precision: -1, maxDepth: 0, maxBytes: 0 };

/** The writer of the last call, for the next one; `null` while it writes. */
let idle: Writer | null = null;

export class Writer extends PlainWriter {
  #options: WriteOptions = UNSET;
  /** Once references are settled: those that are none any more, having one holder. */
  #single: ReadonlySet<Cell> | null = null;
  #base = depth;
  #cells: Map<Cell, number> | null = null;
  #name: string | undefined;
  /** What holds the values that are written one by one. */
  #root: object | null = null;

  begin(
    options: WriteOptions,
    single: ReadonlySet<Cell> | null,
    careful: boolean,
    root: unknown,
  ): void {
    this.start(options.precision, options.maxDepth, careful);
    this.#root = Array.isArray(root) || typeof root !== 'object' ? null : root;
    this.#options = options;
    this.#single = single;
    this.#base = depth;
    this.#cells = null;
    this.#name = undefined;
  }

  /** Lets go of the data. */
  forget(): void {
    this.#root = null;
    this.#cells = null;
    this.#single = null;
    this.objects = null;
  }

  /**
   * Writes one value and all below it.
   * @param name The session variable, for error paths.
   * @param view The notes of the root that holds it, if any.
   */
  value(value: unknown, name?: string, view?: View): void {
    this.#name = name;
    if (view === undefined) this.plain(value, name ?? '');
    else this.general(value, name ?? '', view);
  }

  /** Writes what stands in these bytes already: a value without references that has these slots. */
  passed(bytes: Uint8Array, slots: number): void {
    this.output.raw(bytes);
    this.slots += slots;
  }

  protected general(value: unknown, key: Key, view: View | undefined): void {
    const base = depth;
    if (!this.#place(value, key, view)) return;
    while (depth > base) this.#entry(frames[depth]!);
  }

  /** The root itself is a reference (`R:1`): it takes the first slot. */
  rootCell(cell: Cell | null): void {
    if (cell === null) return;
    this.#cells = new Map([[cell, 1]]);
  }

  /** Writes the next entry of the container on top of the stack, or closes it. */
  #entry(frame: Frame): void {
    const { output } = this;
    const container = frame.container as Record<Key, unknown>;
    // A run of scalars needs no return to the outer loop.
    for (;;) {
      const index = frame.index++;
      if (index >= frame.count) {
        if (frame.leftOut > 0) {
          output.correctCount(frame.body, frame.count, frame.count - frame.leftOut);
        }
        output.byte(125);
        this.level--;
        leave();
        return;
      }
      const { keys } = frame;
      let key: Key;
      let value: unknown;
      if (keys === null) {
        key = index;
        value = container[index];
        output.integer(index);
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
        if (frame.tokens !== null) output.raw(frame.tokens[index]!);
        else if (typeof key === 'number') output.integer(key);
        else if (frame.isObject) this.#property(frame, key);
        else if (isIntegerKey(key)) output.ascii(`i:${key};`);
        else if (!output.name(key)) throw this.#lone(key);
      }
      frame.key = key;
      const { view } = frame;
      if (view === undefined || view.notes.cells === null) {
        // The everyday scalars, without the detour over references.
        if (typeof value === 'string') {
          this.slots++;
          if (!output.string(value)) throw this.#lone(key);
          continue;
        }
        if (typeof value === 'number') {
          this.slots++;
          if (view === undefined && (value | 0) === value && value !== 0) output.integer(value);
          else this.#number(value, key, view);
          continue;
        }
      }
      if (this.#place(value, key, view)) return;
    }
  }

  #property(frame: Frame, name: string): void {
    const { output } = this;
    let scope = frame.view?.scope(name);
    if (scope === undefined) {
      const fault = newNameFault(name);
      if (fault !== undefined) throw this.#refuse(fault, name);
      // A new integer-like name beside integer keys is one of them.
      scope = frame.intKeys && isIntegerKey(name) ? INT_KEY : null;
    }
    if (scope === INT_KEY) output.ascii(`i:${name};`);
    else if (!output.name(scope === null ? name : `\0${scope}\0${name}`)) throw this.#lone(name);
  }

  /** A slot whose name another one has: written where it stood. */
  #hidden(frame: Frame, slot: HiddenSlot): boolean {
    const { output } = this;
    const { name, scope } = slot;
    frame.key = name;
    if (scope === INT_KEY) output.ascii(`i:${name};`);
    else if (!output.name(scope === null ? name : `\0${scope}\0${name}`)) throw this.#lone(name);
    const cell = slot.cell === null ? undefined : this.#reference(slot.cell);
    if (slot.float && typeof slot.value === 'number') {
      if (cell !== undefined && this.#again(cell)) return false;
      this.slots++;
      const { value, floatText } = slot;
      // Another holder of the reference may have been assigned something else.
      const isKept = floatText !== null && Object.is(parseFloatText(floatText), value);
      output.ascii(`d:${isKept ? floatText : formatFloat(value, this.#options.precision)};`);
      return false;
    }
    return this.#write(slot.value, name, cell, undefined);
  }

  /** Writes the value of a slot. Returns true if a container was opened. */
  #place(value: unknown, key: Key, view: View | undefined): boolean {
    if (view === undefined) return this.#write(value, key, undefined, undefined);
    const cell = view.notes.cells === null ? undefined : view.cell(key, value);
    return this.#write(value, key, cell && this.#reference(cell), view);
  }

  /** The reference that a slot holds, if it is one: others hold it, too. */
  #reference(cell: Cell): Cell | undefined {
    if (this.#single === null) throw UNSETTLED;
    return this.#single.has(cell) ? undefined : cell;
  }

  /** Points at the variable if it was written before; else it is the next one. */
  #again(cell: Cell): boolean {
    const known = this.#cells?.get(cell);
    if (known !== undefined) {
      this.output.tagged(82, known);
      this.output.byte(59);
      return true;
    }
    this.#cells ??= new Map();
    this.#cells.set(cell, this.slots + 1);
    return false;
  }

  #write(value: unknown, key: Key, cell: Cell | undefined, view: View | undefined): boolean {
    const { output } = this;
    if (cell !== undefined && !isObjectValue(value) && this.#again(cell)) return false;
    switch (typeof value) {
      case 'string':
        this.slots++;
        if (!output.string(value)) throw this.#lone(key);
        return false;
      case 'number':
        this.slots++;
        this.#number(value, key, view);
        return false;
      case 'boolean':
        this.slots++;
        output.ascii(value ? 'b:1;' : 'b:0;');
        return false;
      case 'object':
        if (value !== null) return this.#object(value, key, cell, view);
        this.slots++;
        output.ascii('N;');
        return false;
      case 'undefined':
        this.slots++;
        output.ascii('N;');
        return false;
      case 'bigint':
        this.slots++;
        if (value > INT_MAX || value < INT_MIN) {
          throw this.#refuse(BEYOND_64_BITS, key);
        }
        output.ascii(`i:${value};`);
        return false;
      default:
        throw this.#refuse(`a ${typeof value} cannot be written`, key);
    }
  }

  #number(value: number, key: Key, view: View | undefined): void {
    const { output } = this;
    const { precision } = this.#options;
    const float = view?.float(key, value);
    if (float !== undefined) {
      output.ascii(`d:${float ?? formatFloat(value, precision)};`);
    } else if (isIntegerNumber(value)) {
      output.integer(value);
    } else {
      output.ascii(`d:${formatFloat(value, precision)};`);
    }
  }

  #object(value: object, key: Key, cell: Cell | undefined, view: View | undefined): boolean {
    const { output } = this;
    if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
      this.slots++;
      return this.#openArray(value, key, view);
    }
    if (isObjectValue(value)) {
      // Two objects for one enum case are the same value to PHP.
      const enumCase = enumCaseOf(value);
      const payload = enumCase === undefined ? payloadOf(value) : undefined;
      const notes = getNotes(value);
      if (enumCase === undefined && payload === undefined && !notes?.layout) {
        throw this.#refuse(CLASS_UNKNOWN, key, 'ERR_PSB_CLASS_LOST');
      }
      const identity =
        enumCase === undefined ? value : `${enumCase.className}:${enumCase.caseName}`;
      this.objects ??= new Identities();
      const known = this.objects.find(identity);
      if (known > 0) {
        // A plain handle takes a slot of its own, a reference does not.
        if (cell === undefined) this.slots++;
        output.tagged(cell === undefined ? 114 : 82, known);
        output.byte(59);
        return false;
      }
      this.objects.add(identity, ++this.slots);
      if (enumCase !== undefined) this.#enum(enumCase, key);
      else if (payload !== undefined) this.#payload(payload, notes, key);
      else return this.#openObject(value as PhpObject, notes as Notes, key);
      return false;
    }
    if (value instanceof Uint8Array) {
      this.slots++;
      output.buffer(value);
      return false;
    }
    if (value instanceof PhpFloat) {
      this.slots++;
      output.ascii(`d:${formatFloat(value.value, this.#options.precision)};`);
      return false;
    }
    if (value instanceof PayloadSlot) {
      this.#payloadSlot(value, key);
      return false;
    }
    this.slots++;
    return this.#openArray(value, key, view);
  }

  #openArray(value: object, key: Key, parent: View | undefined): boolean {
    const { output } = this;
    let view: View | undefined;
    const notes = getNotes(value);
    if (notes !== undefined) {
      if (this.#isPlainHere(value) && this.plainArray(value, notes)) return false;
      view = new View(value, notes, null);
    } else if (parent !== undefined) {
      const before = parent.kid(key);
      if (before !== undefined && before !== value) {
        if (isObjectValue(before) && !Array.isArray(value)) throw this.#classLost(key);
        view = viewOf(value, before);
      }
    }
    if (view === undefined && this.#isPlainHere(value) && this.plainArray(value, undefined)) {
      return false;
    }
    let keys: readonly (Key | HiddenSlot)[] | null;
    let count: number;
    if (Array.isArray(value)) {
      keys = listKeys(value);
      count = keys === null ? value.length : keys.length;
    } else {
      if (Object.getPrototypeOf(value) !== Object.prototype && !isPlain(value)) {
        throw this.#refuse(`an instance of ${nameOfClass(value)} cannot be written`, key);
      }
      keys = view === undefined ? Object.keys(value) : view.keys();
      count = keys.length;
    }
    if (count === 0) {
      // Nothing to go into: PHP does not count it as a level either.
      output.ascii('a:0:{}');
      return false;
    }
    const frame = this.#enter(value, key);
    frame.view = view;
    frame.isObject = false;
    frame.keys = keys;
    frame.count = count;
    output.open(count);
    frame.body = output.pos;
    return true;
  }

  #isPlainHere(value: object): boolean {
    return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  }

  #openObject(value: PhpObject, notes: Notes, key: Key): boolean {
    const { output } = this;
    const layout = notes.layout!;
    if (this.plainObject(value, notes, layout)) return false;
    const names = propertyNames(value);
    const frame = this.#enter(value, key);
    frame.isObject = true;
    if (notes.order === null && sameNames(names, layout.names)) {
      const tokens = layoutTokens(layout);
      if (tokens === undefined) throw this.#refuse('a name is none that PHP can read', key);
      output.raw(tokens.head);
      frame.body = output.pos;
      frame.keys = layout.names;
      frame.tokens = tokens.names;
      frame.count = names.length;
      frame.view = notes === layout.plain ? undefined : new View(value, notes, null);
      return true;
    }
    const view = new View(value, notes, null);
    frame.view = view;
    frame.keys = view.keys();
    frame.intKeys = layout.scopes.includes(INT_KEY);
    frame.count = frame.keys.length;
    this.#className(79, layout.className, key);
    output.count(frame.count);
    frame.body = output.pos;
    return true;
  }

  /** `X:LENGTH:"CLASS"` */
  #className(letter: number, className: string, key: Key): void {
    const { output } = this;
    const name = encodeKey(className);
    if (name === undefined) throw this.#refuse('a class name has a lone surrogate', key);
    if (!isClassName(className)) throw this.#refuse('this is no name of a class', key);
    output.tagged(letter, name.length);
    output.ascii(':"');
    output.raw(name);
    output.byte(34);
  }

  #enum(value: EnumCase, key: Key): void {
    const { output } = this;
    if (!isClassName(value.className) || !isCaseName(value.caseName)) {
      throw this.#refuse('this is no name of an enum and its case', key);
    }
    const name = encodeKey(`${value.className}:${value.caseName}`);
    if (name === undefined) throw this.#refuse('a class name has a lone surrogate', key);
    output.tagged(69, name.length);
    output.ascii(':"');
    output.raw(name);
    output.ascii('";');
  }

  #payload(value: Payload, notes: Notes | undefined, key: Key): void {
    const { output } = this;
    const own = this.slots;
    let { data } = value;
    const read = notes?.format?.php;
    const info = read ?? payloadInfo(data, this.#options.maxDepth);
    if (read !== undefined && read.at !== own && payloadInfo(data, 0).backReferences) {
      const moved = movePayload(data, read.at, own);
      if (moved === undefined) {
        throw this.#refuse(
          'the payload of this object points at variables whose numbers changed',
          key,
          'ERR_PSB_CODEC_REFERENCE',
        );
      }
      data = moved;
    }
    this.#className(67, value.className, key);
    output.ascii(`:${data.length}:{`);
    output.raw(data);
    output.byte(125);
    this.slots += info.slots;
  }

  #payloadSlot(value: PayloadSlot, key: Key): void {
    const { output } = this;
    const at = this.objects === null ? 0 : this.objects.find(value.payload);
    if (at === 0) {
      const reason = 'this points into the payload of an object that is not there (any more)';
      throw this.#refuse(reason, key, 'ERR_PSB_CODEC_REFERENCE');
    }
    if (value.letter === 'r') this.slots++;
    output.tagged(value.letter === 'r' ? 114 : 82, at + value.distance);
    output.byte(59);
  }

  #enter(container: object, key: Key): Frame {
    const { level } = this;
    const { maxDepth } = this.#options;
    if (level === 100 || level === 400 || level === 1600) this.#checkCycle(container, key);
    if (maxDepth > 0 && level >= maxDepth) {
      this.#checkCycle(container, key);
      throw this.#refuse(tooDeep(maxDepth), key, 'ERR_PSB_CODEC_LIMIT');
    }
    this.level++;
    if (++depth === frames.length) frames.push(new Frame());
    const frame = frames[depth]!;
    frame.container = container as Record<Key, unknown>;
    frame.tokens = null;
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
      if (frames[level]!.container === container) times++;
    }
    if (times < 3) return;
    // The error names the first place where something stands inside of itself.
    const open = new Set<object | null>();
    let level = this.#base + 1;
    if (frames[level]!.container !== this.#root) open.add(this.#root);
    while (level <= depth && !open.has(frames[level]!.container)) {
      open.add(frames[level++]!.container);
    }
    while (depth >= level) leave();
    throw this.#refuse(ENDLESS, key, 'ERR_PSB_CODEC_REFERENCE');
  }

  #classLost(key: Key): CodecError {
    return this.#refuse(CLASS_LOST, key, 'ERR_PSB_CLASS_LOST');
  }

  #lone(key: Key): CodecError {
    return this.#refuse(LONE_SURROGATE, key);
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
    const keys: Key[] = this.#name === undefined ? [] : [this.#name];
    for (let level = this.#base + 1; level <= depth; level++) keys.push(frames[level]!.key);
    if (depth === this.#base && this.#name === undefined) keys.push(key);
    return new CodecError(code, message, { path: joinPath(keys) });
  }
}
