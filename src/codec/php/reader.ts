/**
 * The reader of serialize() text: one loop with an explicit stack, so that no input can overflow
 * the call stack, and one pass over the bytes, without a slot table. If the bytes turn out to need
 * more (a back-reference, a repeated key beside notes), the same loop runs once more with slots.
 *
 * The loop is one long function on purpose: position, container and key stay in registers. What
 * it calls throws its errors with the open containers' keys, so it stays in this file, long as it is.
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
import { define } from '../define.ts';
import {
  highestRank,
  INDEX,
  keyAfter,
  keyKinds,
  keyRanks,
  keySizes,
  keySlot,
  keyTexts,
  keyWithin,
  keyWords,
  NO_KEY,
  PROTO,
  WORDS,
} from '../key-cache.ts';
import { isKnownClass, unmangle } from '../layouts.ts';
import {
  getNotes,
  INT_KEY,
  type Key,
  type Layout,
  makeNotes,
  setNotes,
  stampNotes,
} from '../notes.ts';
import { ObjectBuilder } from '../object-builder.ts';
import { joinPath } from '../path.ts';
import { SHORT, shortText } from '../short-text.ts';
import { asText, decodeKey, decodeText, decodeUtf8, isAsciiBytes } from '../text.ts';
import { isObjectValue, PhpEnum, PhpObject, PhpSerializedObject } from '../values.ts';
import { formatFloat, parseFloatText } from './floats.ts';
import { expectHead, layoutAt } from './layout-tokens.ts';
import { payloadInfo } from './payload.ts';
import { skipEscaped } from './skip.ts';
import { PayloadSlot, type Slots } from './slots.ts';

export interface ReadLimits {
  readonly maxDepth: number;
  readonly maxElements: number;
  /** Which float texts are canonical: `serialize_precision`. */
  readonly precision: number;
}

const TOP = 0;
const LIST = 1;
const MAP = 2;
/** An object that so far has the layout that was expected … */
const OBJECT = 3;
/** … and one that has another. */
const BUILD = 4;

/** Lists up to this length get their room at once; a claimed count never buys more. */
const PRESIZE = 64;
/** Blobs up to this size are read without what is made of a whole blob first … */
const SMALL = 1024;
/** … and so are the first texts of larger ones: there may be no more that are wanted. */
const FIRST_TEXTS = 4;
const POW10 = Array.from({ length: 23 }, (_, i) => 10 ** i);
const INT_MAX = 9223372036854775807n;
const INT_MIN = -9223372036854775808n;

/** Thrown by the second pass at an array that starts like a list and is none. */
export const DEMOTED = Symbol('no list');

/** Thrown by the second pass where an object has another layout than its head made expect. */
export const UNEXPECTED = Symbol('unexpected layout');

// One stack for all reads: a read never starts inside another one.
const FIELDS = 11;
let stackNumbers = new Int32Array(64 * FIELDS);
const stackContainers: (object | null)[] = [];
const stackKeys: Key[] = [];
const stackShapes: (Layout | ObjectBuilder | null)[] = [];

/** What the open containers have to note; each container owns the tail from its mark on. */
const marks = makeMarks();

export class Reader {
  readonly bytes: Buffer;
  readonly limits: ReadLimits;
  /** With a slot table: the second pass. */
  readonly slots: Slots | null;
  /** Byte positions of arrays that start like lists and are none; found by the first pass. */
  demoted: Set<number> | null;
  /** Whether payloads of `Serializable` objects take slots of their own. */
  readonly payloadSlots: boolean;
  pos = 0;
  elements = 0;
  /** The first pass met something that only the second one can read rightly. */
  needsSlots = false;
  /** An object of the first pass had another layout than its head made expect. */
  deviated = false;
  /** Stop at the first back-reference: all is read with slots at once then. */
  stops = false;
  /** Did it stop? Not by an exception, which costs as much as a kilobyte. */
  stopped = false;
  /** Is the outermost key a name (of a session variable) that belongs into error paths? */
  named = false;
  /** Make the outermost array an object even if it is a list. */
  mapRoot = false;
  /** Of the outermost value: `undefined` no float, else its text if that is not canonical. */
  float: string | null | undefined;
  /** Of the object that is being opened: its class, and its layout if it has one that is known. */
  #opening = '';
  #expected: Layout | null = null;
  #failed = false;
  readonly #followLayouts: boolean;
  #latin: string | null = null;
  #view: DataView | null = null;
  #ascii: boolean | undefined;
  /** How many of the first texts were read. */
  #texts = 0;

