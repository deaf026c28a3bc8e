/**
 * The reader of what nearly every blob holds: arrays of scalars, objects whose layout was seen
 * before, one object in several places. It reads by recursion, in half the time of the general
 * reader, and gives up on everything else (references, shared arrays, strings that look like
 * integers as keys, deep nesting, faults); the general reader then starts afresh. What it makes is
 * the same to the last note.
 */
import { CodecError } from '../../errors.ts';
import { clearMarks, closeList, closeMap, makeMarks, objectNotes } from '../containers.ts';
import { expectedLayout } from '../layouts.ts';
import { mangledNames } from '../mangled-names.ts';
import { type Key, type Layout, makeNotes, setNotes } from '../notes.ts';
import { PhpObject } from '../values.ts';
import * as F from './format.ts';
import { noteIgbinary } from './igbinary-notes.ts';
import type { IgbinaryReadOptions, IgbinaryValue } from './read-options.ts';
import { type CopyBudget, copyBudget, copyOfBody } from './shared-bodies.ts';
import { skipIgbinary } from './skip.ts';
import { PLAIN_KEY, StringTable } from './strings.ts';

/** Recursion that no input can drive into a stack overflow. */
const MAX_DEPTH = 64;
const PRESIZE = 64;
const NAN_HIGH = 0x7ff80000;

/** Stands among the ids for an array that is not complete. */
const OPEN = Symbol('open');

/** Thrown where the general reader has to do it. */
const NOT_PLAIN = Symbol('not plain');

/** What the last value was, beside itself. */
const ORDINARY = 0;
const FLOAT = 1;
const NOTED = 2;

const marks = makeMarks();
const doubleWords = new Uint32Array(2);
const doubleValue = new Float64Array(doubleWords.buffer);
const noBytes = Buffer.alloc(0);
const noStrings = new StringTable(noBytes);

let bytes: Buffer = noBytes;
let strings = noStrings;
let pos = 0;
let depth = 0;
let maxDepth = 0;
/** Levels that a value which is passed over may have. */
let skipLevels = 0;
let elements = 0;
let budget: CopyBudget = { left: 0 };
let mark = ORDINARY;
/** What the ids stand for. */
let ids: unknown[] = [];
let firstEmpty: object | null = null;

/** Reads a blob, or nothing if it is not plain. */
export function readPlain(blob: Buffer, options: IgbinaryReadOptions): IgbinaryValue | undefined {
  bytes = blob;
  strings = new StringTable(blob);
  pos = F.HEADER_LENGTH;
  depth = 0;
  maxDepth = Math.min(options.maxDepth || MAX_DEPTH, MAX_DEPTH);
  skipLevels = options.maxDepth > 0 ? options.maxDepth - 1 : Number.MAX_SAFE_INTEGER;
  elements = options.maxElements;
  budget = copyBudget(blob, options);
  mark = ORDINARY;
  ids = [];
  firstEmpty = null;
  try {
    const type = blob[pos++]!;
    if (type < F.ARRAY8 || type > F.ARRAY32) return undefined;
    const value = readArray(type, options.isSession === true, options.only ?? null);
    // What is cut off at its very end was read beyond it.
    if (pos > blob.length) return undefined;
    if (strings.repeated) noteIgbinary(value, { fullStrings: true });
    return { value, end: pos };
  } catch (error) {
    clearMarks(marks);
    // What is wrong with a blob the general reader tells better.
    if (error === NOT_PLAIN || error instanceof CodecError) return undefined;
    throw error;
  } finally {
    bytes = noBytes;
    strings.free();
    strings = noStrings;
    ids = [];
    firstEmpty = null;
  }
}

/** The number of elements of an array whose type byte was read. */
function countOf(type: number): number {
  const b = bytes;
  let count: number;
  if (type === F.ARRAY8) {
    count = b[pos++]!;
  } else if (type === F.ARRAY16) {
    count = (b[pos]! << 8) | b[pos + 1]!;
    pos += 2;
  } else {
    count = ((b[pos]! << 24) | (b[pos + 1]! << 16) | (b[pos + 2]! << 8) | b[pos + 3]!) >>> 0;
    pos += 4;
  }
  elements -= count;
  // A count that is cut off is 0 or no number at all: the bytes end there.
  if (!(pos <= b.length && count <= b.length - pos) || elements < 0) throw NOT_PLAIN;
  if (count > 0 && ++depth > maxDepth) throw NOT_PLAIN;
  return count;
}

