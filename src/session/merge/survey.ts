/**
 * One walk over a version of the session before it is merged: every container gets a number by
 * which it can be compared with any other (by value, PHP kind, order and sharing), and the slots
 * that references or one object in two places tie together are found.
 *
 * The walk keeps its own stack: visitors decide how deep a session is.
 */
import { isIntegerKey, isIntegerNumber } from '../../codec/integers.ts';
import type { Cell, HiddenSlot, Key } from '../../codec/notes.ts';
import { isPlain, listKeys } from '../../codec/plain.ts';
import { isObjectValue, PhpEnum, PhpFloat, PhpSerializedObject } from '../../codec/values.ts';
import { type View, viewOf } from '../../codec/view.ts';
import { CodecError } from '../../errors.ts';
import type { Interner } from './interner.ts';
import { NO_SLOT_NOTES, type Slot } from './slot-notes.ts';

/** map = a non-empty array that is no list; object = a PHP object, which merges as one piece. */
type Kind = 'map' | 'list' | 'empty' | 'object';

// Tags of this file; those of the interner are smaller.
const NULL = 8;
const TRUE = 9;
const FALSE = 10;
const EMPTY = 11;
const LIST = 12;
const MAP = 13;
const OBJECT = 14;
const SCOPE = 15;
const HIDDEN = 16;
const TIE = 17;
const CIRCLE = 18;
const ENUM = 19;
const PAYLOAD = 20;

/** Two slots below one container that are one variable, or hold one object. */
export interface Tie {
  /** Keys of the container: in whose slots the two lie, at the top or deep inside. */
  readonly first: string;
  readonly second: string;
  /** Where in those slots: slots passed since the slot began. */
  readonly firstOffset: number;
  readonly secondOffset: number;
}

/** A container (an array or an object) of one version. */
export class Surveyed {
  readonly container: object;
  readonly view: View | undefined;
  /** The keys in PHP's order, `null` for a list in a JavaScript array. */
  names: readonly string[] | null;
  kind: Kind = 'map';
  /** Equal to another container's number if both say the same. */
  number = 0;
  /** The numbers of the values, in the order of the keys. */
  readonly numbers: number[] = [];
  /** The containers among the values, by their place. */
  kids: Surveyed[] | null = null;
  /** Ties between two slots of this container, of which neither holds the other. */
  ties: Tie[] | null = null;
  /** Two properties or keys have one JavaScript name: it is merged as one piece. */
  hasHidden = false;
  /** It holds itself. */
  isCircular = false;
  #places: Map<string, number> | undefined;
  #isStringKeyed: boolean | undefined;

  constructor(container: object, view: View | undefined, names: readonly string[] | null) {
    this.container = container;
    this.view = view;
    this.names = names;
  }

  get length(): number {
    return this.numbers.length;
  }

  /** Has no PHP key that is an integer. */
  get isStringKeyed(): boolean {
    this.#isStringKeyed ??=
      this.kind === 'empty' ||
      (this.kind === 'map' && this.names?.every((key) => !isIntegerKey(key)) === true);
    return this.#isStringKeyed;
  }

  key(place: number): string {
    return this.names === null ? String(place) : (this.names[place] as string);
  }

  /** @param hint where it probably is */
  placeOf(key: string, hint: number): number {
    const { names } = this;
    if (names === null) {
      const place = Number(key);
      return place < this.length && String(place) === key ? place : -1;
    }
    if (names[hint] === key) return hint;
    if (names.length <= FEW) return names.indexOf(key);
    this.#places ??= new Map(names.map((name, place) => [name, place]));
    return this.#places.get(key) ?? -1;
  }

  kid(place: number): Surveyed | undefined {
    return this.kids?.[place];
  }

  slotAt(place: number): Slot {
    const value = this.valueAt(place);
    const { view } = this;
    if (view === undefined) return { value, notes: NO_SLOT_NOTES };
    const key = this.key(place);
    const float = typeof value === 'number' ? view.float(key, value) : undefined;
    return { value, notes: { float, cell: view.cell(key, value) } };
  }

