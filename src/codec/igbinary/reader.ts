/**
 * The reader of igbinary: like the reader of serialize() text one loop with an explicit stack, so
 * that no input can overflow the call stack. Ids need no table of places: references are marked
 * where they begin. Only what an optimistic pass cannot know beforehand (a repeated key beside
 * notes, an array that is no list though it began as one and was pointed at meanwhile) is read in
 * a second pass.
 */
import { CodecError } from '../../errors.ts';
import {
  clearMarks,
  closeList,
  closeMap,
  makeMarks,
  objectNotes,
  REPEATED,
  REPEATED_KID,
} from '../containers.ts';
import { define, isPerilous } from '../define.ts';
import { expectedLayout, unmangle } from '../layouts.ts';
import { mangledNames } from '../mangled-names.ts';
import {
  Cell,
  getNotes,
  type HiddenSlot,
  INT_KEY,
  type Key,
  type Layout,
  makeNotes,
  setNotes,
} from '../notes.ts';
import { type Holders, ObjectBuilder } from '../object-builder.ts';
import { OpenCells } from '../open-cells.ts';
import { joinPath } from '../path.ts';
import { isObjectValue, PhpEnum, PhpObject, PhpSerializedObject } from '../values.ts';
import * as F from './format.ts';
import { hiddenPlace, type IgbinaryNotes, noteIgbinary } from './igbinary-notes.ts';
import { readPlain } from './plain-reader.ts';
import type { IgbinaryReadOptions, IgbinaryValue } from './read-options.ts';
import { type CopyBudget, copyBudget, copyOfBody } from './shared-bodies.ts';
import { PASSED_OVER, skipIgbinary } from './skip.ts';
import { INDEX_KEY, INTEGER_KEY, PLAIN_KEY, StringTable } from './strings.ts';

const TOP = 0;
const LIST = 1;
const MAP = 2;
const OBJECT = 3;

const PRESIZE = 64;
const FIELDS = 9;
const NAN_HIGH = 0x7ff80000;

let stackNumbers = new Int32Array(64 * FIELDS);
const stackContainers: (object | null)[] = [];
const stackKeys: Key[] = [];
const stackShapes: (Layout | ObjectBuilder | HiddenSlot | null)[] = [];
const stackCells: (Cell | null)[] = [];
const marks = makeMarks();

const doubleBytes = new Uint8Array(8);
const doubleValue = new Float64Array(doubleBytes.buffer);
const doubleWords = new Uint32Array(doubleBytes.buffer);

/** Thrown where nothing may be passed over after all. */
const AGAIN: unique symbol = Symbol('again');

interface Pending extends IgbinaryNotes {
  placeholders?: number[];
  stringKeys?: Set<string>;
  loneCells?: Set<string>;
  nans?: Map<string, Buffer>;
}

export class IgbinaryReader implements Holders {
  readonly #b: Buffer;
  readonly #limits: IgbinaryReadOptions;
  readonly #isSession: boolean;
  readonly #only: ReadonlySet<string> | null;
  /** Second pass: repeated keys are looked for. */
  readonly #careful: boolean;
  /** Positions of arrays that begin like lists and are none. */
  readonly #demoted: Set<number>;
  readonly #strings: StringTable;
  /** What the ids stand for: containers, objects, reference cells. */
  readonly #ids: unknown[] = [];
  readonly #budget: CopyBudget;
  /** Elements that may still be read. */
  #elements: number;
  #cells: OpenCells | null = null;
  /** The references that are floats. */
  #floatCells: Set<Cell> | null = null;
  #holders: Map<Cell, number> | null = null;
  #pending: Map<object, Pending> | null = null;
  /** An array that is still open was pointed at. */
  #openPointedAt = false;
  #firstEmpty: object | null = null;
  /** Arrays that hold themselves by value. */
  #recursive: Set<object> | null = null;
  #targetId = 0;
  #needsAgain = false;
  #pos = F.HEADER_LENGTH;

  constructor(bytes: Buffer, options: IgbinaryReadOptions, demoted: Set<number> | null) {
    this.#b = bytes;
    this.#limits = options;
    this.#isSession = options.isSession === true;
    this.#only = options.only ?? null;
    this.#careful = demoted !== null;
    this.#demoted = demoted ?? new Set();
    this.#strings = new StringTable(bytes);
    this.#elements = options.maxElements;
    this.#budget = copyBudget(bytes, options);
  }