function readArray(type: number, isRoot: boolean, only: ReadonlySet<string> | null): object {
  const count = countOf(type);
  if (isRoot) {
    const map = {};
    ids.push(OPEN);
    readMap(map, 0, count, marks.floatKeys.length, marks.kids.length, -1, only);
    return map;
  }
  if (count === 0) {
    const list: unknown[] = [];
    ids.push(list);
    mark = ORDINARY;
    // PHP's empty arrays are all one; one that is not shows that it was emptied later.
    if (firstEmpty === null) {
      firstEmpty = list;
    } else {
      setNotes(list, makeNotes({ body: {} }));
      mark = NOTED;
    }
    return list;
  }
  const b = bytes;
  if (b[pos] === F.POSITIVE8 && b[pos + 1] === 0) return readList(count);
  const map = {};
  const id = ids.push(OPEN) - 1;
  readMap(map, 0, count, marks.floatKeys.length, marks.kids.length, -1, only);
  ids[id] = map;
  return map;
}

function readList(count: number): object {
  const b = bytes;
  const list: unknown[] = count <= PRESIZE ? new Array(count) : [];
  const id = ids.push(OPEN) - 1;
  const floatMark = marks.floatKeys.length;
  const kidMark = marks.kids.length;
  for (let i = 0; i < count; i++) {
    if (i < 256 && b[pos] === F.POSITIVE8 && b[pos + 1] === i) {
      pos += 2;
    } else if (i >= 256 && b[pos] === F.POSITIVE16 && ((b[pos + 1]! << 8) | b[pos + 2]!) === i) {
      pos += 3;
    } else {
      return noList(list, id, i, count, floatMark, kidMark);
    }
    const value = readValue();
    list[i] = value;
    if (mark !== ORDINARY) {
      if (mark === FLOAT) {
        marks.floatKeys.push(i);
        marks.floatTexts.push(null);
      } else {
        marks.kidKeys.push(i);
        marks.kids.push(value as object);
      }
      mark = ORDINARY;
    }
  }
  if (marks.floatKeys.length > floatMark || marks.kids.length > kidMark) {
    closeList(list, marks, floatMark, kidMark);
    mark = NOTED;
  }
  depth--;
  ids[id] = list;
  return list;
}

/** An array that began like a list and is none. */
function noList(
  list: readonly unknown[],
  id: number,
  index: number,
  count: number,
  floatMark: number,
  kidMark: number,
): object {
  const b = bytes;
  const type = b[pos]!;
  // An index that PHP would write shorter.
  if (index > 0xffff) throw NOT_PLAIN;
  if (type === F.POSITIVE16 && ((b[pos + 1]! << 8) | b[pos + 2]!) === index) throw NOT_PLAIN;
  if (type === F.POSITIVE32) throw NOT_PLAIN;
  const map: Record<Key, unknown> = {};
  const orderMark = marks.order.length;
  for (let i = 0; i < index; i++) {
    map[i] = list[i];
    marks.order.push(i);
  }
  readMap(map, index, count, floatMark, kidMark, orderMark, null);
  ids[id] = map;
  return map;
}

