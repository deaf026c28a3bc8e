/**
 * The writer of igbinary. References are marked where they begin, so data that holds any is walked
 * once more beforehand to count their holders.
 */
import { BinaryWriter, Frame, FrameStack, UNSETTLED } from '../binary-writer.ts';
import { type Cell, getNotes, type HiddenSlot, type Key, type Notes } from '../notes.ts';
import { settleReferences } from '../references.ts';
import { enumCaseOf, isObjectValue, PhpFloat, type PhpObject, payloadOf } from '../values.ts';
import type { View } from '../view.ts';
import * as F from './format.ts';
import { hiddenPlace, type IgbinaryNotes, igbinaryNotes } from './igbinary-notes.ts';
import { IgbinaryOutput } from './output.ts';
import { BodyComparison } from './shared-bodies.ts';

export interface IgbinaryWriteOptions {
  readonly maxDepth: number;
  readonly maxBytes: number;
}

class IgbinaryFrame extends Frame {
  own: IgbinaryNotes | undefined = undefined;
  /** How many placeholders were written. */
  placeholders = 0;

  override clear(): void {
    super.clear();
    this.own = undefined;
  }
}

const stack = new FrameStack(() => new IgbinaryFrame());

/** Encodes one value, header included. */
export function writeIgbinary(root: unknown, options: IgbinaryWriteOptions): Buffer {
  const notes = typeof root === 'object' && root !== null ? getNotes(root) : undefined;
  const output = new IgbinaryOutput(options.maxBytes, igbinaryNotes(notes)?.fullStrings !== true);
  const base = stack.depth;
  try {
    try {
      new Writer(output, options, null).write(root);
    } catch (error) {
      if (error !== UNSETTLED) throw error;
      stack.unwind(base);
      settleReferences(root as object);
      const holders = new Map<Cell, number>();
      output.restart();
      new Writer(output, options, holders).write(root);
      output.restart();
      new Writer(output, options, holders, true).write(root);
    }
    return output.take();
  } finally {
    stack.unwind(base);
    output.release();
  }
}