  valueAt(place: number): unknown {
    return (this.container as Record<Key, unknown>)[
      this.names === null ? place : (this.names[place] as string)
    ];
  }
}

/** Deeper than any session that is read or written by default. */
const DEEPEST = 5000;

/** So many keys are looked through rather than looked up. */
const FEW = 8;

/** A slot that the walk has passed. */
interface Passed {
  readonly frame: Frame;
  readonly key: Key;
  readonly at: number;
}

/** A container on its way; afterwards what a later tie needs to find the common ancestor. */
class Frame {
  readonly node: Surveyed;
  /** `null` for a list in a JavaScript array. */
  readonly slots: readonly (Key | HiddenSlot)[] | null;
  readonly length: number;
  readonly above: Frame | null;
  readonly depth: number;
  /** Slots passed before the slot of the container above that holds this one, … */
  readonly start: number;
  /** … and the key of that slot. */
  readonly key: Key;
  next = 0;
  finished = false;
  /** Finished ancestors are stepped over once only. */
  topmost: Frame = this;
  /** The slot that is being looked at. */
  currentKey: Key = '';
  currentStart = 0;
  /** The smallest depth that a circle from inside leads to. */
  circle = Number.POSITIVE_INFINITY;
  /** What hidden slots add to the number. */
  hidden = 0;
  /** The slot by which it was met last, if that is another one than its own. */
  met: Passed | null = null;

  constructor(
    node: Surveyed,
    slots: readonly (Key | HiddenSlot)[] | null,
    above: Frame | null,
    key: Key,
    start: number,
  ) {
    this.node = node;
    this.slots = slots;
    this.length = slots === null ? (node.container as readonly unknown[]).length : slots.length;
    this.above = above;
    this.depth = above === null ? 0 : above.depth + 1;
    this.key = key;
    this.start = start;
  }
}

export class Survey {
  readonly #interner: Interner;
  readonly #tracksAll: boolean;
  /** Containers that may be met again: objects, and what a reference holds. */
  readonly #frames = new Map<object, Frame>();
  readonly #payloads = new Map<object, Passed>();
  readonly #holders = new Map<Cell, Passed>();
  #passed = 0;
  #top: Frame | null = null;

  /**
   * @param isDecoded nobody but the decoder made these values: an array stands in two places only
   *   by a reference
   */
  constructor(interner: Interner, isDecoded: boolean) {
    this.#interner = interner;
    this.#tracksAll = !isDecoded;
  }