  /** Reads the one value of a blob. */
  static read(bytes: Buffer, options: IgbinaryReadOptions): IgbinaryValue {
    checkHeader(bytes);
    const reader = new IgbinaryReader(bytes, options, null);
    const first = reader.#attempt();
    if (first !== AGAIN && !reader.#needsAgain) return first;
    if (first === AGAIN) return IgbinaryReader.read(bytes, { ...options, only: null });
    return new IgbinaryReader(bytes, options, reader.#demoted).#attempt() as IgbinaryValue;
  }

  /** `AGAIN` if a wanted variable points into one that was passed over. */
  #attempt(): IgbinaryValue | typeof AGAIN {
    try {
      return this.#result(this.#value());
    } catch (error) {
      if (error !== AGAIN) throw error;
      return AGAIN;
    } finally {
      this.#strings.free();
      reset();
    }
  }

  #result(value: unknown): IgbinaryValue {
    this.#noteLoneCells();
    if (this.#strings.repeated && typeof value === 'object' && value !== null) {
      if (!isObjectValue(value) || value instanceof PhpObject) {
        noteIgbinary(value, { fullStrings: true });
      }
    }
    return { value, end: this.#pos };
  }

  #value(): unknown {
    const b = this.#b;
    const end = b.length;
    const strings = this.#strings;
    const ids = this.#ids;
    const { maxDepth } = this.#limits;
    let p = this.#pos;
    let depth = 0;
    let kind = TOP;
    let container: Record<Key, unknown> | unknown[] | null = null;
    let left = 0;
    let index = 0;
    let key: Key = '';
    let shape: Layout | ObjectBuilder | HiddenSlot | null = null;
    let floatMark = 0;
    let kidMark = 0;
    let orderMark = -1;
    let loose = 0;
    let start = p;
    let ownId = -1;
    let cell: Cell | null = null;
    let value: unknown;

    for (;;) {
      const type = b[p++];
      let opened = false;
      let count = 0;
      let className: string | null = null;
      // A container that was met before and has notes.
      let isNoted = false;
      const from = p - 1;
      switch (type) {
        case F.STRING8: {
          const length = b[p]!;
          const at = p + 1;
          p = at + length;
          if (!(p <= end)) throw this.#syntax(from, 'a string is cut off', depth, key);
          value = strings.addValue(at, length);
          break;
        }
        case F.STRING_ID8: {
          const id = b[p++]!;
          if (!(id < strings.texts.length)) {
            throw this.#reference(from, 'a string id that was not given', depth, key);
          }
          strings.isWatching = false;
          value = strings.value(id);
          break;
        }
        case F.POSITIVE8:
          value = b[p++];
          if (value === undefined) throw this.#syntax(from, 'a number is cut off', depth, key);
          break;
        case F.ARRAY8:
          count = p < end ? b[p]! : end;
          p++;
          opened = true;
          break;
        case F.NULL:
          value = null;
          break;
        case F.FALSE:
          value = false;
          break;
        case F.TRUE:
          value = true;
          break;
        case F.STRING_EMPTY:
          value = '';
          break;
        case F.DOUBLE: {
          if (p + 8 > end) throw this.#syntax(from, 'a number is cut off', depth, key);
          for (let i = 7; i >= 0; i--) doubleBytes[i] = b[p++]!;
          const float = doubleValue[0]!;
          if (Number.isNaN(float) && (doubleWords[1] !== NAN_HIGH || doubleWords[0] !== 0)) {
            if (container !== null) {
              const pending = this.#pendingOf(container);
              pending.nans ??= new Map();
              pending.nans.set(
                String(kind === LIST ? index : key),
                Buffer.from(b.subarray(p - 8, p)),
              );
            }
          }
          value = float;
          if (cell !== null) {
            this.#floatCells ??= new Set();
            this.#floatCells.add(cell);
          }
          noteFloat(kind, shape, kind === LIST ? index : key);
          break;
        }
        case F.NEGATIVE8:
        case F.POSITIVE16:
        case F.NEGATIVE16:
        case F.POSITIVE32:
        case F.NEGATIVE32:
        case F.POSITIVE64:
        case F.NEGATIVE64:
          this.#pos = p;
          value = this.#integer(type, from, depth, key);
          p = this.#pos;
          break;
        case F.ARRAY16:
          count = p + 2 <= end ? b.readUInt16BE(p) : end;
          p += 2;
          opened = true;
          break;
        case F.ARRAY32:
          count = p + 4 <= end ? b.readUInt32BE(p) : end;
          p += 4;
          opened = true;
          break;
        case F.OBJECT8:
        case F.OBJECT16:
        case F.OBJECT32:
        case F.OBJECT_ID8:
        case F.OBJECT_ID16:
        case F.OBJECT_ID32: {
          this.#pos = p;
          className = this.#className(type, from, depth, key);
          p = this.#pos;
          const body = b[p++];
          if (body === F.ARRAY8 && p < end) {
            count = b[p++]!;
          } else if (body === F.ARRAY16 && p + 2 <= end) {
            count = b.readUInt16BE(p);
            p += 2;
          } else if (body === F.ARRAY32 && p + 4 <= end) {
            count = b.readUInt32BE(p);
            p += 4;
          } else {
            this.#pos = p;
            value = this.#otherBody(body, className, from, depth, key);
            isNoted = true;
            p = this.#pos;
            if (cell !== null) cell.value = value;
            ids.push(cell ?? value);
            break;
          }
          opened = true;
          break;
        }
        case F.REF8:
        case F.REF16:
        case F.REF32:
        case F.OBJECT_REF8:
        case F.OBJECT_REF16:
        case F.OBJECT_REF32: {
          this.#pos = p;
          const target = this.#target(type, from, depth, key);
          p = this.#pos;
          value = target instanceof Cell ? target.value : target;
          if (target instanceof Cell && cell !== null) {
            // Another holder of the same reference.
            cell = target;
            if (this.#floatCells?.has(cell)) noteFloat(kind, shape, kind === LIST ? index : key);
            if (Array.isArray(value) && this.#isOpen(depth, ownId)) this.#openPointedAt = true;
            isNoted = typeof value === 'object' && value !== null && !isArrayValue(value);
          } else {
            if (cell !== null) cell.value = value;
            if (isArrayValue(value)) {
              // PHP knows the array of a reference by the reference alone.
              if (target instanceof Cell) {
                throw this.#reference(from, 'a reference to an array without its mark', depth, key);
              }
              if (this.#isOpen(depth, ownId)) {
                // An array whose only name is inside of it: PHP writes that, too.
                this.#recursive ??= new Set();
                this.#recursive.add(value);
                this.#openPointedAt = true;
                isNoted = true;
              } else {
                value = this.#copy(value);
                isNoted = getNotes(value as object) !== undefined;
              }
              // PHP never marks an array as a reference that it shares otherwise.
              cell = null;
            } else {
              isNoted = isObjectValue(value);
            }
          }
          break;
        }
        case F.CELL:
          // Two marks are one. A reference needs a variable that holds it: the top has none.
          if (p >= end) throw this.#syntax(from, 'a value is missing', depth, key);
          if (container !== null) cell ??= new Cell(undefined);
          else if (this.#isSession) {
            throw this.#syntax(from, 'the session is no array of variables', depth, key);
          }
          continue;
        case F.STRING16:
        case F.STRING32:
        case F.STRING64: {
          this.#pos = p;
          const length = this.#length(type, from, depth, key);
          value = strings.addValue(this.#pos, length);
          p = this.#pos + length;
          break;
        }
        case F.STRING_ID16:
        case F.STRING_ID32:
          this.#pos = p;
          value = strings.value(this.#stringId(type, from, depth, key));
          p = this.#pos;
          break;
        default:
          throw this.#syntax(
            from,
            type === undefined ? 'a value is missing' : `unknown type ${hex(type)}`,
            depth,
            key,
          );
      }

      if (opened) {
        // Each pair takes at least two bytes, a placeholder one: PHP's own check before it allocates.
        if (count > end - p) throw this.#syntax(from, 'more elements than bytes', depth, key);
        this.#elements -= count;
        if (this.#elements < 0) throw this.#tooMuch('elements', from, depth, key);
        let made: object;
        if (className !== null) {
          made = Object.create(PhpObject.prototype) as object;
        } else if (container === null && this.#isSession) {
          made = {};
        } else if (
          count === 0 ||
          (b[p] === F.POSITIVE8 && b[p + 1] === 0 && !(this.#careful && this.#demoted.has(from)))
        ) {
          made = count > 0 && count <= PRESIZE ? new Array(count) : [];
        } else {
          made = {};
        }
        if (cell !== null) cell.value = made;
        ids.push(cell ?? made);
        value = made;
        if (count > 0 || className !== null || (container === null && this.#isSession)) {
          if (depth >= maxDepth && maxDepth > 0) throw this.#tooMuch('depth', from, depth, key);
          const base = depth * FIELDS;
          if (base + FIELDS > stackNumbers.length) growStack();
          const saved = stackNumbers;
          saved[base] = kind;
          saved[base + 1] = left;
          saved[base + 2] = index;
          saved[base + 3] = floatMark;
          saved[base + 4] = kidMark;
          saved[base + 5] = orderMark;
          saved[base + 6] = loose;
          saved[base + 7] = start;
          saved[base + 8] = ownId;
          stackContainers[depth] = container;
          stackKeys[depth] = key;
          stackShapes[depth] = shape;
          stackCells[depth] = cell;
          depth++;
          container = made as Record<Key, unknown>;
          left = count;
          index = 0;
          floatMark = marks.floatKeys.length;
          kidMark = marks.kids.length;
          orderMark = -1;
          loose = 0;
          start = from;
          ownId = ids.length - 1;
          cell = null;
          shape = null;
          if (className !== null) {
            kind = OBJECT;
            const expected = this.#careful ? null : expectedLayout(className);
            if (expected !== null && expected.names.length === count) {
              shape = expected;
              setNotes(made, expected.plain);
            } else {
              shape = new ObjectBuilder(made as PhpObject, className, this);
            }
          } else {
            kind = Array.isArray(made) ? LIST : MAP;
          }
        } else {
          // PHP's empty arrays are all one; one that is not shows that it was emptied later.
          if (cell === null) {
            if (this.#firstEmpty === null) {
              this.#firstEmpty = made;
            } else {
              setNotes(made, makeNotes({ body: {} }));
              isNoted = true;
            }
          }
          opened = false;
        }
      }

      if (!opened) {
        // A value is complete: store it.
        if (cell !== null) {
          if (cell.value === undefined) {
            cell.value = value;
            ids.push(cell);
          }
          this.#hold(container as object, kind === LIST ? index : key, shape, cell);
          cell = null;
        }
        if (kind === LIST) {
          (container as unknown as unknown[])[index++] = value;
        } else if (kind === TOP) {
          this.#pos = p;
          return value;
        } else if (shape !== null && (kind === MAP || shape instanceof ObjectBuilder)) {
          if (kind === MAP) (shape as HiddenSlot).value = value;
          else (shape as ObjectBuilder).store(value);
          if (kind === MAP) shape = null;
        } else if (isPerilous(key)) {
          define(container as object, key, value);
        } else {
          (container as Record<Key, unknown>)[key] = value;
        }
        if (isNoted && !(shape instanceof ObjectBuilder)) {
          marks.kidKeys.push(kind === LIST ? index - 1 : key);
          marks.kids.push(value as object);
        }
        left--;
      }

      for (;;) {
        if (left === 0) {
          const done = container as object;
          let noted = kind === OBJECT;
          if (kind === LIST) {
            if ((done as unknown[]).length > index) (done as unknown[]).length = index;
            if (marks.floatKeys.length > floatMark || marks.kids.length > kidMark) {
              closeList(done as unknown[], marks, floatMark, kidMark);
              noted = true;
            }
          } else if (kind === MAP) {
            if (
              marks.floatKeys.length > floatMark ||
              marks.kids.length > kidMark ||
              orderMark >= 0
            ) {
              if (
                !closeMap(done, index, marks, floatMark, kidMark, orderMark, loose, this.#careful)
              ) {
                this.#needsAgain = true;
              }
              noted = true;
            }
          } else if (shape instanceof ObjectBuilder) {
            shape.finish();
          } else if (marks.floatKeys.length > floatMark || marks.kids.length > kidMark) {
            setNotes(done, objectNotes(shape as Layout, marks, floatMark, kidMark));
          }
          if (this.#cells !== null || this.#pending !== null || this.#recursive !== null) {
            noted = this.#finish(done) || noted;
          }
          depth--;
          const base = depth * FIELDS;
          const saved = stackNumbers;
          kind = saved[base]!;
          left = saved[base + 1]!;
          index = saved[base + 2]!;
          floatMark = saved[base + 3]!;
          kidMark = saved[base + 4]!;
          orderMark = saved[base + 5]!;
          loose = saved[base + 6]!;
          start = saved[base + 7]!;
          ownId = saved[base + 8]!;
          container = stackContainers[depth] as Record<Key, unknown> | null;
          key = stackKeys[depth]!;
          shape = stackShapes[depth]!;
          const held = stackCells[depth]!;
          stackContainers[depth] = null;
          stackShapes[depth] = null;
          stackCells[depth] = null;
          if (held !== null) {
            held.value = done;
            this.#hold(container as object, kind === LIST ? index : key, shape, held);
          }
          if (kind === TOP) {
            this.#pos = p;
            return done;
          }
          if (kind === LIST) {
            (container as unknown as unknown[])[index++] = done;
            if (noted) {
              marks.kidKeys.push(index - 1);
              marks.kids.push(done);
            }
          } else if (shape !== null && (kind === MAP || shape instanceof ObjectBuilder)) {
            if (kind === MAP) (shape as HiddenSlot).value = done;
            else (shape as ObjectBuilder).store(done);
            if (kind === MAP) shape = null;
          } else {
            if (isPerilous(key)) define(container as object, key, done);
            else (container as Record<Key, unknown>)[key] = done;
            if (noted) {
              marks.kidKeys.push(key);
              marks.kids.push(done);
            }
          }
          left--;
          continue;
        }

        // The next key.
        const keyType = b[p++];
        const at = p - 1;
        let text: string;
        let keyKind: number;
        if (keyType === F.POSITIVE8) {
          const n = b[p++];
          if (n === undefined) throw this.#syntax(at, 'a number is cut off', depth, undefined);
          if (kind === LIST && n === index) {
            key = n;
            break;
          }
          key = n;
          text = '';
          keyKind = 0;
        } else if (keyType === F.STRING8) {
          const length = b[p]!;
          p += 1 + length;
          if (!(p <= end)) throw this.#syntax(at, 'a string is cut off', depth, undefined);
          text = strings.addKey(p - length, length);
          keyKind = strings.keyKind(strings.texts.length - 1);
          key = text;
        } else if (keyType === F.STRING_ID8) {
          const id = b[p++]!;
          if (!(id < strings.texts.length)) {
            throw this.#reference(at, 'a string id that was not given', depth, undefined);
          }
          strings.isWatching = false;
          keyKind = strings.keyKind(id);
          text = strings.key(id);
          key = text;
        } else if (keyType === F.NULL) {
          // A declared property without a value; in an array the pair is absent.
          if (kind === OBJECT) {
            if (!(shape instanceof ObjectBuilder)) {
              shape = ObjectBuilder.instead(
                container as PhpObject,
                shape as Layout,
                index,
                marks,
                floatMark,
                kidMark,
                this,
              );
            }
            const { placeholders } = this.#pendingOf(container as object);
            const place = index + (placeholders?.length ?? 0);
            if (placeholders) placeholders.push(place);
            else this.#pendingOf(container as object).placeholders = [place];
          }
          left--;
          continue;
        } else {
          this.#pos = p;
          const read = this.#otherKey(keyType, at, depth);
          p = this.#pos;
          if (typeof read === 'object') {
            text = read.text;
            keyKind = read.kind;
            key = text;
          } else if (kind === LIST && read === index) {
            key = index;
            break;
          } else {
            key = read;
            text = '';
            keyKind = 0;
          }
        }

        if (
          this.#cells !== null &&
          kind !== OBJECT &&
          keyKind !== INDEX_KEY &&
          keyKind !== INTEGER_KEY &&
          this.#cells.has(container as object, key) &&
          (keyKind !== 0 || !this.#pending?.get(container as object)?.stringKeys?.has(String(key)))
        ) {
          // PHP does not write a key twice, and what it makes of the reference is chance.
          throw this.#syntax(at, 'a reference under a repeated key', depth, undefined);
        }
        if (kind === OBJECT) {
          if (keyKind === 0) text = String(key);
          if (!(shape instanceof ObjectBuilder)) {
            const layout = shape as Layout;
            const expected = mangledNames(layout)[index];
            if (keyKind !== 0 && text === expected) {
              key = layout.names[index++]!;
              break;
            }
            shape = ObjectBuilder.instead(
              container as PhpObject,
              layout,
              index,
              marks,
              floatMark,
              kidMark,
              this,
            );
          }
          index++;
          if (keyKind === 0) {
            shape.property(text, INT_KEY);
            key = text;
          } else {
            const { name, scope } = unmangle(text);
            shape.property(name, scope);
            key = name;
          }
          break;
        }
        if (kind === LIST) {
          // Not a list after all.
          if (this.#openPointedAt) this.#needsAgain = true;
          this.#demoted.add(start);
          const list = container as unknown as unknown[];
          const map: Record<Key, unknown> = {};
          orderMark = marks.order.length;
          for (let i = 0; i < index; i++) {
            map[i] = list[i];
            marks.order.push(i);
          }
          this.#move(list, map, ownId);
          container = map;
          kind = MAP;
        }
        if (depth === 1 && this.#only !== null && !this.#only.has(String(key))) {
          const levels = maxDepth > 0 ? maxDepth - 1 : Number.MAX_SAFE_INTEGER;
          p = skipIgbinary(b, p, strings.texts, ids, levels);
          left--;
          continue;
        }
        index++;
        if (keyKind === INDEX_KEY || keyKind === INTEGER_KEY || keyKind === 0) {
          shape = this.#integerLikeKey(container as object, key, keyKind);
          if (shape !== null) {
            index--;
            if (orderMark < 0) {
              orderMark = marks.order.length;
              for (const name of Object.keys(container as object)) marks.order.push(name);
              loose |= 1;
            }
            marks.order.push(shape as unknown as Key);
            break;
          }
          if (keyKind === INDEX_KEY) key = Number(text);
          else if (keyKind === 0 && (key as number) < 0) key = String(key);
        }
        // Note PHP's order as soon as JavaScript would sort a key.
        if (typeof key === 'number') {
          if (orderMark < 0) {
            orderMark = marks.order.length;
            if (index > 1) {
              for (const name of Object.keys(container as object)) marks.order.push(name);
              loose |= 1;
            }
          } else {
            const before = marks.order[marks.order.length - 1];
            if (!(typeof before === 'number' && before < key)) loose |= 1;
          }
          marks.order.push(key);
        } else if (orderMark >= 0) {
          marks.order.push(key);
          loose |= 1;
        }
        if (this.#careful && Object.hasOwn(container as object, key)) {
          // A repeated key: the last value in the first one's place, and no longer a reference.
          this.#cells?.release(container as object, key);
          marks.floatKeys.push(key);
          marks.floatTexts.push(REPEATED);
          marks.kidKeys.push(key);
          marks.kids.push(REPEATED_KID);
          loose |= 2;
        }
        break;
      }
    }
  }

  /** The integers that are not a single positive byte. */
  #integer(type: number, from: number, depth: number, key: Key | undefined): number | bigint {
    const b = this.#b;
    const p = this.#pos;
    const width =
      type === F.NEGATIVE8
        ? 1
        : type === F.POSITIVE16 || type === F.NEGATIVE16
          ? 2
          : type === F.POSITIVE32 || type === F.NEGATIVE32
            ? 4
            : 8;
    if (p + width > b.length) throw this.#syntax(from, 'a number is cut off', depth, key);
    this.#pos = p + width;
    const negative = type === F.NEGATIVE64 || (type !== F.POSITIVE64 && (type & 1) === 1);
    if (width < 8) {
      const size = b.readUIntBE(p, width);
      return negative ? 0 - size : size;
    }
    const size = b.readBigUInt64BE(p);
    // PHP warns and reads 0: no value is better than a wrong one.
    if (size > (negative ? 1n << 63n : (1n << 63n) - 1n)) {
      throw this.#syntax(from, 'an integer of more than 64 bits', depth, key);
    }
    if (size <= 9007199254740991n) return negative ? 0 - Number(size) : Number(size);
    return negative ? -size : size;
  }

  /** The length of a string whose type byte was read; `#pos` is then at its bytes. */
  #length(type: number, from: number, depth: number, key: Key | undefined): number {
    const b = this.#b;
    const p = this.#pos;
    const width =
      type === F.STRING64
        ? 8
        : type === F.STRING8 || type === F.OBJECT8 || type === F.PAYLOAD8
          ? 1
          : type === F.STRING16 || type === F.OBJECT16 || type === F.PAYLOAD16
            ? 2
            : 4;
    let length = b.length;
    if (p + width <= b.length) {
      length = width === 8 ? Number(b.readBigUInt64BE(p)) : b.readUIntBE(p, width);
    }
    if (length > b.length - p - width) throw this.#syntax(from, 'a string is cut off', depth, key);
    this.#pos = p + width;
    return length;
  }

  /** An id of 8, 16 or 32 bits; `narrow` is the type with 8. */
  #id(type: number, narrow: number, from: number, depth: number, key: Key | undefined): number {
    const width = type === narrow ? 1 : type === narrow + 1 ? 2 : 4;
    const p = this.#pos;
    if (p + width > this.#b.length) throw this.#syntax(from, 'an id is cut off', depth, key);
    this.#pos = p + width;
    return this.#b.readUIntBE(p, width);
  }

  #stringId(type: number, from: number, depth: number, key: Key | undefined): number {
    const narrow = type >= F.OBJECT_ID8 ? F.OBJECT_ID8 : F.STRING_ID8;
    const id = this.#id(type, narrow, from, depth, key);
    // The names of classes are pointed at in any case.
    if (narrow === F.STRING_ID8) this.#strings.isWatching = false;
    if (id < this.#strings.texts.length) return id;
    throw this.#reference(from, 'a string id that was not given', depth, key);
  }

  #className(type: number, from: number, depth: number, key: Key | undefined): string {
    if (type >= F.OBJECT_ID8) return this.#strings.key(this.#stringId(type, from, depth, key));
    const length = this.#length(type, from, depth, key);
    const id = this.#strings.addName(this.#pos, length);
    this.#pos += length;
    return this.#strings.key(id);
  }

  /** What else stands behind a class name: a `Serializable` payload or an enum case. */
  #otherBody(
    body: number | undefined,
    className: string,
    from: number,
    depth: number,
    key: Key | undefined,
  ): PhpEnum | PhpSerializedObject {
    if (body === F.PAYLOAD8 || body === F.PAYLOAD16 || body === F.PAYLOAD32) {
      const length = this.#length(body, from, depth, key);
      const start = this.#pos;
      this.#pos += length;
      const copy = Buffer.allocUnsafeSlow(length);
      this.#b.copy(copy, 0, start, this.#pos);
      return new PhpSerializedObject(className, copy);
    }
    if (body === F.ENUM_CASE) {
      const type = this.#b[this.#pos++];
      if (type === F.STRING8 || type === F.STRING16 || type === F.STRING32) {
        const length = this.#length(type, from, depth, key);
        const id = this.#strings.addName(this.#pos, length);
        this.#pos += length;
        if (length > 0) return new PhpEnum(className, this.#strings.key(id));
      } else if (type === F.STRING_ID8 || type === F.STRING_ID16 || type === F.STRING_ID32) {
        const name = this.#strings.key(this.#stringId(type, from, depth, key));
        return new PhpEnum(className, name);
      }
      throw this.#syntax(from, 'an enum case without its name', depth, key);
    }
    throw this.#syntax(from, 'an object without a body', depth, key);
  }

  /** What a back-reference points at. */
  #target(type: number, from: number, depth: number, key: Key | undefined): unknown {
    const id = this.#id(type, type >= F.OBJECT_REF8 ? F.OBJECT_REF8 : F.REF8, from, depth, key);
    if (id >= this.#ids.length) {
      throw this.#reference(from, 'a back-reference to nothing', depth, key);
    }
    const target = this.#ids[id];
    if (target === PASSED_OVER) throw AGAIN;
    this.#targetId = id;
    return target;
  }

  /** Is the target of the last back-reference a container that is not yet complete? */
  #isOpen(depth: number, ownId: number): boolean {
    const id = this.#targetId;
    if (id === ownId) return true;
    // The ids of open containers ascend; the innermost one is not on the stack.
    let low = 1;
    let high = depth - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const open = stackNumbers[middle * FIELDS + 8]!;
      if (open === id) return true;
      if (open < id) low = middle + 1;
      else high = middle - 1;
    }
    return false;
  }

  /** An array that PHP shares: a container of its own that can be written as shared again. */
  #copy(original: object): object {
    if (original === this.#firstEmpty) return [];
    return copyOfBody(original, this.#budget);
  }

  #otherKey(
    type: number | undefined,
    at: number,
    depth: number,
  ): number | string | { readonly text: string; readonly kind: number } {
    switch (type) {
      case F.NEGATIVE8:
      case F.POSITIVE16:
      case F.NEGATIVE16:
      case F.POSITIVE32:
      case F.NEGATIVE32:
      case F.POSITIVE64:
      case F.NEGATIVE64: {
        const number = this.#integer(type, at, depth, undefined);
        // An array index to JavaScript, or a name like any other.
        return number >= 0 && number < 4294967295 ? Number(number) : String(number);
      }
      case F.STRING_EMPTY:
        return { text: '', kind: PLAIN_KEY };
      case F.STRING16:
      case F.STRING32: {
        const length = this.#length(type, at, depth, undefined);
        const text = this.#strings.addKey(this.#pos, length);
        this.#pos += length;
        return { text, kind: this.#strings.keyKind(this.#strings.texts.length - 1) };
      }
      case F.STRING_ID16:
      case F.STRING_ID32: {
        const id = this.#stringId(type, at, depth, undefined);
        return { text: this.#strings.key(id), kind: this.#strings.keyKind(id) };
      }
      default:
        throw this.#syntax(
          at,
          type === undefined ? 'a key is missing' : `a key of type ${hex(type)}`,
          depth,
          undefined,
        );
    }
  }

  /**
   * igbinary keeps an integer key and a string key of the same text apart: the first one is seen,
   * the other one stays hidden. Returns the hidden slot, if that is what the key is.
   */
  #integerLikeKey(container: object, key: Key, keyKind: number): HiddenSlot | null {
    const name = String(key);
    const strings = this.#pending?.get(container)?.stringKeys;
    if (keyKind === 0) {
      if (!strings?.has(name)) return null;
    } else if (!Object.hasOwn(container, name)) {
      const pending = this.#pendingOf(container);
      pending.stringKeys ??= new Set();
      pending.stringKeys.add(name);
      return null;
    } else if (strings?.has(name)) {
      return null;
    }
    const scope = keyKind === 0 ? INT_KEY : null;
    return { name, scope, value: null, float: false, floatText: null, cell: null };
  }

  #pendingOf(container: object): Pending {
    this.#pending ??= new Map();
    let pending = this.#pending.get(container);
    if (pending === undefined) {
      pending = {};
      this.#pending.set(container, pending);
    }
    return pending;
  }

  #hold(
    container: object,
    key: Key,
    shape: Layout | ObjectBuilder | HiddenSlot | null,
    cell: Cell,
  ): void {
    this.#holders ??= new Map();
    this.#holders.set(cell, (this.#holders.get(cell) ?? 0) + 1);
    this.#cells ??= new OpenCells();
    if (shape instanceof ObjectBuilder && shape.hold(cell)) {
      this.#cells.holdHidden(container);
    } else if (shape !== null && 'cell' in shape) {
      shape.cell = cell;
      this.#cells.holdHidden(container);
    } else {
      this.#cells.hold(container, key, cell);
    }
  }

  releaseFrom(object: object, key: Key): Cell | null {
    return this.#cells?.release(object, key) ?? null;
  }

  /** A list became a map: everything that knew the list must know the map. */
  #move(list: object, map: object, id: number): void {
    const known = this.#ids[id];
    if (known instanceof Cell) known.value = map;
    else this.#ids[id] = map;
    this.#cells?.move(list, map);
    const pending = this.#pending?.get(list);
    if (pending !== undefined) this.#pending?.set(map, pending);
  }

  /** Writes references and igbinary's own notes into the notes of a complete container. */
  #finish(container: object): boolean {
    const isHolder = this.#cells?.note(container) === true;
    const pending = this.#pending?.get(container);
    if (pending !== undefined) noteIgbinary(container, pending);
    const isRecursive = this.#recursive?.has(container) === true;
    if (isRecursive) setNotes(container, makeNotes({ ...getNotes(container), body: {} }));
    return isHolder || pending !== undefined || isRecursive;
  }