class Writer extends BinaryWriter<IgbinaryOutput, IgbinaryFrame> {
  /** How many slots hold each reference; `null` before references are settled. */
  readonly #holders: Map<Cell, number> | null;
  /** The holders are counted. */
  readonly #counted: boolean;
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
    super(output, stack, options.maxDepth);
    this.#holders = holders;
    this.#counted = counted;
  }

  write(root: unknown): void {
    this.out.header();
    if (this.value(root, '', undefined, undefined)) this.finish();
  }

  protected header(_frame: IgbinaryFrame, count: number): void {
    this.out.sized(F.ARRAY8, count);
  }

  protected headerWidth(count: number): number {
    return count < 256 ? 2 : count < 65536 ? 3 : 5;
  }

  protected null(): void {
    this.out.byte(F.NULL);
  }

  protected boolean(value: boolean): void {
    this.out.byte(value ? F.TRUE : F.FALSE);
  }

  protected double(value: number, key: Key, notes: Notes | undefined): void {
    const { out } = this;
    out.byte(F.DOUBLE);
    if (Number.isNaN(value)) {
      const bits = igbinaryNotes(notes)?.nans?.get(String(key));
      // JavaScript does not keep a NAN's bits; PHP's constant has these.
      out.raw(bits ?? F.NAN_BITS);
    } else {
      out.double(value);
    }
  }

  /** Properties without a value have no name: they only stand in their places. */
  protected override before(frame: IgbinaryFrame): void {
    const placeholders = frame.own?.placeholders;
    if (placeholders === undefined) return;
    const last = frame.index >= frame.count;
    while (frame.placeholders < placeholders.length) {
      const at = placeholders[frame.placeholders]!;
      if (!last && at > frame.index - frame.leftOut + frame.placeholders) break;
      this.out.byte(F.NULL);
      frame.placeholders++;
    }
  }

  protected cell(
    cell: Cell,
    value: unknown,
    key: Key,
    frame: IgbinaryFrame,
    hidden: HiddenSlot | undefined,
  ): boolean {
    if (this.#holders === null) throw UNSETTLED;
    const { out } = this;
    const view = hidden === undefined ? frame.view : undefined;
    const known = this.#cells?.get(cell);
    const holders = this.#holders.get(cell) ?? 0;
    if (!this.#counted) {
      this.#holders.set(cell, holders + 1);
    } else if (holders === 1) {
      // One that is alone is no reference any more.
      const place = hidden === undefined ? String(key) : hiddenPlace(hidden);
      const isMarked = frame.own?.loneCells?.has(place) === true;
      if (!isMarked) return this.value(value, key, undefined, view);
    }
    out.byte(F.CELL);
    if (isObjectValue(value)) return this.value(value, key, cell, view);
    if (known !== undefined) {
      out.sized(F.REF8, known);
      return false;
    }
    this.#cells ??= new Map();
    if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
      if (!(value instanceof PhpFloat)) {
        this.#cells.set(cell, this.#nextId);
        return this.value(value, key, cell, view);
      }
    }
    this.value(value, key, cell, view);
    // A reference to a scalar takes its id after the value.
    this.#cells.set(cell, this.#nextId++);
    return false;
  }

  protected object(
    value: object,
    key: Key,
    cell: Cell | undefined,
    view: View | undefined,
  ): boolean {
    const { out } = this;
    if (isObjectValue(value)) {
      // Two objects for one enum case are the same value to PHP.
      const enumCase = enumCaseOf(value);
      const payload = enumCase === undefined ? payloadOf(value) : undefined;
      const identity =
        enumCase === undefined ? value : `${enumCase.className}:${enumCase.caseName}`;
      this.#objects ??= new Map();
      const known = this.#objects.get(identity);
      if (known !== undefined) {
        out.sized(F.OBJECT_REF8, known);
        return false;
      }
      this.#objects.set(identity, this.#nextId++);
      if (enumCase !== undefined) {
        if (!out.className(enumCase.className)) throw this.lone(key);
        out.byte(F.ENUM_CASE);
        if (!out.name(enumCase.caseName)) throw this.lone(key);
      } else if (payload === undefined) {
        return this.#openObject(value as PhpObject, key);
      } else {
        const { className, data } = payload;
        if (!out.className(className)) throw this.lone(key);
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
      this.double(value.value, key, undefined);
      return false;
    }
    return this.#openArray(value, key, cell, view);
  }

  #openArray(value: object, key: Key, cell: Cell | undefined, parent: View | undefined): boolean {
    const { out } = this;
    const notes = getNotes(value);
    const view = this.arrayView(value, notes, key, parent);
    const keys = this.arrayKeys(value, key, view);
    const count = keys === null ? (value as unknown[]).length : keys.length;

    // The root has an id, but PHP cannot find it again; nor an array that a reference holds.
    const shareable = cell === undefined && stack.depth > this.base;
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
    const frame = this.enter(value, key);
    frame.view = view;
    frame.keys = keys;
    frame.count = count;
    this.#open(frame, view?.before === null ? igbinaryNotes(notes) : undefined);
    return true;
  }

  #openObject(value: PhpObject, key: Key): boolean {
    const notes = this.notesOf(value, key);
    if (!this.out.className(notes.layout!.className)) throw this.lone(key);
    this.#open(this.enterObject(value, key, notes), igbinaryNotes(notes));
    return true;
  }

  #open(frame: IgbinaryFrame, own: IgbinaryNotes | undefined): void {
    frame.own = own;
    frame.stringKeys = own?.stringKeys;
    frame.placeholders = 0;
    frame.extra = own?.placeholders?.length ?? 0;
    frame.countAt = this.out.pos;
    this.header(frame, frame.count + frame.extra);
  }
}