  of(root: object): Surveyed {
    const frame = this.#enter(root, undefined, '', 0);
    this.#frames.set(root, frame);
    while (this.#top !== null) this.#walk(this.#top);
    return frame.node;
  }

  #enter(container: object, before: object | undefined, key: Key, start: number): Frame {
    // A binary format can say that an array holds itself, without a reference.
    if (this.#top !== null && this.#top.depth > DEEPEST) throw tooDeep();
    const view = viewOf(container, before);
    // The decoder makes no list with holes or names.
    const isList = Array.isArray(container) && (!this.#tracksAll || listKeys(container) === null);
    const slots = isList ? null : (view?.keys() ?? Object.keys(container));
    // Without notes these are the names, if none of the values is undefined.
    const names = slots === null ? null : view === undefined ? (slots as string[]) : [];
    const node = new Surveyed(container, view, names);
    const frame = new Frame(node, slots, this.#top, key, start);
    this.#top = frame;
    return frame;
  }

  /** Looks at the slots of a container until one of them has to be entered, or it is done. */
  #walk(frame: Frame): void {
    const { node, slots, length } = frame;
    const { container, view, numbers } = node;
    const interner = this.#interner;
    while (frame.next < length) {
      const slot = slots === null ? frame.next : (slots[frame.next] as Key | HiddenSlot);
      if (typeof slot === 'object') {
        frame.currentKey = slot.name;
        if (!this.#value(frame, slot.value, slot.cell ?? undefined, slot.float)) return;
        continue;
      }
      const value = (container as Record<Key, unknown>)[slot];
      if (view === undefined) {
        // The everyday case: no notes, so that nothing is tied and numbers say what they are.
        if (typeof value === 'string') {
          numbers.push(interner.string(value));
          this.#passed++;
          frame.next++;
          continue;
        }
        if (typeof value === 'number') {
          numbers.push(isIntegerNumber(value) ? interner.int(value) : interner.float(value));
          this.#passed++;
          frame.next++;
          continue;
        }
      }
      if (value === undefined && slots !== null) {
        this.#leaveOut(frame);
        continue;
      }
      frame.currentKey = slot;
      const float = typeof value === 'number' && view?.float(slot, value) !== undefined;
      if (!this.#value(frame, value, view?.cell(slot, value), float)) return;
    }
    this.#leave(frame);
  }

  /** What is undefined is no entry of a map. */
  #leaveOut(frame: Frame): void {
    const { node, slots } = frame;
    if (node.names === slots) node.names = node.names?.slice(0, frame.next) ?? null;
    frame.next++;
  }

  /** @returns `false` if the value has to be looked into first */
  #value(frame: Frame, value: unknown, cell: Cell | undefined, float: boolean): boolean {
    const at = this.#passed++;
    frame.currentStart = at;
    if (cell !== undefined) {
      this.#tie(this.#holders.get(cell), frame, at);
      this.#holders.set(cell, { frame, key: frame.currentKey, at });
    }
    if (typeof value !== 'object' || value === null) {
      this.#took(frame, this.#scalar(value, float), undefined);
      return true;
    }
    const number = this.#leaf(value);
    if (number !== 0) {
      if (value instanceof PhpSerializedObject) {
        this.#tie(this.#payloads.get(value), frame, at);
        this.#payloads.set(value, { frame, key: frame.currentKey, at });
      }
      this.#took(frame, number, undefined);
      return true;
    }
    const isObject = isObjectValue(value);
    const mayReturn = isObject || cell !== undefined || this.#tracksAll;
    const known = mayReturn ? this.#frames.get(value) : undefined;
    if (known === undefined) {
      const inside = this.#enter(
        value,
        frame.node.view?.kid(frame.currentKey),
        frame.currentKey,
        at,
      );
      if (mayReturn) this.#frames.set(value, inside);
      return false;
    }
    if (isObject) {
      const above = known.above ?? known;
      this.#tie(known.met ?? { frame: above, key: known.key, at: known.start }, frame, at);
      known.met = { frame, key: frame.currentKey, at };
    }
    if (known.finished) {
      this.#took(frame, known.node.number, known.node);
    } else {
      frame.circle = Math.min(frame.circle, known.depth);
      this.#took(frame, this.#interner.pair(CIRCLE, frame.depth - known.depth), known.node);
    }
    return true;
  }

  #scalar(value: unknown, float: boolean): number {
    switch (typeof value) {
      case 'string':
        return this.#interner.string(value);
      case 'number':
        return !float && isIntegerNumber(value)
          ? this.#interner.int(value)
          : this.#interner.float(value);
      case 'bigint':
        return this.#interner.bigint(value);
      case 'boolean':
        return value ? TRUE : FALSE;
      default:
        // Undefined in a list is PHP's null; functions and symbols are refused by the encoder.
        return NULL;
    }
  }