  /** PHP marks a reference also if its other holders are not in the session. */
  #noteLoneCells(): void {
    if (this.#cells === null) return;
    for (const [container, cells] of this.#cells) {
      const notes = getNotes(container);
      // A list that became a map has none.
      if (notes === undefined) continue;
      const places: string[] = [];
      for (const [key, cell] of cells) if (this.#isLone(cell)) places.push(key);
      for (const slot of notes.order ?? []) {
        if (typeof slot === 'object' && this.#isLone(slot.cell)) places.push(hiddenPlace(slot));
      }
      if (places.length === 0) continue;
      const pending = this.#pendingOf(container);
      pending.loneCells = new Set(places);
      noteIgbinary(container, pending);
    }
  }

  #isLone(cell: Cell | null): boolean {
    return cell !== null && this.#holders?.get(cell) === 1;
  }

  #syntax(at: number, what: string, depth: number, key: Key | undefined): CodecError {
    return this.#error('ERR_PSB_CODEC_SYNTAX', what, at, depth, key);
  }

  #reference(at: number, what: string, depth: number, key: Key | undefined): CodecError {
    return this.#error('ERR_PSB_CODEC_REFERENCE', what, at, depth, key);
  }

  #tooMuch(what: 'depth' | 'elements', at: number, depth: number, key: Key): CodecError {
    const { maxDepth, maxElements } = this.#limits;
    const limit =
      what === 'depth' ? `deeper than ${maxDepth} levels` : `more than ${maxElements} elements`;
    return this.#error('ERR_PSB_CODEC_LIMIT', limit, at, depth, key);
  }

  #error(
    code: 'ERR_PSB_CODEC_SYNTAX' | 'ERR_PSB_CODEC_REFERENCE' | 'ERR_PSB_CODEC_LIMIT',
    what: string,
    offset: number,
    depth: number,
    key: Key | undefined,
  ): CodecError {
    const keys = stackKeys.slice(1, depth);
    if (key !== undefined && depth > 0) keys.push(key);
    const path = keys.length > 0 && keys.length <= 64 ? joinPath(keys) : undefined;
    return new CodecError(code, `igbinary: ${what} at byte ${offset}`, { offset, path });
  }
}