function readMap(
  map: Record<Key, unknown>,
  first: number,
  count: number,
  floatMark: number,
  kidMark: number,
  orderFrom: number,
  only: ReadonlySet<string> | null,
): void {
  const b = bytes;
  const table = strings;
  const { texts } = table;
  const known = ids;
  let orderMark = orderFrom;
  let loose = 0;
  let total = first;
  for (let i = first; i < count; i++) {
    const type = b[pos]!;
    let key: Key;
    if (type === F.STRING_ID8) {
      const id = b[pos + 1]!;
      pos += 2;
      table.isWatching = false;
      key = table.isPlainKey(id) ? (texts[id] as string) : plainKey(id);
    } else if (type === F.STRING8) {
      const length = b[pos + 1]!;
      pos += 2 + length;
      if (!(pos <= b.length)) throw NOT_PLAIN;
      key = table.addKey(pos - length, length);
      if (!table.isPlainKey(texts.length - 1)) throw NOT_PLAIN;
    } else if (type === F.STRING_EMPTY) {
      pos++;
      key = '';
    } else if (type === F.POSITIVE8 || type === F.POSITIVE16 || type === F.POSITIVE32) {
      pos++;
      key = readPositive(type);
      if (key === 0xffffffff) throw NOT_PLAIN;
    } else if (type === F.STRING_ID16) {
      key = plainKey((b[pos + 1]! << 8) | b[pos + 2]!);
      pos += 3;
    } else {
      throw NOT_PLAIN;
    }
    if (only !== null && !only.has(String(key))) {
      pos = skipIgbinary(b, pos, texts, known, skipLevels);
      continue;
    }
    total++;
    // Note PHP's order as soon as JavaScript would sort a key.
    if (typeof key === 'number') {
      if (orderMark < 0) {
        orderMark = marks.order.length;
        if (total > 1) {
          for (const name of Object.keys(map)) marks.order.push(name);
          loose = 1;
        }
      } else {
        const before = marks.order[marks.order.length - 1];
        if (!(typeof before === 'number' && before < key)) loose = 1;
      }
      marks.order.push(key);
    } else if (orderMark >= 0) {
      marks.order.push(key);
      loose = 1;
    }
    const value = readValue();
    if (typeof key === 'string') map[key] = value;
    else map[key] = value;
    if (mark !== ORDINARY) {
      if (mark === FLOAT) {
        marks.floatKeys.push(key);
        marks.floatTexts.push(null);
      } else {
        marks.kidKeys.push(key);
        marks.kids.push(value as object);
      }
      mark = ORDINARY;
    }
  }
  if (orderMark >= 0 || marks.floatKeys.length > floatMark || marks.kids.length > kidMark) {
    if (!closeMap(map, total, marks, floatMark, kidMark, orderMark, loose, false)) throw NOT_PLAIN;
    mark = NOTED;
  }
  depth--;
}

function readPositive(type: number): number {
  const b = bytes;
  let number: number;
  if (type === F.POSITIVE8) {
    number = b[pos++]!;
  } else if (type === F.POSITIVE16) {
    number = (b[pos]! << 8) | b[pos + 1]!;
    pos += 2;
  } else {
    number = ((b[pos]! << 24) | (b[pos + 1]! << 16) | (b[pos + 2]! << 8) | b[pos + 3]!) >>> 0;
    pos += 4;
  }
  if (!(pos <= b.length)) throw NOT_PLAIN;
  return number;
}

/** A string by its id as a key that no array takes for an integer. */
function plainKey(id: number): string {
  if (!(id < strings.texts.length) || strings.keyKind(id) !== PLAIN_KEY) throw NOT_PLAIN;
  const key = strings.texts[id];
  if (typeof key !== 'string') throw NOT_PLAIN;
  strings.isWatching = false;
  return key;
}

