/**
 * The slot table: what `r:` and `R:` point at. It costs a tenth of the reading time, so a blob is
 * read without it first and again with it only if it has a back-reference.
 *
 * A slot is a place (this key in that container), not a value: PHP numbers variables. Slots are
 * kept as parallel arrays; a place is known by the slot of its container and its key.
 */

import {
  Cell,
  getNotes,
  type HeldCells,
  type Key,
  type Notes,
  newNotes,
  setNotes,
  stampNotes,
} from '../notes.ts';

/** What stands for a place that is not (any more) a key of its container. */
interface Elsewhere {
  value: unknown;
  cell?: Cell | null;
}

/** Something inside of the payload of a `Serializable` object that other places point at. */
export class PayloadSlot {
  readonly payload: object;
  /** Slots after the payload's own. */
  readonly distance: number;
  readonly letter: 'r' | 'R';

  constructor(payload: object, distance: number, letter: 'r' | 'R') {
    this.payload = payload;
    this.distance = distance;
    this.letter = letter;
  }
}

/** A claimed number of slots buys no more room than this. */
const MOST_ROOM = 1024;

/** The slot of the root variables under handlers that give them none. */
export const ROOT = -1;

/** Up to this many references of one container are searched one by one. */
const FEW = 8;

/** One reference that a container holds, and the others: cheaper than a Map while they are few. */
class Held implements HeldCells {
  readonly key: string;
  readonly cell: Cell;
  readonly next: Held | null;
  readonly count: number;

  constructor(key: string, cell: Cell, next: Held | null) {
    this.key = key;
    this.cell = cell;
    this.next = next;
    this.count = next === null ? 1 : next.count + 1;
  }

  get(key: string): Cell | undefined {
    let held: Held | null = this;
    do {
      if (held.key === key) return held.cell;
      held = held.next;
    } while (held !== null);
    return undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  toMap(): Map<string, Cell> {
    const map = this.next === null ? new Map<string, Cell>() : this.next.toMap();
    return map.set(this.key, this.cell);
  }
}

function placeName(parent: number, key: Key): string {
  return `${parent} ${key}`;
}

export class Slots {
  readonly #root: object;
  #count = 0;
  readonly #parents: number[];
  readonly #keys: Key[];
  /** The container or object of a slot; for scalars the place itself is asked. */
  readonly #values: (object | undefined)[];
  #floats: Map<number, string | null> | null = null;
  /** Slots of the root's own variables by name. */
  readonly #variables = new Map<string, number>();
  /** Slots whose places are no longer keys of their containers. */
  #elsewhere: Map<number, Elsewhere> | null = null;
  /** What the container of a slot holds, and which ones hold anything. */
  #held: (Held | Map<string, Cell> | undefined)[] = [];
  #rootHeld: Held | Map<string, Cell> | undefined;
  readonly #holders: number[] = [];
  /** The last chain of each length that was made: records that hold the same references share it. */
  readonly #latest: (Held | null)[] = [null];
  /** Has a place been overwritten or moved, so that what was opened there may be there no longer? */
  #displaced = false;
  /** The last slot of each place that was taken since. */
  #overwriting: Map<string, number> | null = null;
  #hasPayloads = false;
  /** Noted while there are payloads, of which it may show that they take no slots. */
  #handles: Set<number> | null = null;
  readonly #cells: Cell[] = [];
  readonly #cellSlots: number[] = [];

  /** @param expected About how many slots there will be. */
  constructor(root: object, expected: number) {
    this.#root = root;
    const room = Math.min(expected, MOST_ROOM);
    this.#parents = new Array<number>(room);
    this.#keys = new Array<Key>(room);
    this.#values = new Array<object | undefined>(room);
  }

  get count(): number {
    return this.#count;
  }

  /** Are there slots inside of the payloads of `Serializable` objects? */
  get hasPayloads(): boolean {
    return this.#hasPayloads;
  }

  /** This slot is a further name of an object (`r:`). */
  addHandle(slot: number): void {
    this.#handles ??= new Set();
    this.#handles.add(slot);
  }

  /** PHP never points at one: it points at the first name. */
  isHandle(slot: number): boolean {
    return this.#handles?.has(slot) === true;
  }

  /** Takes the next slot inside of a payload. */
  pushPayload(parent: number, slot: PayloadSlot): void {
    this.#hasPayloads = true;
    this.open(this.push(parent, ''), slot);
  }