  /** @returns 0 for a container that is to be walked */
  #leaf(value: object): number {
    if (Array.isArray(value)) return 0;
    const interner = this.#interner;
    if (value instanceof Uint8Array) return interner.bytes(value);
    if (isPlain(value)) return 0;
    if (value instanceof PhpFloat) return interner.float(value.value);
    if (value instanceof PhpEnum) {
      return interner.pair(
        interner.pair(ENUM, interner.text(value.className)),
        interner.text(value.caseName),
      );
    }
    if (value instanceof PhpSerializedObject) {
      return interner.pair(
        interner.pair(PAYLOAD, interner.text(value.className)),
        interner.bytes(value.data),
      );
    }
    return isObjectValue(value) ? 0 : interner.unique();
  }

  /** The value in the current slot of this container is known. */
  #took(frame: Frame, number: number, kid: Surveyed | undefined): void {
    const { node, slots } = frame;
    const slot = slots?.[frame.next];
    frame.next++;
    if (typeof slot === 'object') {
      const interner = this.#interner;
      node.hasHidden = true;
      const name = interner.pair(interner.text(slot.name), this.#scope(slot.scope));
      frame.hidden = interner.pair(
        interner.pair(interner.pair(HIDDEN, frame.hidden), name),
        number,
      );
      return;
    }
    const { names, numbers } = node;
    if (kid !== undefined) {
      node.kids ??= [];
      node.kids[numbers.length] = kid;
    }
    if (names !== null && names !== slots) (names as string[]).push(String(slot));
    numbers.push(number);
  }

  #scope(scope: string | null | undefined): number {
    return scope === null || scope === undefined
      ? SCOPE
      : this.#interner.pair(SCOPE, this.#interner.text(scope));
  }

  #leave(frame: Frame): void {
    const { node, above } = frame;
    node.isCircular = frame.circle <= frame.depth;
    node.kind = kindOf(node);
    node.number = this.#fold(frame);
    frame.finished = true;
    this.#top = above;
    if (above === null) return;
    // A circle that ends further up goes through the container above, too.
    if (frame.circle < frame.depth) above.circle = Math.min(above.circle, frame.circle);
    this.#took(above, node.number, node);
  }

  /** All that a container says, as one number. */
  #fold({ node, hidden }: Frame): number {
    const interner = this.#interner;
    const { kind, names, numbers, view } = node;
    if (kind === 'empty') return EMPTY;
    let state = LIST;
    if (kind === 'list') {
      for (let i = 0; i < numbers.length; i++) state = interner.pair(state, numbers[i] as number);
    } else {
      const isObject = kind === 'object';
      state = isObject
        ? interner.pair(OBJECT, interner.text(view?.notes.layout?.className ?? ''))
        : MAP;
      for (let i = 0; i < numbers.length; i++) {
        const name = (names as readonly string[])[i] as string;
        state = interner.pair(state, interner.text(name));
        if (isObject) state = interner.pair(state, this.#scope(view?.scope(name)));
        state = interner.pair(state, numbers[i] as number);
      }
    }
    if (hidden !== 0) state = interner.pair(interner.pair(state, HIDDEN), hidden);
    for (const tie of node.ties ?? []) {
      state = interner.pair(interner.pair(state, TIE), interner.text(tie.first));
      state = interner.pair(interner.pair(state, tie.firstOffset), interner.text(tie.second));
      state = interner.pair(state, tie.secondOffset);
    }
    return state;
  }

  /**
   * The same thing is met once more: the two slots are tied, in the lowest container that has both.
   * Of all finished containers only the topmost matters, so the way up is shortened as it is gone.
   */
  #tie(before: Passed | undefined, frame: Frame, at: number): void {
    if (before === undefined) return;
    let common = before.frame;
    let { key: first, at: start } = before;
    if (common.finished) {
      const top = topmost(common);
      // The root is never finished while the walk goes on.
      common = top.above as Frame;
      first = top.key;
      start = top.start;
    }
    const isHere = common === frame;
    common.node.ties ??= [];
    common.node.ties.push({
      first: String(first),
      firstOffset: before.at - start,
      second: String(common.currentKey),
      secondOffset: at - (isHere ? at : common.currentStart),
    });
  }
}

function tooDeep(): CodecError {
  return new CodecError(
    'ERR_PSB_CODEC_LIMIT',
    `session variables nested more than ${DEEPEST} deep cannot be merged`,
  );
}

/** The highest finished container that holds this one. */
function topmost(frame: Frame): Frame {
  let top = frame;
  while (top.topmost !== top || top.above?.finished === true) {
    top = top.topmost === top ? (top.above as Frame) : top.topmost;
  }
  for (let at = frame; at !== top; ) {
    const next = at.topmost === at ? (at.above as Frame) : at.topmost;
    at.topmost = top;
    at = next;
  }
  return top;
}

function kindOf(node: Surveyed): Kind {
  if (isObjectValue(node.container)) return 'object';
  if (node.names === null) return node.length === 0 ? 'empty' : 'list';
  if (node.hasHidden) return 'map';
  if (node.length === 0) return 'empty';
  return node.names.every((name, place) => name === String(place)) ? 'list' : 'map';
}
