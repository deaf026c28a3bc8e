/**
 * The writer of msgpack as PHP's extension writes it.
 *
 * The extension's own reader cannot read all that its writer writes. What it wrote goes back as it
 * was; new enum cases and references from elsewhere are refused, since PHP could not read them.
 */
import { BinaryWriter, Frame, FrameStack, UNSETTLED } from '../binary-writer.ts';
import { type Cell, getNotes, type HiddenSlot, INT_KEY, type Key, type Notes } from '../notes.ts';
import { settleReferences } from '../references.ts';
import {
  type EnumCase,
  enumCaseOf,
  isObjectValue,
  PhpFloat,
  type PhpObject,
  payloadOf,
} from '../values.ts';
import { View } from '../view.ts';
import * as F from './format.ts';
import { MsgpackCell, msgpackNotes } from './msgpack-notes.ts';
import { MsgpackOutput } from './output.ts';

export interface MsgpackWriteOptions {
  readonly maxDepth: number;
  readonly maxBytes: number;
}

const NAN_BITS = Buffer.from('7ff8000000000000', 'hex');

const stack = new FrameStack(() => new Frame());

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
  const base = stack.depth;
  try {
    try {
      new Writer(output, options, false).write(root, isSession);
    } catch (error) {
      if (error !== UNSETTLED) throw error;
      stack.unwind(base);
      settleReferences(root as object);
      output.rewind();
      new Writer(output, options, true).write(root, isSession);
    }
    return output.take();
  } finally {
    stack.unwind(base);
    output.release();
  }
}

class Writer extends BinaryWriter<MsgpackOutput, Frame> {
  readonly #settled: boolean;
  /** The last id that was given. */
  #id = 0;
  #objects: Map<object | string, number> | null = null;
  #cells: Map<Cell, number> | null = null;

  constructor(output: MsgpackOutput, options: MsgpackWriteOptions, settled: boolean) {
    super(output, stack, Math.min(options.maxDepth || F.MAX_DEPTH, F.MAX_DEPTH));
    this.#settled = settled;
  }

  write(root: unknown, isSession: boolean): void {
    let opened: boolean;
    if (isSession) {
      const self = getNotes(root as object)?.self;
      if (self) this.#cells = new Map([[self, 1]]);
      opened = this.#openArray(root as object, '', true, undefined);
    } else {
      opened = this.value(root, '', undefined, undefined);
    }
    if (opened) this.finish();
  }

  protected header(frame: Frame, count: number): void {
    // PHP has one empty array.
    this.out.container(!frame.isList && count > 0, count);
  }

  protected headerWidth(count: number): number {
    return count < 16 ? 1 : count < 65536 ? 3 : 5;
  }

  protected override tooDeep(maxDepth: number): string {
    return `the data is nested beyond ${maxDepth} levels, which PHP's msgpack extension cannot read`;
  }

  protected null(): void {
    this.out.byte(F.NIL);
  }

  protected boolean(value: boolean): void {
    this.out.byte(value ? F.TRUE : F.FALSE);
  }

  protected double(value: number, key: Key, notes: Notes | undefined): void {
    const { out } = this;
    out.byte(F.FLOAT64);
    if (Number.isNaN(value)) out.raw(msgpackNotes(notes)?.nans?.get(String(key)) ?? NAN_BITS);
    else out.double(value);
  }

