/**
 * The slot table: what `r:` and `R:` point at. It costs a tenth of the reading time, so a blob is
 * read without it first and again with it only if it has a back-reference.
 *
 * A slot is a place (this key in that container), not a value: PHP numbers variables. Slots are
 * kept as parallel arrays; a place is known by the slot of its container and its key.
 */

import { Cell, getNotes, type Key, makeNotes, setNotes } from '../notes.ts';

/** What stands for a place that is not (any more) a key of its container. */
interface Elsewhere {
  value: unknown;
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

/** The slot of the root variables under handlers that give them none. */
export const ROOT = -1;

export class Slots {
  readonly #root: object;
  readonly #parents: number[] = [];
  readonly #keys: Key[] = [];
  /** The container or object of a slot; for scalars the place itself is asked. */
  readonly #values: (object | null)[] = [];
  readonly #floats = new Map<number, string | null>();
  /** Slots of the root's own variables by name. */
  readonly #variables = new Map<string, number>();
  readonly #elsewhere = new Map<number, Elsewhere>();
  readonly #cells = new Map<number, Map<string, Cell>>();
  readonly #cellSlots = new Map<Cell, number>();

  constructor(root: object) {
    this.#root = root;
  }

  get count(): number {
    return this.#parents.length;
  }

  /** Takes the next slot for this place. */
  push(parent: number, key: Key, value: object | null): number {
    if (parent === ROOT) this.#variables.set(String(key), this.count);
    this.#parents.push(parent);
    this.#keys.push(key);
    return this.#values.push(value) - 1;
  }

  /** The place holds a float; its text if that is not the canonical one. */
  setFloat(slot: number, text: string | null): void {
    this.#floats.set(slot, text);
  }

  isFloat(slot: number): boolean {
    return this.#floats.has(slot);
  }

  floatText(slot: number): string | null {
    return this.#floats.get(slot) ?? null;
  }

  /** A container was opened in the place of this slot. */
  open(slot: number, container: object): void {
    this.#values[slot] = container;
  }

  /** Moves a place to where its container no longer shows it. */
  move(slot: number, to: Elsewhere): void {
    this.#elsewhere.set(slot, to);
  }

  /**
   * A session variable is about to be read a second time: the first one's slots stay its own, and
   * what refers to them does not become the new variable.
   */
  detach(name: string): void {
    const slot = this.#variables.get(name);
    if (slot === undefined) return;
    this.#variables.delete(name);
    const moved = { value: this.read(slot), cell: this.release(ROOT, name) };
    this.#elsewhere.set(slot, moved);
  }

  /** The value that stands in the place of a slot now. */
  read(slot: number): unknown {
    const value = this.#values[slot];
    const moved = this.#elsewhere.get(slot);
    if (moved !== undefined) return moved.value;
    const parent = this.#parents[slot]!;
    // The root gets its values when they are complete; inside of a payload there are no places.
    if (value && (parent < 0 || value instanceof PayloadSlot)) return value;
    // Elsewhere the place itself is asked: a repeated key may have overwritten it.
    const owner = parent < 0 ? this.#root : this.#values[parent];
    return (owner as Record<Key, unknown>)[this.#keys[slot]!];
  }

  /** Is this slot the place (parent, key) itself? */
  isPlace(slot: number, parent: number, key: Key): boolean {
    return this.#parents[slot] === parent && this.#keys[slot] === key && !this.#elsewhere.has(slot);
  }

  /** The place (parent, key) becomes another holder of the variable in `slot`. */
  alias(slot: number, parent: number, key: Key): void {
    const cell = this.#cellOf(slot);
    this.hold(parent, key, cell);
  }

  /** As `alias`, for a place that is not a key of its container. */
  aliasElsewhere(slot: number): Cell {
    return this.#cellOf(slot);
  }

  hold(parent: number, key: Key, cell: Cell): void {
    let cells = this.#cells.get(parent);
    if (cells === undefined) {
      cells = new Map();
      this.#cells.set(parent, cells);
    }
    cells.set(String(key), cell);
  }

  /** A place was overwritten: it holds a new variable. Returns the reference that it held. */
  release(parent: number, key: Key): Cell | null {
    const cells = this.#cells.get(parent);
    const cell = cells?.get(String(key)) ?? null;
    cells?.delete(String(key));
    return cell;
  }

  #cellOf(slot: number): Cell {
    const moved = this.#elsewhere.get(slot) as (Elsewhere & { cell?: Cell | null }) | undefined;
    const parent = this.#parents[slot]!;
    const key = this.#keys[slot]!;
    let cell = moved ? (moved.cell ?? undefined) : this.#cells.get(parent)?.get(String(key));
    if (cell === undefined) {
      cell = new Cell(undefined);
      this.#cellSlots.set(cell, slot);
      if (moved) moved.cell = cell;
      else this.hold(parent, key, cell);
    }
    return cell;
  }

  /** Writes the references into the notes, when all is read. */
  finish(): void {
    if (this.#cells.size === 0) return;
    for (const [cell, slot] of this.#cellSlots) cell.value = this.read(slot);
    // Every container above a noted one must know of it.
    const marked = new Set<number>();
    const kids = new Map<number, [Key, object][]>();
    for (const holder of this.#cells.keys()) {
      let slot = holder;
      while (slot >= 0 && !marked.has(slot)) {
        marked.add(slot);
        const parent = this.#parents[slot]!;
        const container = this.#values[slot] as object;
        if (getNotes(container) === undefined && !this.#elsewhere.has(slot)) {
          const list = kids.get(parent);
          if (list === undefined) kids.set(parent, [[this.#keys[slot]!, container]]);
          else list.push([this.#keys[slot]!, container]);
        }
        slot = parent;
      }
    }
    if (kids.has(ROOT) || this.#cells.has(ROOT)) marked.add(ROOT);
    for (const slot of marked) {
      const container = slot < 0 ? this.#root : (this.#values[slot] as object);
      const old = getNotes(container);
      const more = kids.get(slot);
      const cells = this.#cells.get(slot) ?? null;
      if (Array.isArray(container)) {
        setNotes(container, makeNotes({ ...old, cells, values: old?.values ?? [...container] }));
      } else {
        setNotes(
          container,
          makeNotes({
            ...old,
            cells,
            ...(more && {
              kidKeys: [...(old?.kidKeys ?? []), ...more.map(([key]) => key)],
              kids: [...(old?.kids ?? []), ...more.map(([, kid]) => kid)],
            }),
          }),
        );
      }
    }
  }
}
