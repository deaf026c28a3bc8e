/**
 * The references that containers hold while a binary format is read: such a format says what is one
 * only when the second holder turns up, and a container's notes are made when it is complete.
 */

import { type Cell, getNotes, type Key, makeNotes, setNotes } from './notes.ts';

export class OpenCells {
  readonly #held = new Map<object, Map<string, Cell>>();

  hold(container: object, key: Key, cell: Cell): void {
    this.#of(container).set(String(key), cell);
  }

  /** A slot that keeps its reference itself is one of this container's. */
  holdHidden(container: object): void {
    this.#of(container);
  }

  #of(container: object): Map<string, Cell> {
    let cells = this.#held.get(container);
    if (cells === undefined) {
      cells = new Map();
      this.#held.set(container, cells);
    }
    return cells;
  }

  has(container: object, key: Key): boolean {
    return this.#held.get(container)?.has(String(key)) === true;
  }

  /** The place holds no reference any more; returns the one that it held. */
  release(container: object, key: Key): Cell | null {
    const cells = this.#held.get(container);
    const cell = cells?.get(String(key)) ?? null;
    cells?.delete(String(key));
    return cell;
  }

  /** A list became a map. */
  move(list: object, map: object): void {
    const cells = this.#held.get(list);
    if (cells !== undefined) this.#held.set(map, cells);
  }

  /**
   * Writes what a complete container holds into its notes.
   * @returns whether it holds any, or did
   */
  note(container: object): boolean {
    const cells = this.#held.get(container);
    if (cells === undefined) return false;
    if (cells.size > 0) {
      const old = getNotes(container);
      const values = Array.isArray(container) ? (old?.values ?? container.slice()) : null;
      setNotes(container, makeNotes({ ...old, cells, values }));
    }
    return true;
  }

  /** The containers that hold any, with those of their visible slots. */
  [Symbol.iterator](): Iterator<[object, ReadonlyMap<string, Cell>]> {
    return this.#held.entries();
  }
}