  protected cell(
    cell: Cell,
    value: unknown,
    key: Key,
    frame: Frame,
    hidden: HiddenSlot | undefined,
  ): boolean {
    if (!this.#settled) throw UNSETTLED;
    const view = hidden === undefined ? frame.view : undefined;
    const known = this.#cells?.get(cell);
    this.#cells ??= new Map();
    if (!(cell instanceof MsgpackCell)) {
      if (known !== undefined) {
        throw this.refuse(
          'a PHP reference cannot be written as msgpack: the extension could not read it back',
          key,
          'ERR_PSB_CODEC_UNSUPPORTED',
        );
      }
      this.#cells.set(cell, 0);
      return this.value(value, key, undefined, view);
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
    return this.value(value, key, cell, view);
  }

  #mark(mark: number, id: number): void {
    const { out } = this;
    out.container(true, 2);
    out.byte(F.NIL);
    out.byte(mark);
    out.byte(0);
    out.int(id);
  }

  protected object(
    value: object,
    key: Key,
    cell: Cell | undefined,
    view: View | undefined,
  ): boolean {
    const { out } = this;
    const isReference = cell !== undefined;
    if (isObjectValue(value)) {
      // Two objects for one enum case are the same value to PHP.
      const enumCase = enumCaseOf(value);
      const payload = enumCase === undefined ? payloadOf(value) : undefined;
      const identity =
        enumCase === undefined ? value : `${enumCase.className}:${enumCase.caseName}`;
      const known = this.#objects?.get(identity);
      if (known !== undefined) {
        this.#mark(isReference ? F.MARK_OBJECT_REFERENCE : F.MARK_OBJECT, known);
        if (!isReference) this.#id++;
        return false;
      }
      this.#objects ??= new Map();
      this.#objects.set(identity, ++this.#id);
      if (enumCase !== undefined) {
        this.#enumCase(value, enumCase, key);
        return false;
      }
      if (payload === undefined) return this.#openObject(value as PhpObject, key, isReference);
      const { className, data } = payload;
      out.container(true, 2);
      out.byte(F.NIL);
      out.byte(F.MARK_PAYLOAD);
      if (!out.name(className)) throw this.lone(key);
      out.buffer(data);
      return false;
    }
    if (value instanceof Uint8Array) {
      out.buffer(value);
      return false;
    }
    if (value instanceof PhpFloat) {
      this.double(value.value, key, undefined);
      return false;
    }
    return this.#openArray(value, key, isReference, view);
  }

  #enumCase(value: object, { className, caseName }: EnumCase, key: Key): void {
    const { out } = this;
    if (msgpackNotes(getNotes(value))?.enumCase !== true) {
      throw this.refuse(
        'an enum case cannot be written as msgpack: most versions of the extension could not read it back',
        key,
        'ERR_PSB_CODEC_UNSUPPORTED',
      );
    }
    out.container(true, 2);
    out.byte(F.NIL);
    out.byte(F.MARK_ENUM);
    if (!out.name(className) || !out.name(caseName)) throw this.lone(key);
  }

  #openArray(value: object, key: Key, isReference: boolean, parent: View | undefined): boolean {
    const { out } = this;
    const view = this.arrayView(value, getNotes(value), key, parent);
    let keys = this.arrayKeys(value, key, view);
    let isList = keys === null;
    if (keys !== null && Array.isArray(value)) {
      isList = keys.every((name, i) => name === String(i));
    } else if (keys !== null && keys.length > 0 && String(keys[0]) === '0') {
      keys = keys.filter(
        (name) => typeof name === 'object' || (value as Record<Key, unknown>)[name] !== undefined,
      );
      isList = keys.every((name, i) => String(name) === String(i));
    }
    const count = keys === null ? (value as unknown[]).length : keys.length;
    this.#id++;
    if (count === 0) {
      out.container(false, 0);
      return false;
    }
    const frame = this.enter(value, key);
    frame.view = view;
    frame.isList = isList && !isReference;
    frame.keys = keys;
    frame.count = count;
    frame.extra = isReference ? 1 : 0;
    frame.countAt = out.pos;
    this.header(frame, count + frame.extra);
    if (isReference) {
      out.byte(F.NIL);
      out.byte(F.MARK_REFERENCE);
    }
    return true;
  }

  #openObject(value: PhpObject, key: Key, isReference: boolean): boolean {
    const { out } = this;
    const notes = this.notesOf(value, key);
    const layout = notes.layout!;
    const frame = this.enterObject(value, key, notes);
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
    if (!out.name(layout.className)) throw this.lone(key);
    if (isWrapped) {
      out.byte(F.NIL);
      this.#id++;
      const layoutView = frame.view ?? new View(value, notes, null);
      frame.isList = frame.keys!.every(
        (name, i) =>
          name === String(i) && value[name] !== undefined && layoutView.scope(name) !== null,
      );
      frame.countAt = out.pos;
      out.container(!frame.isList, frame.count);
    }
    return true;
  }
}