  constructor(
    bytes: Buffer,
    limits: ReadLimits,
    slots: Slots | null = null,
    demoted: Set<number> | null = null,
    payloadSlots = true,
    followLayouts = true,
  ) {
    this.bytes = bytes;
    this.limits = limits;
    this.slots = slots;
    this.demoted = demoted;
    this.payloadSlots = payloadSlots;
    this.#followLayouts = followLayouts;
  }

  /** The bytes as a view, which a large blob is worth. */
  #wide(): DataView {
    const b = this.bytes;
    this.#view ??= new DataView(b.buffer, b.byteOffset, b.length);
    return this.#view;
  }

  /** A string value of `length` bytes. */
  text(start: number, length: number): string | Buffer {
    const b = this.bytes;
    const end = start + length;
    const whole = b.length >= SMALL && this.#texts >= FIRST_TEXTS;
    if (!whole) this.#texts++;
    if (whole && this.#ascii === undefined) this.#ascii = isAsciiBytes(b);
    const ascii = this.#ascii === true;
    if (length < 13) {
      if (!ascii) {
        let bits = 0;
        for (let i = start; i < end; i++) bits |= b[i]!;
        if (bits >= 0x80) return decodeUtf8(b, start, end) ?? decodeText(b, start, end);
        if (!whole) return shortText(b, start, length);
      }
      // V8 copies substrings this short, so they pin nothing.
      if (this.#latin === null) this.#latin = asText(b).latin1Slice(0, b.length);
      return this.#latin.substring(start, end);
    }
    if (!ascii) return decodeText(b, start, end, whole ? this.#wide() : null);
    return length <= SHORT ? shortText(b, start, length) : asText(b).latin1Slice(start, end);
  }

  /**
   * Reads one value at `pos`.
   * @param owner What holds the value, for the slot table: its slot, or ROOT.
   */
  value(ownerSlot: number, ownerKey: Key): unknown {
    this.float = undefined;
    try {
      this.#failed = true;
      const value = this.#value(ownerSlot, ownerKey);
      // Stopped, it left containers open as well.
      this.#failed = this.stopped;
      return value;
    } finally {
      // Also after an error nothing of the data may stay behind.
      if (this.#failed) {
        stackContainers.length = 0;
        stackShapes.length = 0;
      }
      if (marks.floatKeys.length + marks.kids.length + marks.order.length > 0) {
        clearMarks(marks);
      }
    }
  }

  #value(ownerSlot: number, ownerKey: Key): unknown {
    const b = this.bytes;
    const end = b.length;
    const slots = this.slots;
    const { maxDepth, maxElements } = this.limits;
    let p = this.pos;
    let depth = 0;
    // The open container.
    let kind = TOP;
    let container: object | null = null;
    let left = 0;
    let index = 0;
    let key: Key = ownerKey;
    let shape: Layout | ObjectBuilder | null = null;
    let floatMark = 0;
    let kidMark = 0;
    let orderMark = -1;
    let loose = 0;
    let slot = ownerSlot;
    let start = 0;
    let value: unknown;
    // The last key of the open container, in the key cache; before its first, the one around it.
    let at = NO_KEY;
    // Is the key one that every object has?
    let proto = false;
    // Is the value one of a class, but no container that closes later?
    let isKid = false;
    // With slots: keys of a rank above this and up to that are new ones in their map.
    let ceiling = 0;
    const settled = slots === null ? 0 : highestRank();
    let view = end < SMALL ? null : this.#wide();

    for (;;) {
      // A value starts at p, and belongs to `key` of `container`.
      const letter = b[p];
      let opened: object | null = null;
      let count = 0;
      let own = -1;
      if (slots !== null && letter !== 82) {
        own = slots.push(slot, key);
        if (kind === BUILD) (shape as ObjectBuilder).slot(own);
      }
      switch (letter) {
        case 115: {
          // s:LENGTH:"BYTES";
          let q = p + 3;
          let n = b[p + 2]! - 48;
          if (b[p + 1] !== 58 || !(n >= 0 && n <= 9)) throw this.#syntax(p, depth, key);
          for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) n = n * 10 + d;
          const from = q + 2;
          const to = from + n;
          if (b[q] !== 58 || b[q + 1] !== 34 || b[to] !== 34 || b[to + 1] !== 59) {
            throw this.#syntax(p, depth, key);
          }
          value = this.text(from, n);
          p = to + 2;
          break;
        }
        case 105: {
          // i:DIGITS;
          let q = p + 2;
          const sign = b[q]!;
          if (sign === 45 || sign === 43) q++;
          let n = b[q]! - 48;
          if (b[p + 1] !== 58 || !(n >= 0 && n <= 9)) throw this.#syntax(p, depth, key);
          const from = q++;
          for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) n = n * 10 + d;
          if (b[q] !== 59) throw this.#syntax(p, depth, key);
          if (q - from > 15) value = this.#bigInt(from, q, sign === 45);
          else value = sign === 45 ? 0 - n : n;
          p = q + 1;
          break;
        }
        case 97: {
          // a:COUNT:{
          let q = p + 3;
          count = b[p + 2]! - 48;
          if (b[p + 1] !== 58 || !(count >= 0 && count <= 9)) throw this.#syntax(p, depth, key);
          for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) count = count * 10 + d;
          if (b[q] !== 58 || b[q + 1] !== 123) throw this.#syntax(p, depth, key);
          q += 2;
          // Each pair needs more than two bytes: PHP's own check before it allocates.
          if (count > (end - q) / 2) throw this.#syntax(p, depth, key);
          if (
            (count === 0 ||
              (b[q] === 105 &&
                b[q + 2] === 48 &&
                b[q + 3] === 59 &&
                !(slots !== null && this.demoted?.has(q)))) &&
            !(depth === 0 && this.mapRoot)
          ) {
            opened = count > 0 && count <= PRESIZE ? new Array(count) : [];
          } else {
            opened = {};
          }
          value = opened;
          p = q;
          break;
        }
        case 100: {
          // d:FLOAT; with a fast path for up to 15 digits laid out as PHP writes them: exact, since
          // integers and powers of ten of that size are, and their quotient is rounded once.
          let q = p + 2;
          const negative = b[q] === 45;
          if (negative) q++;
          let n = b[q]! - 48;
          let float = n;
          let text: string | null = null;
          let fast = false;
          if (b[p + 1] === 58 && n >= 0 && n <= 9 && this.limits.precision === -1) {
            const from = q++;
            for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) n = n * 10 + d;
            const whole = q - from;
            let fraction = 0;
            if (b[q] === 46) {
              const point = q++;
              for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) n = n * 10 + d;
              fraction = q - point - 1;
            }
            if (
              b[q] === 59 &&
              whole + fraction <= 15 &&
              (whole === 1 || b[from] !== 48) &&
              (fraction > 0 ? b[q - 1] !== 48 : b[q - 1] !== 46)
            ) {
              float = fraction > 0 ? n / POW10[fraction]! : n;
              if (fraction === 0 || float >= 1e-4) {
                if (negative) float = -float;
                p = q + 1;
                fast = true;
              }
            }
          }
          if (!fast) {
            const close = b.indexOf(59, p);
            if (b[p + 1] !== 58 || close < 0) throw this.#syntax(p, depth, key);
            const read = asText(b).latin1Slice(p + 2, close);
            const parsed = parseFloatText(read);
            if (parsed === undefined) throw this.#syntax(p, depth, key);
            float = parsed;
            if (formatFloat(float, this.limits.precision) !== read) text = read;
            p = close + 1;
          }
          slots?.setFloat(own, text);
          value = float;
          if (kind === BUILD) {
            (shape as ObjectBuilder).float(text);
          } else if (kind !== TOP) {
            marks.floatKeys.push(kind === LIST ? index : key);
            marks.floatTexts.push(text);
          } else {
            this.float = text;
          }
          break;
        }
        case 98: {
          // b:0; b:1;
          const bit = b[p + 2]! - 48;
          if (b[p + 1] !== 58 || !(bit === 0 || bit === 1) || b[p + 3] !== 59) {
            throw this.#syntax(p, depth, key);
          }
          value = bit === 1;
          p += 4;
          break;
        }
        case 78:
          // N;
          if (b[p + 1] !== 59) throw this.#syntax(p, depth, key);
          value = null;
          p += 2;
          break;
        case 79: {
          // O:LENGTH:"CLASS":COUNT:{
          view ??= this.#wide();
          const expected = this.#followLayouts ? layoutAt(b, p, view) : null;
          if (expected !== null) {
            opened = Object.create(PhpObject.prototype) as object;
            value = opened;
            count = expected.names.length;
            this.#expected = expected;
            p += expected.tokens!.words!.lengths[0]!;
            if (count > (end - p) / 2) throw this.#syntax(p, depth, key);
            break;
          }
          this.#expected = null;
          const className = this.#className(p, depth, key);
          let q = this.pos;
          if (b[q] !== 58) throw this.#syntax(p, depth, key);
          // Here, and nowhere else, PHP accepts a sign.
          if (b[q + 1] === 43) q++;
          count = b[q + 1]! - 48;
          if (!(count >= 0 && count <= 9)) throw this.#syntax(p, depth, key);
          q += 2;
          for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) count = count * 10 + d;
          if (b[q] !== 58 || b[q + 1] !== 123) throw this.#syntax(p, depth, key);
          q += 2;
          if (count > (end - q) / 2) throw this.#syntax(p, depth, key);
          opened = Object.create(PhpObject.prototype) as object;
          value = opened;
          this.#opening = className;
          p = q;
          break;
        }
        case 69:
          value = this.#enum(p, depth, key);
          isKid = true;
          slots?.open(own, value as object);
          p = this.pos;
          break;
        case 67:
          value = this.#payload(p, depth, key, own);
          isKid = true;
          slots?.open(own, value as object);
          p = this.pos;
          break;
        case 83:
          value = this.#escaped(p, depth, key);
          p = this.pos;
          break;
        case 82:
        case 114: {
          // R:SLOT; r:SLOT; counted from 1
          const from = p;
          let q = p + 3;
          let n = b[p + 2]! - 48;
          if (b[p + 1] !== 58 || !(n >= 0 && n <= 9)) throw this.#syntax(p, depth, key);
          for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) n = n * 10 + d;
          if (b[q] !== 59) throw this.#syntax(p, depth, key);
          const target = n - 1;
          p = q + 1;
          value = null;
          if (slots === null) {
            this.needsSlots = true;
            if (this.stops) {
              this.stopped = true;
              return undefined;
            }
          } else {
            if (
              target < 0 ||
              target >= slots.count ||
              target === own ||
              slots.isHandle(target) ||
              (letter === 82 &&
                (kind === BUILD
                  ? (shape as ObjectBuilder).isPlace(target)
                  : slots.isPlace(target, slot, key)))
            ) {
              throw this.#reference(from, depth, key);
            }
            value = slots.read(target);
            isKid = isObjectValue(value);
            if (slots.hasPayloads && value instanceof PayloadSlot) {
              value = new PayloadSlot(value.payload, value.distance, letter === 114 ? 'r' : 'R');
              if (letter === 114) slots.open(own, value as object);
            } else if (letter === 114) {
              if (!isObjectValue(value)) throw this.#reference(from, depth, key);
              slots.open(own, value);
              if (slots.hasPayloads) slots.addHandle(own);
            } else if (kind === BUILD) {
              (shape as ObjectBuilder).alias(target);
            } else {
              slots.alias(target, slot, key);
            }
            if (letter === 82 && typeof value === 'number' && slots.isFloat(target)) {
              if (kind === BUILD) {
                (shape as ObjectBuilder).float(slots.floatText(target));
              } else if (kind !== TOP) {
                marks.floatKeys.push(kind === LIST ? index : key);
                marks.floatTexts.push(slots.floatText(target));
              } else {
                this.float = slots.floatText(target);
              }
            }
          }
          break;
        }
        default:
          throw this.#syntax(p, depth, key);
      }

      if (opened !== null) {
        if (slots !== null) {
          slots.open(own, opened);
          // Back-references may point at a container that is still open.
          if (kind === LIST) (container as unknown[])[index] = opened;
          else if (kind === BUILD) (shape as ObjectBuilder).store(opened);
          else if (container !== null) define(container, key as string, opened);
        }
        this.elements += count;
        if (this.elements > maxElements) throw this.#limit('elements', p, depth, key);
        if (count > 0 || letter === 79) {
          if (depth >= maxDepth && maxDepth > 0) throw this.#limit('depth', p, depth, key);
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
          saved[base + 7] = slot;
          saved[base + 8] = start;
          saved[base + 9] = at;
          saved[base + 10] = ceiling;
          stackContainers[depth] = container;
          stackKeys[depth] = key;
          stackShapes[depth] = shape;
          depth++;
          container = opened as Record<Key, unknown>;
          left = count;
          index = 0;
          floatMark = marks.floatKeys.length;
          kidMark = marks.kids.length;
          orderMark = -1;
          loose = 0;
          slot = own;
          start = p;
          shape = null;
          proto = false;
          ceiling = 0;
          if (letter === 79) {
            kind = OBJECT;
            if (this.#expected !== null) {
              shape = this.#expected;
            } else {
              kind = BUILD;
              shape = new ObjectBuilder(container as PhpObject, this.#opening, null, slots, own);
            }
          } else {
            kind = Array.isArray(opened) ? LIST : MAP;
          }
        } else {
          // An empty array.
          if (b[p] !== 125) throw this.#syntax(p, depth, key);
          p++;
          opened = null;
        }
      }

      if (opened === null) {
        // A value is complete: store it, and close what it completes.
        if (kind === LIST) {
          (container as unknown[])[index++] = value;
        } else if (kind === MAP) {
          if (proto) define(container as object, key as string, value);
          else (container as Record<Key, unknown>)[key] = value;
          proto = false;
        } else if (kind === OBJECT) {
          (container as Record<Key, unknown>)[key] = value;
        } else if (kind === BUILD) {
          (shape as ObjectBuilder).store(value);
        } else {
          this.pos = p;
          return value;
        }
        if (isKid) {
          isKid = false;
          if (kind === LIST) {
            if (marks.kids.length === kidMark) {
              marks.kidKeys.push(index - 1);
              marks.kids.push(value as object);
            }
          } else if (kind !== BUILD) {
            marks.kidKeys.push(key as Key);
            marks.kids.push(value as object);
          }
        }
        left--;
      }

      while (left === 0) {
        if (b[p] !== 125) throw this.#syntax(p, depth, key);
        p++;
        let noted = false;
        const done = container as object;
        if (kind === LIST) {
          if (marks.floatKeys.length > floatMark || marks.kids.length > kidMark) {
            closeList(done as unknown[], marks, floatMark, kidMark);
            noted = true;
          }
        } else if (kind === MAP) {
          if (marks.floatKeys.length > floatMark || marks.kids.length > kidMark || orderMark >= 0) {
            const total = index;
            if (
              !closeMap(done, total, marks, floatMark, kidMark, orderMark, loose, slots !== null)
            ) {
              this.needsSlots = true;
            }
            noted = true;
          }
        } else {
          noted = true;
          if (kind === BUILD) {
            const layout = (shape as ObjectBuilder).finish();
            if (layout !== null) expectHead(layout);
          } else if (marks.floatKeys.length > floatMark || marks.kids.length > kidMark) {
            stampNotes(done, objectNotes(shape as Layout, marks, floatMark, kidMark));
          } else {
            stampNotes(done, (shape as Layout).plain);
          }
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
        slot = saved[base + 7]!;
        start = saved[base + 8]!;
        at = saved[base + 9]!;
        ceiling = saved[base + 10]!;
        container = stackContainers[depth] as Record<Key, unknown> | null;
        key = stackKeys[depth]!;
        shape = stackShapes[depth]!;
        stackContainers[depth] = null;
        stackShapes[depth] = null;
        if (kind === TOP) {
          this.pos = p;
          return done;
        }
        if (kind === LIST) {
          (container as unknown[])[index++] = done;
          // That there is one is enough: a list with noted elements remembers all.
          if (noted && marks.kids.length === kidMark) {
            marks.kidKeys.push(index - 1);
            marks.kids.push(done);
          }
        } else if (kind === BUILD) {
          (shape as ObjectBuilder).store(done);
        } else {
          // With slots it has stood there since it was opened.
          if (slots === null) {
            if (keyKinds[at] === PROTO) define(container as object, String(key), done);
            else (container as Record<Key, unknown>)[key] = done;
          }
          if (noted) {
            marks.kidKeys.push(key);
            marks.kids.push(done);
          }
        }
        left--;
      }

      // The next key.
      if (kind === OBJECT) {
        const layout = shape as Layout;
        // The words of the head come first.
        const known = layout.tokens!.words!;
        const length = known.lengths[index + 1]!;
        if (p + length <= end) {
          const { words } = known;
          const bytes = view as DataView;
          let word = known.starts[index + 1]!;
          const last = known.starts[index + 2]! - 1;
          for (let at = p; word < last && words[word] === bytes.getFloat64(at); at += 8) word++;
          if (word === last && words[last] === bytes.getFloat64(p + length - 8)) {
            key = layout.names[index++]!;
            p += length;
            continue;
          }
        }
        shape = this.#unexpected(container as PhpObject, layout, index, floatMark, kidMark);
        kind = BUILD;
      }
      // A map mostly has the keys that another one had, in the same order.
      const first = b[p];
      let expected = 0;
      let rank = 0;
      if (first === 115 && kind === MAP && view !== null) {
        const guess = index === 0 ? keyWithin[at]! : keyAfter[at]!;
        const size = keySizes[guess]!;
        if (size > 0 && p + size <= end) {
          const last = p + size - 8;
          let word = guess * WORDS;
          let q = p;
          for (; q < last && keyWords[word] === view.getFloat64(q); q += 8) word++;
          if (q >= last && keyWords[word] === view.getFloat64(last)) {
            expected = size;
            at = guess;
          }
        }
      }
      if (expected > 0) {
        key = keyTexts[at]!;
        rank = keyRanks[at]!;
        p += expected;
      } else if (first === 105) {
        let q = p + 2;
        const sign = b[q]!;
        if (sign === 45 || sign === 43) q++;
        let n = b[q]! - 48;
        if (b[p + 1] !== 58 || !(n >= 0 && n <= 9)) throw this.#syntax(p, depth, undefined);
        const from = q++;
        for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) n = n * 10 + d;
        if (b[q] !== 59) throw this.#syntax(p, depth, undefined);
        p = q + 1;
        if (kind === LIST) {
          if (n === index && sign !== 45 && q - from < 11) {
            key = index;
            continue;
          }
          container = this.#demote(container as unknown[], index, start, kidMark);
          orderMark = marks.order.length;
          for (let i = 0; i < index; i++) marks.order.push(i);
          kind = MAP;
        }
        if (q - from > 15) {
          key = String(this.#bigInt(from, q, sign === 45));
        } else if (sign === 45 && n > 0) {
          key = `-${n}`;
        } else if (n < 4294967295) {
          key = n;
        } else {
          key = String(n);
        }
        if (kind === BUILD) {
          (shape as ObjectBuilder).property(String(key), INT_KEY);
          key = String(key);
          continue;
        }
      } else if (first === 115 || first === 83) {
        let found: number;
        if (first === 115) {
          let q = p + 3;
          let n = b[p + 2]! - 48;
          if (b[p + 1] !== 58 || !(n >= 0 && n <= 9)) throw this.#syntax(p, depth, undefined);
          for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) n = n * 10 + d;
          const from = q + 2;
          const to = from + n;
          if (b[q] !== 58 || b[q + 1] !== 34 || b[to] !== 34 || b[to + 1] !== 59) {
            throw this.#syntax(p, depth, undefined);
          }
          found = keySlot(b, from, n);
          p = to + 2;
        } else {
          const raw = this.#escapedBytes(p, depth, undefined);
          found = keySlot(raw, 0, raw.length);
          p = this.pos;
        }
        const text = keyTexts[found]!;
        if (kind === BUILD) {
          const { name, scope } = unmangle(text);
          (shape as ObjectBuilder).property(name, scope);
          key = name;
          continue;
        }
        if (kind === LIST) {
          container = this.#demote(container as unknown[], index, start, kidMark);
          orderMark = marks.order.length;
          for (let i = 0; i < index; i++) marks.order.push(i);
          kind = MAP;
        }
        if (index === 0) keyWithin[at] = found;
        else keyAfter[at] = found;
        at = found;
        rank = keyRanks[found]!;
        key = keyKinds[found] === INDEX ? Number(text) : text;
        proto = keyKinds[found] === PROTO;
      } else {
        throw this.#syntax(p, depth, undefined);
      }
      // A key of a map: note PHP's order as soon as JavaScript would sort a key.
      index++;
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
      if (slots === null) continue;
      if (rank > ceiling && rank <= settled) {
        ceiling = rank;
      } else if (Object.hasOwn(container as object, key)) {
        // A repeated key: the last value in the first one's place, and no longer a reference.
        slots.release(slot, key);
        // PHP empties the place before it reads the new value, which therefore cannot refer to it.
        define(container as object, String(key), null);
        marks.floatKeys.push(key);
        marks.floatTexts.push(REPEATED);
        marks.kidKeys.push(key);
        marks.kids.push(REPEATED_KID);
        loose |= 2;
      }
    }
  }

  /** An array that began like a list: from here on a map. */
  #demote(list: unknown[], length: number, start: number, kidMark: number): Record<Key, unknown> {
    if (this.slots !== null) throw DEMOTED;
    this.demoted ??= new Set();
    this.demoted.add(start);
    marks.kidKeys.length = kidMark;
    marks.kids.length = kidMark;
    const map: Record<Key, unknown> = {};
    for (let i = 0; i < length; i++) {
      const value = list[i];
      map[i] = value;
      if (typeof value === 'object' && value !== null && getNotes(value) !== undefined) {
        marks.kidKeys.push(i);
        marks.kids.push(value);
      }
    }
    return map;
  }

  /** An object turns out to have another layout than expected. */
  #unexpected(
    object: PhpObject,
    layout: Layout,
    read: number,
    floatMark: number,
    kidMark: number,
  ): ObjectBuilder {
    if (this.slots !== null) throw UNEXPECTED;
    this.deviated = true;
    return ObjectBuilder.instead(object, layout, read, marks, floatMark, kidMark, null);
  }

  /** More digits than a double holds for certain. */
  #bigInt(start: number, end: number, negative: boolean): number | bigint {
    const digits = asText(this.bytes).latin1Slice(start, end).replace(/^0+/, '');
    // PHP clamps what is beyond 64 bits.
    if (digits.length > 19) return negative ? INT_MIN : INT_MAX;
    const magnitude = BigInt(digits);
    const value = negative ? -magnitude : magnitude;
    if (value > INT_MAX) return INT_MAX;
    if (value < INT_MIN) return INT_MIN;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number + 0 : value;
  }

  /** `X:LENGTH:"CLASS"` at p; leaves `pos` behind the closing quote. */
  #className(p: number, depth: number, key: Key | undefined): string {
    const b = this.bytes;
    const [from, length] = this.#quoted(p, depth, key);
    const name = keyTexts[keySlot(b, from, length)]!;
    if (!isKnownClass(name) && !isClassName(b, from, length)) throw this.#syntax(p, depth, key);
    this.pos = from + length + 1;
    return name;
  }

  #quoted(p: number, depth: number, key: Key | undefined): readonly [number, number] {
    const b = this.bytes;
    let q = p + 2;
    let n = 0;
    for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) n = n * 10 + d;
    const bad = b[p + 1] !== 58 || q === p + 2 || b[q] !== 58 || b[q + 1] !== 34;
    if (bad || b[q + 2 + n] !== 34) throw this.#syntax(p, depth, key);
    return [q + 2, n];
  }

  #enum(p: number, depth: number, key: Key | undefined): PhpEnum {
    const b = this.bytes;
    const [from, length] = this.#quoted(p, depth, key);
    const colon = b.indexOf(58, from) - from;
    const to = from + length;
    if (b[to + 1] !== 59 || colon < 0 || colon >= length - 1 || !isClassName(b, from, colon)) {
      throw this.#syntax(p, depth, key);
    }
    this.pos = to + 2;
    return new PhpEnum(decodeKey(b, from, from + colon), decodeKey(b, from + colon + 1, to));
  }

  #payload(p: number, depth: number, key: Key | undefined, own: number): PhpSerializedObject {
    const b = this.bytes;
    const className = this.#className(p, depth, key);
    const header = this.pos;
    let q = header + 1;
    if (b[q] === 43) q++;
    const first = q;
    let n = 0;
    for (let d = b[q]! - 48; d >= 0 && d <= 9; d = b[++q]! - 48) n = n * 10 + d;
    const from = q + 2;
    const bad = b[header] !== 58 || q === first || b[q] !== 58 || b[q + 1] !== 123;
    if (bad || b[from + n] !== 125) throw this.#syntax(p, depth, key);
    this.pos = from + n + 1;
    const data = Buffer.allocUnsafeSlow(n);
    b.copy(data, 0, from, from + n);
    const value = new PhpSerializedObject(className, data);
    const info = payloadInfo(data, this.limits.maxDepth);
    if (this.slots === null) {
      if (info.backReferences) this.needsSlots = true;
    } else {
      const slots = this.payloadSlots ? info.slots : 0;
      setNotes(value, makeNotes({ format: { php: { at: own + 1, slots } } }));
      for (let i = 1; i <= slots; i++) this.slots.pushPayload(own, new PayloadSlot(value, i, 'r'));
    }
    return value;
  }

  #escaped(p: number, depth: number, key: Key | undefined): string | Buffer {
    const raw = this.#escapedBytes(p, depth, key);
    return decodeText(raw, 0, raw.length);
  }

  /** `S:LENGTH:"…\xx…";`, which PHP reads and never writes. */
  #escapedBytes(p: number, depth: number, key: Key | undefined): Buffer {
    const b = this.bytes;
    const end = skipEscaped(b, p);
    if (end < 0) throw this.#syntax(p, depth, key);
    const from = b.indexOf(34, p) + 1;
    const raw: number[] = [];
    for (let q = from; q < end - 2; q++) {
      if (b[q] === 92) {
        raw.push(Number.parseInt(asText(b).latin1Slice(q + 1, q + 3), 16));
        q += 2;
      } else {
        raw.push(b[q]!);
      }
    }
    this.pos = end;
    return Buffer.from(raw);
  }

  #path(depth: number, key: Key | undefined): string {
    const keys = stackKeys.slice(0, depth);
    if (key !== undefined) keys[depth] = key;
    if (!this.named) keys.shift();
    return joinPath(keys);
  }

  #syntax(p: number, depth: number, key: Key | undefined): CodecError {
    const cut = p >= this.bytes.length;
    return new CodecError(
      'ERR_PSB_CODEC_SYNTAX',
      cut ? 'serialized data ends too early' : `not serialized data at byte ${p}`,
      { offset: Math.min(p, this.bytes.length), path: this.#path(depth, key) },
    );
  }

  #reference(p: number, depth: number, key: Key | undefined): CodecError {
    return new CodecError(
      'ERR_PSB_CODEC_REFERENCE',
      `the back-reference at byte ${p} points at nothing that it may point at`,
      { offset: p, path: this.#path(depth, key) },
    );
  }

  #limit(what: 'depth' | 'elements', p: number, depth: number, key: Key | undefined): CodecError {
    const name = what === 'depth' ? 'maxDepth' : 'maxElements';
    return new CodecError(
      'ERR_PSB_CODEC_LIMIT',
      `serialized data beyond ${name} (${this.limits[name]})`,
      { offset: p, path: this.#path(depth, key) },
    );
  }
}

function growStack(): void {
  const larger = new Int32Array(stackNumbers.length * 2);
  larger.set(stackNumbers);
  stackNumbers = larger;
}

/** PHP: letters, digits, `_`, `\` and bytes from 0x80 on, not starting with a backslash. */
function isClassName(b: Buffer, start: number, length: number): boolean {
  if (length === 0 || b[start] === 92) return false;
  for (let i = start; i < start + length; i++) {
    const c = b[i]!;
    const good =
      (c >= 97 && c <= 122) ||
      (c >= 65 && c <= 90) ||
      (c >= 48 && c <= 57) ||
      c === 95 ||
      c === 92 ||
      c >= 128;
    if (!good) return false;
  }
  return true;
}

declare module '../notes.ts' {
  interface FormatNotes {
    /** Of a `Serializable` payload: the slot it had, and how many slots it holds. */
    readonly php?: { readonly at: number; readonly slots: number };
  }
}