  /** Takes the next slot for this place. */
  push(parent: number, key: Key): number {
    const slot = this.#count++;
    if (parent === ROOT) this.#variables.set(String(key), slot);
    this.#parents[slot] = parent;
    this.#keys[slot] = key;
    if (this.#displaced) this.#overwrite(parent, key, slot);
    return slot;
  }

  /** The place holds a float; its text if that is not the canonical one. */
  setFloat(slot: number, text: string | null): void {
    this.#floats ??= new Map();
    this.#floats.set(slot, text);
  }

  isFloat(slot: number): boolean {
    return this.#floats?.has(this.#latestOf(slot)) === true;
  }

  floatText(slot: number): string | null {
    return this.#floats?.get(this.#latestOf(slot)) ?? null;
  }

  #overwrite(parent: number, key: Key, slot: number): void {
    this.#overwriting ??= new Map();
    this.#overwriting.set(placeName(parent, key), slot);
  }

  /** The slot whose value the place of this one holds: a later one if it was overwritten. */
  #latestOf(slot: number): number {
    if (this.#overwriting === null || this.#elsewhere?.has(slot)) return slot;
    return this.#overwriting.get(placeName(this.#parents[slot]!, this.#keys[slot]!)) ?? slot;
  }

  /** A container was opened in the place of this slot. */
  open(slot: number, container: object): void {
    this.#values[slot] = container;
  }

  /** Moves a place to where its container no longer shows it. */
  move(slot: number, to: Elsewhere): void {
    this.#displaced = true;
    this.#elsewhere ??= new Map();
    this.#elsewhere.set(slot, to);
  }

  /**
   * A session variable is about to be read a second time: the first one's slots stay its own, and
   * what refers to them does not become the new variable.
   */
  detach(name: string): void {
    const slot = this.#variables.get(name);
    if (slot === undefined) {
      // It was a reference to another one, and took no slot.
      this.release(ROOT, name);
      return;
    }
    this.#variables.delete(name);
    this.move(slot, { value: this.read(slot), cell: this.release(ROOT, name) });
  }

  /** The value that stands in the place of a slot now. */
  read(slot: number): unknown {
    const value = this.#values[slot];
    if (!this.#displaced) {
      if (value) return value;
      // What is referred to once is mostly referred to again.
      const known = this.#latestCell(slot);
      if (known !== null) return known.value;
    }
    if (this.#elsewhere !== null) {
      const moved = this.#elsewhere.get(slot);
      if (moved !== undefined) return moved.value;
    }
    const parent = this.#parents[slot]!;
    // The root gets its values when they are complete; inside of a payload there are no places.
    if (value && (parent < 0 || value instanceof PayloadSlot)) return value;
    // Elsewhere the place itself is asked: a repeated key may have overwritten it.
    const owner = parent < 0 ? this.#root : this.#values[parent];
    return (owner as Record<Key, unknown>)[this.#keys[slot]!];
  }

  /** Is this slot the place (parent, key) itself? */
  isPlace(slot: number, parent: number, key: Key): boolean {
    if (this.#parents[slot] !== parent || this.#keys[slot] !== key) return false;
    return this.#elsewhere === null || !this.#elsewhere.has(slot);
  }

  isMovedTo(slot: number, to: Elsewhere): boolean {
    return this.#elsewhere?.get(slot) === to;
  }

  /** The place (parent, key) becomes another holder of the variable in `slot`. */
  alias(slot: number, parent: number, key: Key): void {
    const cell = this.#cellOf(slot);
    if (this.#displaced) this.#overwrite(parent, key, this.#latestOf(slot));
    this.hold(parent, key, cell);
  }

  /** As `alias`, for a place that is not a key of its container. */
  aliasElsewhere(slot: number): Cell {
    return this.#cellOf(slot);
  }

  #heldBy(parent: number): Held | Map<string, Cell> | undefined {
    return parent < 0 ? this.#rootHeld : this.#held[parent];
  }

  #setHeld(parent: number, held: Held | Map<string, Cell> | undefined): void {
    if (parent < 0) this.#rootHeld = held;
    else this.#held[parent] = held;
  }

  hold(parent: number, key: Key, cell: Cell): void {
    const name = typeof key === 'string' ? key : String(key);
    const held = this.#heldBy(parent);
    if (held === undefined) {
      if (this.#holders.length === 0) this.#held = new Array(this.#parents.length);
      this.#holders.push(parent);
      this.#setHeld(parent, this.#chain(name, cell, null));
    } else if (!(held instanceof Held)) {
      held.set(name, cell);
    } else if (held.count < FEW && !held.has(name)) {
      this.#setHeld(parent, this.#chain(name, cell, held));
    } else {
      this.#setHeld(parent, held.toMap().set(name, cell));
    }
  }

  /** Puts a reference on top of those that a container holds, as another one may have it already. */
  #chain(name: string, cell: Cell, next: Held | null): Held {
    const count = next === null ? 1 : next.count + 1;
    const latest = this.#latest[count];
    if (latest && latest.next === next && latest.cell === cell && latest.key === name)
      return latest;
    const made = new Held(name, cell, next);
    this.#latest[count] = made;
    return made;
  }

  /** A place was overwritten: it holds a new variable. Returns the reference that it held. */
  release(parent: number, key: Key): Cell | null {
    this.#displaced = true;
    const held = this.#heldBy(parent);
    const cell = held?.get(String(key));
    if (held === undefined || cell === undefined) return null;
    const others = held instanceof Held ? held.toMap() : held;
    others.delete(String(key));
    this.#setHeld(parent, others);
    return cell;
  }

  /** The cell of this slot, if it is one of the last that were made. */
  #latestCell(slot: number): Cell | null {
    const slots = this.#cellSlots;
    const first = Math.max(0, slots.length - FEW);
    for (let i = slots.length - 1; i >= first; i--) if (slots[i] === slot) return this.#cells[i]!;
    return null;
  }