/** Reads the one value of a blob, plain or not. */
export function readBlob(bytes: Buffer, options: IgbinaryReadOptions): IgbinaryValue {
  checkHeader(bytes);
  return readPlain(bytes, options) ?? IgbinaryReader.read(bytes, options);
}

function checkHeader(bytes: Buffer): void {
  const version = bytes.length >= F.HEADER_LENGTH ? bytes.readUInt32BE(0) : -1;
  if (bytes.length > F.HEADER_LENGTH && (version === 1 || version === F.HEADER)) return;
  throw new CodecError(
    'ERR_PSB_CODEC_SYNTAX',
    'igbinary: the bytes do not begin with the header of format 2 or 1',
    { offset: 0 },
  );
}

/** The value of this slot is a float, whole or not. */
function noteFloat(
  kind: number,
  shape: Layout | ObjectBuilder | HiddenSlot | null,
  key: Key,
): void {
  if (shape !== null && kind === OBJECT && shape instanceof ObjectBuilder) {
    shape.float(null);
  } else if (shape !== null && kind === MAP) {
    (shape as HiddenSlot).float = true;
  } else {
    marks.floatKeys.push(key);
    marks.floatTexts.push(null);
  }
}

function isArrayValue(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return !isObjectValue(value) && !Buffer.isBuffer(value);
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}

function reset(): void {
  stackContainers.length = 0;
  stackShapes.length = 0;
  stackCells.length = 0;
  clearMarks(marks);
}

function growStack(): void {
  const larger = new Int32Array(stackNumbers.length * 2);
  larger.set(stackNumbers);
  stackNumbers = larger;
}
