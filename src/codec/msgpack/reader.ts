/**
 * The reader of msgpack as PHP's extension writes it: one loop with an explicit stack. Ids are
 * counted by the extension's writer; its own reader counts otherwise and then mistakes what some
 * ids mean, which is no reason to do the same.
 */
import { CodecError } from '../../errors.ts';
import { BlobText } from '../blob-text.ts';
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
import { INDEX, keyKinds, keySlot, keyTexts } from '../key-cache.ts';
import { expectedLayout, unmangle } from '../layouts.ts';
import { mangledNames } from '../mangled-names.ts';
import {
  type Cell,
  getNotes,
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
import { MsgpackCell, type MsgpackNotes, noteMsgpack } from './msgpack-notes.ts';
import { skipMsgpack, taken } from './skip.ts';

export interface MsgpackReadOptions {
  readonly maxDepth: number;
  readonly maxElements: number;
  /** The root is the session variables: always a plain object. */
  readonly isSession?: boolean;
  /** The session variables that are wanted; the others are passed over. */
  readonly only?: ReadonlySet<string> | null | undefined;
}

export interface MsgpackValue {
  readonly value: unknown;
  /** Where the value ends. */
  readonly end: number;
}

/** Thrown where nothing may be passed over after all. */
const AGAIN = Symbol('again');

const TOP = 0;
/** An array: its keys are not written. */
const SEQUENCE = 1;
/** A map with the keys of a list so far. */
const LIST = 2;
const MAP = 3;
const OBJECT = 4;
/** An object whose `__serialize` returned a list. */
const SEQUENCE_OBJECT = 5;

const PRESIZE = 64;
const FIELDS = 9;
const NAN_HIGH = 0x7ff80000;

let stackNumbers = new Int32Array(64 * FIELDS);
const stackContainers: (object | null)[] = [];
const stackKeys: Key[] = [];
const stackShapes: (Layout | ObjectBuilder | null)[] = [];
const stackCells: (MsgpackCell | null)[] = [];
const marks = makeMarks();

const doubleBytes = new Uint8Array(8);
const doubleValue = new Float64Array(doubleBytes.buffer);
const doubleWords = new Uint32Array(doubleBytes.buffer);

/** What the first pass found out for the second one. */
interface Findings {
  /** Positions of maps that begin like lists and are none. */
  readonly demoted: Set<number>;
  /** Ids of arrays that turned out to be references, though nothing marks them. */
  readonly referenced: Set<number>;
}

interface Pending extends MsgpackNotes {
  wrapped?: boolean;
  nans?: Map<string, Buffer>;
}

export class MsgpackReader implements Holders {
  readonly #b: Buffer;
  readonly #options: MsgpackReadOptions;
  readonly #text: BlobText;
  /** In the second pass what the first one found, and repeated keys are looked for. */
  readonly #careful: boolean;
  readonly #findings: Findings;
  /** Containers, objects and references by id; the first id is 1. */
  readonly #ids: unknown[] = [null];
  #elements: number;
  #cells: OpenCells | null = null;
  #objectCells: Map<object, MsgpackCell> | null = null;
  #pending: Map<object, Pending> | null = null;
  #openPointedAt = false;
  #needsAgain = false;
  #rootPointedAt = false;
  /** What was passed over is needed after all. */
  #isPartial = false;
  #targetId = 0;
  #pos = 0;

  constructor(bytes: Buffer, options: MsgpackReadOptions, findings: Findings | null) {
    this.#b = bytes;
    this.#options = options;
    this.#text = new BlobText(bytes);
    this.#careful = findings !== null;
    this.#findings = findings ?? { demoted: new Set(), referenced: new Set() };
    this.#elements = options.maxElements;
  }

  /** Reads the one value of a blob. */
  static read(bytes: Buffer, options: MsgpackReadOptions): MsgpackValue {
    const first = new MsgpackReader(bytes, options, null);
    try {
      const value = first.#value();
      if (!first.#needsAgain) return { value, end: first.#pos };
    } catch (error) {
      if (error !== AGAIN) throw error;
      first.#isPartial = true;
    } finally {
      reset();
    }
    if (first.#isPartial) return MsgpackReader.read(bytes, { ...options, only: null });
    const second = new MsgpackReader(bytes, options, first.#findings);
    try {
      return { value: second.#value(), end: second.#pos };
    } catch (error) {
      if (error !== AGAIN) throw error;
    } finally {
      reset();
    }
    return MsgpackReader.read(bytes, { ...options, only: null });
  }

  #value(): unknown {
    const b = this.#b;
    const end = b.length;
    const ids = this.#ids;
    const text = this.#text;
    const only = this.#options.only ?? null;
    const maxDepth = Math.min(this.#options.maxDepth || F.MAX_DEPTH, F.MAX_DEPTH);
    let p = 0;
    let depth = 0;
    let kind = TOP;
    let container: Record<Key, unknown> | unknown[] | null = null;
    let left = 0;
    let index = 0;
    let key: Key = '';
    let shape: Layout | ObjectBuilder | null = null;
    let floatMark = 0;
    let kidMark = 0;
    let orderMark = -1;
    let loose = 0;
    let start = 0;
    let ownId = 0;
    let value: unknown;

    for (;;) {
      const from = p;
      const type = b[p++];
      let cell: MsgpackCell | null = null;
      let isNoted = false;
      // 0: no container, else the kind of what was opened.
      let opened = TOP;
      let count = 0;
      let className: string | null = null;
      let wrapped = false;

      if (type === undefined) throw this.#syntax(from, 'a value is missing', depth, key);
      if (type < 0x80) {
        value = type;
      } else if (type < 0x90) {
        count = type & 15;
        opened = MAP;
      } else if (type < 0xa0) {
        count = type & 15;
        opened = SEQUENCE;
      } else if (type < 0xc0) {
        const length = type & 31;
        p += length;
        if (!(p <= end)) throw this.#syntax(from, 'a string is cut off', depth, key);
        value = text.at(p - length, length);
      } else if (type >= 0xe0) {
        value = type - 256;
      } else if (type === F.NIL) {
        value = null;
      } else if (type === F.FALSE || type === F.TRUE) {
        value = type === F.TRUE;
      } else if (type === F.FLOAT64 || type === F.FLOAT32) {
        const width = type === F.FLOAT64 ? 8 : 4;
        if (p + width > end) throw this.#syntax(from, 'a number is cut off', depth, key);
        let float: number;
        if (width === 8) {
          for (let i = 7; i >= 0; i--) doubleBytes[i] = b[p++]!;
          float = doubleValue[0]!;
          if (Number.isNaN(float) && (doubleWords[1] !== NAN_HIGH || doubleWords[0] !== 0)) {
            if (container !== null) {
              const pending = this.#pendingOf(container);
              pending.nans ??= new Map();
              pending.nans.set(
                String(kind <= LIST ? index : key),
                Buffer.from(b.subarray(p - 8, p)),
              );
            }
          }
        } else {
          float = b.readFloatBE(p);
          p += 4;
        }
        value = float;
        if (shape instanceof ObjectBuilder) {
          shape.float(null);
        } else {
          marks.floatKeys.push(kind <= LIST ? index : key);
          marks.floatTexts.push(null);
        }
      } else if (type >= F.UINT8 && type <= F.INT64) {
        this.#pos = p;
        value = this.#integer(type, from, depth, key);
        p = this.#pos;
      } else if (type === F.ARRAY16 || type === F.MAP16) {
        count = p + 2 <= end ? b.readUInt16BE(p) : end;
        p += 2;
        opened = type === F.MAP16 ? MAP : SEQUENCE;
      } else if (type === F.ARRAY32 || type === F.MAP32) {
        count = p + 4 <= end ? b.readUInt32BE(p) : end;
        p += 4;
        opened = type === F.MAP32 ? MAP : SEQUENCE;
      } else {
        this.#pos = p;
        value = this.#rare(type, from, depth, key);
        p = this.#pos;
      }

      if (opened === MAP && count === 0) {
        // PHP's extension makes a stdClass of it: its own empty arrays are lists.
        if (container === null && this.#options.isSession) {
          throw this.#syntax(from, 'the session is no array of variables', depth, key);
        }
        className = 'stdClass';
        opened = OBJECT;
      } else if (opened === MAP && b[p] === F.NIL) {
        const what = b[p + 1];
        p += 2;
        count--;
        if (what === F.MARK_REFERENCE) {
          if (container !== null || this.#options.isSession) cell = new MsgpackCell(undefined);
          if (count > 0 && b[p] === F.NIL) {
            p++;
            count--;
            this.#pos = p;
            className = this.#name(from, depth, key);
            p = this.#pos;
            opened = OBJECT;
          }
        } else if (
          what === F.MARK_ARRAY ||
          what === F.MARK_OBJECT ||
          what === F.MARK_OBJECT_REFERENCE
        ) {
          if (count !== 1 || b[p] !== 0) throw this.#syntax(from, 'a bad mark', depth, key);
          this.#pos = p + 1;
          const target = this.#target(from, depth, key);
          p = this.#pos;
          opened = TOP;
          if (what === F.MARK_ARRAY) {
            if (isObjectValue(target)) {
              throw this.#reference(from, 'the id of an object for an array', depth, key);
            }
            if (target instanceof MsgpackCell) {
              cell = target;
            } else {
              // Nothing marked it: it becomes a reference in a second pass.
              this.#findings.referenced.add(this.#targetId);
              this.#needsAgain = true;
            }
            value = target instanceof MsgpackCell ? target.value : target;
            if (Array.isArray(value)) this.#openPointedAt = true;
            if (isObjectValue(value)) {
              throw this.#reference(from, 'the id of an object for an array', depth, key);
            }
          } else {
            value = target instanceof MsgpackCell ? target.value : target;
            if (!isObjectValue(value)) {
              throw this.#reference(from, 'the id of an array for an object', depth, key);
            }
            if (what === F.MARK_OBJECT) {
              ids.push(value);
            } else {
              cell = target instanceof MsgpackCell ? target : this.#cellOf(value);
            }
            isNoted = isObjectValue(value);
          }
        } else if (what === F.MARK_PAYLOAD) {
          if (count !== 1) throw this.#syntax(from, 'a bad mark', depth, key);
          this.#pos = p;
          value = this.#payload(from, depth, key);
          isNoted = true;
          p = this.#pos;
          ids.push(value);
          opened = TOP;
        } else if (what === F.MARK_ENUM) {
          if (count !== 1) throw this.#syntax(from, 'a bad mark', depth, key);
          this.#pos = p;
          value = this.#enumCase(from, depth, key);
          isNoted = true;
          p = this.#pos;
          ids.push(value);
          opened = TOP;
        } else {
          this.#pos = p - 1;
          className = this.#name(from, depth, key);
          p = this.#pos;
          opened = OBJECT;
        }
        if (className !== null && count === 1 && b[p] === F.NIL) {
          wrapped = true;
          p++;
        }
      }

      if (opened !== TOP) {
        let made: object;
        if (className !== null) made = Object.create(PhpObject.prototype) as object;
        else if (container === null && this.#options.isSession) made = {};
        else if (opened === SEQUENCE) made = count > 0 && count <= PRESIZE ? new Array(count) : [];
        else if (count === 0 || (b[p] === 0 && !this.#findings.demoted.has(from))) made = [];
        else made = {};
        if (cell === null && this.#findings.referenced.has(ids.length)) {
          cell = new MsgpackCell(undefined);
        }
        if (cell !== null) {
          cell.value = made;
          if (isObjectValue(made)) this.#known(made, cell);
        }
        ids.push(cell ?? made);
        if (wrapped) {
          // The array that `__serialize` returned has an id of its own.
          this.#pos = p;
          const body = this.#body(from, depth, key);
          p = this.#pos;
          count = body.count;
          opened = body.isList ? SEQUENCE_OBJECT : OBJECT;
          this.#pendingOf(made).wrapped = true;
          ids.push(PASSED);
        }
        // An element takes a byte, a pair two.
        if (count > (opened === SEQUENCE || opened === SEQUENCE_OBJECT ? end - p : (end - p) / 2)) {
          throw this.#syntax(from, 'more elements than bytes', depth, key);
        }
        this.#elements -= count;
        if (this.#elements < 0) throw this.#tooMuch('elements', from, depth, key);
        if (depth >= maxDepth) throw this.#tooMuch('depth', from, depth, key);
        value = made;
        if (count > 0 || className !== null) {
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
          ownId = ids.length - (wrapped ? 2 : 1);
          shape = null;
          kind = opened === MAP && Array.isArray(made) ? LIST : opened;
          if (className !== null) {
            const expected = this.#careful ? null : expectedLayout(className);
            if (expected !== null && expected.names.length === count && opened === OBJECT) {
              shape = expected;
              setNotes(made, expected.plain);
            } else {
              shape = new ObjectBuilder(made as PhpObject, className, this);
            }
          } else if (opened === SEQUENCE && !Array.isArray(made)) {
            throw this.#syntax(from, 'the session is no array of variables', 0, key);
          }
        } else {
          opened = TOP;
        }
      }

      if (opened === TOP) {
        // A value is complete: store it.
        if (cell !== null && container !== null) {
          this.#hold(container, kind <= LIST ? index : key, shape, cell);
        }
        if (kind === SEQUENCE || kind === LIST) {
          (container as unknown as unknown[])[index++] = value;
        } else if (kind === TOP) {
          this.#pos = p;
          return value;
        } else if (shape instanceof ObjectBuilder) {
          shape.store(value);
        } else if (isPerilous(key)) {
          define(container as object, key, value);
        } else {
          (container as Record<Key, unknown>)[key] = value;
        }
        if (isNoted && !(shape instanceof ObjectBuilder)) {
          marks.kidKeys.push(kind <= LIST ? index - 1 : key);
          marks.kids.push(value as object);
        }
        left--;
      }

      for (;;) {
        if (left === 0) {
          const done = container as object;
          let noted = kind >= OBJECT;
          if (kind <= LIST) {
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
              const good = closeMap(
                done,
                index,
                marks,
                floatMark,
                kidMark,
                orderMark,
                loose,
                this.#careful,
              );
              if (!good) this.#needsAgain = true;
              noted = true;
            }
          } else if (shape instanceof ObjectBuilder) {
            shape.finish();
          } else if (marks.floatKeys.length > floatMark || marks.kids.length > kidMark) {
            setNotes(done, objectNotes(shape as Layout, marks, floatMark, kidMark));
          }
          if (this.#cells !== null || this.#pending !== null) noted = this.#finish(done) || noted;
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
            if (container !== null) this.#hold(container, kind <= LIST ? index : key, shape, held);
            else if (this.#rootPointedAt)
              setNotes(done, makeNotes({ ...getNotes(done), self: held }));
          }
          if (kind === TOP) {
            this.#pos = p;
            return done;
          }
          if (kind <= LIST) {
            (container as unknown as unknown[])[index++] = done;
            if (noted) {
              marks.kidKeys.push(index - 1);
              marks.kids.push(done);
            }
          } else if (shape instanceof ObjectBuilder) {
            shape.store(done);
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
        if (kind === SEQUENCE) break;
        if (kind === SEQUENCE_OBJECT) {
          key = String(index++);
          (shape as ObjectBuilder).property(key, INT_KEY);
          break;
        }
        const at = p;
        const keyType = b[p++]!;
        let name: string | null = null;
        let isIndex = false;
        if (keyType >= 0xa0 && keyType < 0xc0) {
          const length = keyType & 31;
          p += length;
          if (!(p <= end)) throw this.#syntax(at, 'a key is cut off', depth, undefined);
          const slot = keySlot(b, p - length, length);
          name = keyTexts[slot]!;
          isIndex = length < 11 && keyKinds[slot] === INDEX;
        } else if (keyType < 0x80) {
          if (kind === LIST && keyType === index) {
            key = index;
            break;
          }
          key = keyType;
        } else {
          this.#pos = at;
          const read = this.#otherKey(at, depth);
          p = this.#pos;
          if (typeof read === 'object') {
            name = read.name;
            isIndex = read.isIndex;
          } else if (kind === LIST && read === index) {
            key = index;
            break;
          } else {
            key = read;
          }
        }

        if (kind === OBJECT) {
          if (!(shape instanceof ObjectBuilder)) {
            const layout = shape as Layout;
            if (name !== null && name === mangledNames(layout)[index]) {
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
          if (name === null) {
            key = String(key);
            shape.property(key, INT_KEY);
            // PHP 7.3 and older have no `__serialize`, but integer keys in an object's own body.
            this.#pendingOf(container as object).wrapped ??= false;
          } else {
            const property = unmangle(name);
            shape.property(property.name, property.scope);
            key = property.name;
          }
          break;
        }
        // PHP makes integers of such keys when it reads.
        if (name !== null) key = isIndex ? Number(name) : name;
        if (kind === LIST) {
          if (key === index) break;
          // Not a list after all.
          if (this.#openPointedAt) this.#needsAgain = true;
          this.#findings.demoted.add(start);
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
        if (depth === 1 && only !== null && !only.has(String(key))) {
          p = skipMsgpack(b, p, maxDepth - 1);
          if (p < 0) throw AGAIN;
          for (let i = taken.ids; i > 0; i--) ids.push(PASSED_OVER);
          left--;
          continue;
        }
        index++;
        // Note PHP's order as soon as JavaScript would sort a key.
        if (typeof key === 'number') {
          if (orderMark < 0) {
            orderMark = marks.order.length;
            if (index > 1) {
              for (const known of Object.keys(container as object)) marks.order.push(known);
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

  /** The integers that do not fit in their type byte. */
  #integer(type: number, from: number, depth: number, key: Key | undefined): unknown {
    const b = this.#b;
    const p = this.#pos;
    const width = 1 << (type & 3);
    if (p + width > b.length) throw this.#syntax(from, 'a number is cut off', depth, key);
    this.#pos = p + width;
    if (width < 8) return type >= F.INT8 ? b.readIntBE(p, width) : b.readUIntBE(p, width);
    const number = type === F.INT64 ? b.readBigInt64BE(p) : b.readBigUInt64BE(p);
    if (number >= -9007199254740991n && number <= 9007199254740991n) return Number(number);
    // What PHP has no integer for it reads as text.
    return number > 9223372036854775807n ? String(number) : number;
  }

  /** The length of a string whose type byte is at `#pos`; `#pos` is then at its bytes; −1 if it is none. */
  #stringAt(): number {
    const b = this.#b;
    const p = this.#pos;
    const type = b[p] ?? 0;
    let length: number;
    let width = 0;
    if (type >= 0xa0 && type < 0xc0) {
      length = type & 31;
    } else if (type >= F.STR8 && type <= F.STR32) {
      width = 1 << (type - F.STR8);
      length = p + 1 + width <= b.length ? b.readUIntBE(p + 1, width) : b.length;
    } else if (type >= F.BIN8 && type <= F.BIN32) {
      width = 1 << (type - F.BIN8);
      length = p + 1 + width <= b.length ? b.readUIntBE(p + 1, width) : b.length;
    } else {
      return -1;
    }
    if (length > b.length - p - 1 - width) return -1;
    this.#pos = p + 1 + width;
    return length;
  }

  /** Long strings, binaries and extension types. */
  #rare(type: number, from: number, depth: number, key: Key | undefined): string | Buffer | null {
    const b = this.#b;
    if ((type >= F.STR8 && type <= F.STR32) || (type >= F.BIN8 && type <= F.BIN32)) {
      this.#pos = from;
      const length = this.#stringAt();
      if (length < 0) throw this.#syntax(from, 'a string is cut off', depth, key);
      const start = this.#pos;
      this.#pos += length;
      return this.#text.at(start, length);
    }
    let skip = -1;
    if (type >= F.FIXEXT1 && type <= F.FIXEXT16) {
      skip = 1 + (1 << (type - F.FIXEXT1));
    } else if (type >= F.EXT8 && type <= F.EXT32) {
      const width = 1 << (type - F.EXT8);
      if (this.#pos + width <= b.length) skip = width + 1 + b.readUIntBE(this.#pos, width);
    }
    if (skip < 0 || this.#pos + skip > b.length) {
      throw this.#syntax(from, 'no value of msgpack', depth, key);
    }
    // PHP's extension reads null.
    this.#pos += skip;
    return null;
  }

  /** The name of a class. */
  #name(from: number, depth: number, key: Key | undefined): string {
    const length = this.#stringAt();
    if (length < 0) throw this.#syntax(from, 'a mark that PHP does not write', depth, key);
    const slot = keySlot(this.#b, this.#pos, length);
    this.#pos += length;
    return keyTexts[slot]!;
  }

  #payload(from: number, depth: number, key: Key | undefined): PhpSerializedObject {
    const className = this.#name(from, depth, key);
    const length = this.#stringAt();
    if (length < 0) throw this.#syntax(from, 'an object without its payload', depth, key);
    const start = this.#pos;
    this.#pos += length;
    const copy = Buffer.allocUnsafeSlow(length);
    this.#b.copy(copy, 0, start, this.#pos);
    return new PhpSerializedObject(className, copy);
  }

  #enumCase(from: number, depth: number, key: Key | undefined): PhpEnum {
    const value = new PhpEnum(this.#name(from, depth, key), this.#name(from, depth, key));
    noteMsgpack(value, { enumCase: true });
    return value;
  }

  /** The header of the array that `__serialize` returned. */
  #body(from: number, depth: number, key: Key | undefined): { count: number; isList: boolean } {
    const b = this.#b;
    const p = this.#pos;
    const type = b[p] ?? 0;
    this.#pos = p + 1;
    if (type >= 0x80 && type < 0x90) return { count: type & 15, isList: false };
    if (type >= 0x90 && type < 0xa0) return { count: type & 15, isList: true };
    if (type >= F.ARRAY16 && type <= F.MAP32) {
      const width = (type & 1) === 0 ? 2 : 4;
      this.#pos = p + 1 + width;
      const count = this.#pos <= b.length ? b.readUIntBE(p + 1, width) : b.length;
      return { count, isList: type <= F.ARRAY32 };
    }
    throw this.#syntax(from, 'an object whose body is no array', depth, key);
  }

  /** What the id at `#pos` stands for. */
  #target(from: number, depth: number, key: Key | undefined): unknown {
    const b = this.#b;
    const type = b[this.#pos++] ?? 0xff;
    let id: unknown = type;
    if (type >= F.UINT8 && type <= F.INT64) id = this.#integer(type, from, depth, key);
    const target = typeof id === 'number' && id > 0 && id < 0x80000000 ? this.#ids[id] : undefined;
    if (target === PASSED_OVER) throw AGAIN;
    if (target === undefined || target === PASSED || (type >= 0x80 && typeof id !== 'number')) {
      throw this.#reference(from, 'an id that was not given', depth, key);
    }
    if (id === 1) this.#rootPointedAt = true;
    this.#targetId = id as number;
    return target;
  }

  #known(object: object, cell: MsgpackCell): void {
    this.#objectCells ??= new Map();
    this.#objectCells.set(object, cell);
  }

  /** The reference through which an object is held. */
  #cellOf(object: object): MsgpackCell {
    let cell = this.#objectCells?.get(object);
    if (cell === undefined) {
      cell = new MsgpackCell(object);
      this.#known(object, cell);
    }
    return cell;
  }

  /** Keys that are not short strings or small integers. */
  #otherKey(at: number, depth: number): Key | { readonly name: string; readonly isIndex: boolean } {
    const b = this.#b;
    const type = b[at];
    const length = this.#stringAt();
    if (length >= 0) {
      const slot = keySlot(b, this.#pos, length);
      this.#pos += length;
      return { name: keyTexts[slot]!, isIndex: length < 11 && keyKinds[slot] === INDEX };
    }
    this.#pos = at + 1;
    let number: unknown;
    if (type !== undefined && type >= F.UINT8 && type <= F.INT64) {
      number = this.#integer(type, at, depth, undefined);
    } else if (type !== undefined && type >= 0xe0) {
      number = type - 256;
    }
    if (typeof number === 'number' && number >= 0 && number < 4294967295) return number;
    if (number !== undefined) return String(number);
    throw this.#syntax(
      at,
      type === undefined ? 'a key is missing' : 'a key that is neither integer nor string',
      depth,
      undefined,
    );
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
    shape: Layout | ObjectBuilder | null,
    cell: MsgpackCell,
  ): void {
    if (shape instanceof ObjectBuilder && shape.hold(cell)) return;
    this.#cells ??= new OpenCells();
    this.#cells.hold(container, key, cell);
  }

  releaseFrom(object: object, key: Key): Cell | null {
    return this.#cells?.release(object, key) ?? null;
  }

  /** A list became a map: everything that knew the list must know the map. */
  #move(list: object, map: object, id: number): void {
    const known = this.#ids[id];
    if (known instanceof MsgpackCell) known.value = map;
    else this.#ids[id] = map;
    this.#cells?.move(list, map);
    const pending = this.#pending?.get(list);
    if (pending !== undefined) this.#pending?.set(map, pending);
  }

  #finish(container: object): boolean {
    const isHolder = this.#cells?.note(container) === true;
    const pending = this.#pending?.get(container);
    if (pending !== undefined) noteMsgpack(container, pending);
    return isHolder || pending !== undefined;
  }

  #syntax(at: number, what: string, depth: number, key: Key | undefined): CodecError {
    return this.#error('ERR_PSB_CODEC_SYNTAX', what, at, depth, key);
  }

  #reference(at: number, what: string, depth: number, key: Key | undefined): CodecError {
    return this.#error('ERR_PSB_CODEC_REFERENCE', what, at, depth, key);
  }

  #tooMuch(what: 'depth' | 'elements', at: number, depth: number, key: Key): CodecError {
    const { maxDepth, maxElements } = this.#options;
    const limit =
      what === 'depth'
        ? `deeper than ${Math.min(maxDepth || F.MAX_DEPTH, F.MAX_DEPTH)} levels`
        : `more than ${maxElements} elements`;
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
    return new CodecError(code, `msgpack: ${what} at byte ${offset}`, { offset, path });
  }
}

/** The array inside of an object that serializes itself: nothing else can point at it. */
const PASSED = Symbol('body');

/** Stands among the ids for a container that was passed over. */
const PASSED_OVER = Symbol('passed over');

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