  #cellOf(slot: number): Cell {
    if (!this.#displaced) {
      const known = this.#latestCell(slot);
      if (known !== null) return known;
    }
    const moved = this.#elsewhere?.get(slot);
    const parent = this.#parents[slot]!;
    const key = this.#keys[slot]!;
    let cell = moved ? (moved.cell ?? undefined) : this.#heldBy(parent)?.get(String(key));
    if (cell === undefined) {
      cell = new Cell(this.read(slot));
      this.#cells.push(cell);
      this.#cellSlots.push(slot);
      if (moved) moved.cell = cell;
      else this.hold(parent, key, cell);
    }
    return cell;
  }

  /** Writes the references into the notes, when all is read. */
  finish(): void {
    if (this.#holders.length === 0) return;
    const parents = this.#parents;
    if (this.#displaced) {
      for (const [i, cell] of this.#cells.entries()) cell.value = this.read(this.#cellSlots[i]!);
    }
    // Every container above a noted one must know of it. By slot: the notes that it has already …
    const before = new Array<Notes | null | undefined>(this.#count);
    // … and by slot + 1 (the root has none): what it must know of.
    const kids = new Array<number[] | undefined>(this.#count + 1);
    const marked: number[] = [];
    let rootMarked = this.#rootHeld !== undefined;
    for (const holder of this.#holders) {
      let slot = holder;
      while (slot >= 0 && before[slot] === undefined) {
        const own = getNotes(this.#values[slot] as object) ?? null;
        before[slot] = own;
        marked.push(slot);
        const parent = parents[slot]!;
        // Lists have their elements in the notes anyway.
        const inList = parent >= 0 && Array.isArray(this.#values[parent]);
        if (!inList && own === null && this.#elsewhere?.has(slot) !== true) {
          const list = kids[parent + 1];
          if (list === undefined) kids[parent + 1] = [slot];
          else list.push(slot);
          if (parent < 0) rootMarked = true;
        }
        slot = parent;
      }
    }
    // Of maps that have nothing but the same references.
    let shared: Notes | null = null;
    for (const slot of marked) {
      const container = this.#values[slot] as object;
      const cells = this.#heldBy(slot) ?? null;
      const own = before[slot] as Notes | null;
      const bare = own === null && kids[slot + 1] === undefined && !Array.isArray(container);
      if (bare && shared !== null && shared.cells === cells) {
        stampNotes(container, shared);
      } else {
        const notes = this.#noted(container, own ?? undefined, cells, kids[slot + 1]);
        if (bare) shared = notes;
      }
    }
    if (rootMarked) {
      this.#noted(this.#root, getNotes(this.#root), this.#rootHeld ?? null, kids[0]);
    }
  }

  /** Stamps a container with what it holds, beside the notes that it has. */
  #noted(
    container: object,
    before: Notes | undefined,
    cells: HeldCells | null,
    kids: readonly number[] | undefined,
  ): Notes {
    const notes = newNotes(before);
    notes.cells = cells;
    if (Array.isArray(container)) {
      notes.values ??= container.slice();
    } else if (kids !== undefined) {
      const keys = kids.map((kid) => this.#keys[kid]!);
      notes.kidKeys = notes.kidKeys === null ? keys : [...notes.kidKeys, ...keys];
      const values = kids.map((kid) => this.#values[kid] as object);
      notes.kids = notes.kids === null ? values : [...notes.kids, ...values];
    }
    setNotes(container, notes);
    return notes;
  }
}