function readValue(): unknown {
  const b = bytes;
  const type = b[pos++];
  switch (type) {
    case F.STRING8: {
      const length = b[pos]!;
      const at = pos + 1;
      pos = at + length;
      if (!(pos <= b.length)) throw NOT_PLAIN;
      return strings.addValue(at, length);
    }
    case F.STRING_ID8: {
      const id = b[pos++]!;
      if (!(id < strings.texts.length)) throw NOT_PLAIN;
      strings.isWatching = false;
      return strings.value(id);
    }
    case F.POSITIVE8: {
      const number = b[pos++];
      if (number === undefined) throw NOT_PLAIN;
      return number;
    }
    case F.ARRAY8:
    case F.ARRAY16:
    case F.ARRAY32:
      return readArray(type, false, null);
    case F.NULL:
      return null;
    case F.FALSE:
      return false;
    case F.TRUE:
      return true;
    case F.STRING_EMPTY:
      return '';
    case F.DOUBLE: {
      const at = pos;
      pos += 8;
      if (!(pos <= b.length)) throw NOT_PLAIN;
      doubleWords[1] = (b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!;
      doubleWords[0] = (b[at + 4]! << 24) | (b[at + 5]! << 16) | (b[at + 6]! << 8) | b[at + 7]!;
      const float = doubleValue[0]!;
      // Only one of all NANs is PHP's own.
      if (Number.isNaN(float) && (doubleWords[1] !== NAN_HIGH || doubleWords[0] !== 0)) {
        throw NOT_PLAIN;
      }
      mark = FLOAT;
      return float;
    }
    case F.POSITIVE16:
    case F.POSITIVE32:
      return readPositive(type);
    case F.NEGATIVE8:
    case F.NEGATIVE16:
    case F.NEGATIVE32:
      return 0 - readPositive(type - 1);
    case F.STRING16: {
      const length = (b[pos]! << 8) | b[pos + 1]!;
      const at = pos + 2;
      pos = at + length;
      if (!(pos <= b.length)) throw NOT_PLAIN;
      return strings.addValue(at, length);
    }
    case F.STRING_ID16: {
      const id = (b[pos]! << 8) | b[pos + 1]!;
      pos += 2;
      if (!(id < strings.texts.length)) throw NOT_PLAIN;
      strings.isWatching = false;
      return strings.value(id);
    }
    case F.OBJECT8:
    case F.OBJECT_ID8:
      return readObject(type);
    case F.REF16:
    case F.OBJECT_REF16:
      pos += 2;
      return readTarget((b[pos - 2]! << 8) | b[pos - 1]!);
    case F.REF8:
    case F.OBJECT_REF8: {
      const id = b[pos++];
      return id === undefined ? readTarget(-1) : readTarget(id);
    }
    default:
      throw NOT_PLAIN;
  }
}

/** An object again, or an array that PHP shares. */
function readTarget(id: number): unknown {
  const target = ids[id];
  if (typeof target !== 'object' || target === null) throw NOT_PLAIN;
  if (target === firstEmpty) return [];
  mark = NOTED;
  return target instanceof PhpObject ? target : copyOfBody(target, budget);
}

/** An object with just the properties that the last ones of its class had. */
function readObject(type: number): PhpObject {
  const b = bytes;
  let className: string;
  if (type === F.OBJECT8) {
    const length = b[pos]!;
    pos += 1 + length;
    if (!(pos <= b.length)) throw NOT_PLAIN;
    className = strings.key(strings.addName(pos - length, length));
  } else {
    const id = b[pos++]!;
    if (!(id < strings.texts.length)) throw NOT_PLAIN;
    className = strings.key(id);
  }
  const body = b[pos++]!;
  if (body !== F.ARRAY8) throw NOT_PLAIN;
  const count = countOf(body);
  const layout = expectedLayout(className);
  if (layout === null || layout.names.length !== count) throw NOT_PLAIN;
  const object = Object.create(PhpObject.prototype) as PhpObject;
  setNotes(object, layout.plain);
  ids.push(object);
  readProperties(object, layout);
  if (count > 0) depth--;
  mark = NOTED;
  return object;
}

function readProperties(object: PhpObject, layout: Layout): void {
  const b = bytes;
  const { texts } = strings;
  const { names } = layout;
  const mangled = mangledNames(layout);
  const floatMark = marks.floatKeys.length;
  const kidMark = marks.kids.length;
  for (let i = 0; i < names.length; i++) {
    const type = b[pos++];
    let id: number;
    if (type === F.STRING_ID8) {
      id = b[pos++]!;
      strings.isWatching = false;
      if (typeof texts[id] === 'number') strings.key(id);
    } else if (type === F.STRING8) {
      const length = b[pos]!;
      pos += 1 + length;
      if (!(pos <= b.length)) throw NOT_PLAIN;
      id = strings.addName(pos - length, length);
    } else {
      throw NOT_PLAIN;
    }
    const name = names[i]!;
    if (texts[id] !== mangled[i] || name === '__proto__') throw NOT_PLAIN;
    const value = readValue();
    object[name] = value;
    if (mark !== ORDINARY) {
      if (mark === FLOAT) {
        marks.floatKeys.push(name);
        marks.floatTexts.push(null);
      } else {
        marks.kidKeys.push(name);
        marks.kids.push(value as object);
      }
      mark = ORDINARY;
    }
  }
  if (marks.floatKeys.length > floatMark || marks.kids.length > kidMark) {
    setNotes(object, objectNotes(layout, marks, floatMark, kidMark));
  }
}
