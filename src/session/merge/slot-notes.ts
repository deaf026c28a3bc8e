/** Editing the notes of a container slot by slot: they are taken apart, changed and made anew. */

import {
  type Cell,
  getNotes,
  type HiddenSlot,
  isArrayIndex,
  type Key,
  makeNotes,
  setNotes,
} from '../../codec/notes.ts';
import { viewOf } from '../../codec/view.ts';

export interface SlotNotes {
  /** As `View.float` says it. */
  readonly float: string | null | undefined;
  readonly cell: Cell | undefined;
}

/** A value with what the notes of its container say of it. */
export interface Slot {
  readonly value: unknown;
  readonly notes: SlotNotes;
}

/** Nothing is said of the value but itself. */
export const NO_SLOT_NOTES: SlotNotes = { float: undefined, cell: undefined };

export interface SlotEditor {
  /** What is known of a slot whose value was just set; `value` is its noted container, if any. */
  set(key: string, value: unknown, slot: SlotNotes): void;
  delete(key: string): void;
  /** From here on PHP's order is noted: JavaScript would sort a key that comes now. */
  keepOrder(keys?: readonly string[]): void;
  /** Stamps the new notes. */
  finish(): void;
}

export function editSlots(container: object): SlotEditor {
  return new Editor(container);
}

class Editor implements SlotEditor {
  readonly #container: object;
  readonly #floats = new Map<string, string | null>();
  readonly #cells = new Map<string, Cell>();
  readonly #kids = new Map<string, object>();
  #order: (Key | HiddenSlot)[] | null = null;
  #known: Set<string> | null = null;
  /** Keys were deleted whose places are in the order still. */
  #hasGaps = false;

  constructor(container: object) {
    this.#container = container;
    const view = viewOf(container, undefined);
    if (view === undefined) return;
    for (const key of Object.keys(container)) {
      const value = (container as Record<string, unknown>)[key];
      const float = typeof value === 'number' ? view.float(key, value) : undefined;
      if (float !== undefined) this.#floats.set(key, float);
      const cell = view.cell(key, value);
      if (cell !== undefined) this.#cells.set(key, cell);
      const kid = Array.isArray(container) ? value : view.kid(key);
      if (isNoted(kid)) this.#kids.set(key, kid);
    }
    if (view.notes.order !== null) this.#setOrder([...view.keys()]);
  }

  set(key: string, value: unknown, slot: SlotNotes): void {
    this.delete(key, true);
    if (slot.float !== undefined) this.#floats.set(key, slot.float);
    if (slot.cell !== undefined) this.#cells.set(key, slot.cell);
    if (isNoted(value)) this.#kids.set(key, value);
    if (this.#order !== null && !this.#known?.has(key)) {
      this.#order.push(isArrayIndex(key) ? Number(key) : key);
      this.#known?.add(key);
    }
  }

  delete(key: string, stays = false): void {
    this.#floats.delete(key);
    this.#cells.delete(key);
    this.#kids.delete(key);
    if (!stays && this.#known?.delete(key)) this.#hasGaps = true;
  }

  /** The order without the deleted keys; one that was set again stands where it came last. */
  #closeGaps(order: readonly (Key | HiddenSlot)[]): (Key | HiddenSlot)[] {
    const known = new Set(this.#known);
    return [...order]
      .reverse()
      .filter((slot) => typeof slot === 'object' || known.delete(String(slot)))
      .reverse();
  }

  keepOrder(keys?: readonly string[]): void {
    if (this.#order !== null || Array.isArray(this.#container)) return;
    const names = keys ?? Object.keys(this.#container);
    this.#setOrder(names.map((name) => (isArrayIndex(name) ? Number(name) : name)));
  }

  #setOrder(order: (Key | HiddenSlot)[]): void {
    this.#order = order;
    this.#known = new Set(order.filter((slot) => typeof slot !== 'object').map(String));
  }

  finish(): void {
    if (this.#order !== null && this.#hasGaps) this.#order = this.#closeGaps(this.#order);
    this.#hasGaps = false;
    const old = getNotes(this.#container);
    const cells = this.#cells.size > 0 ? this.#cells : null;
    const texts = [...this.#floats.values()];
    const odd = texts.some((text) => text !== null);
    const empty = texts.length + this.#cells.size + this.#kids.size === 0;
    if (old === undefined && empty && this.#order === null) return;
    if (Array.isArray(this.#container)) {
      const list: readonly unknown[] = this.#container;
      const numbers = list.filter((v) => typeof v === 'number' || typeof v === 'bigint').length;
      const indices = [...this.#floats.keys()].map(Number).sort((a, b) => a - b);
      const all = indices.length === numbers && numbers > 0;
      const listTexts = new Map<number, string>();
      for (const [key, text] of this.#floats) {
        if (text !== null) listTexts.set(Number(key), text);
      }
      setNotes(
        list,
        makeNotes({
          ...old,
          cells,
          listFloats: all ? 'all' : indices.length > 0 ? indices : null,
          listTexts: odd ? listTexts : null,
          values: [...list],
        }),
      );
      return;
    }
    setNotes(
      this.#container,
      makeNotes({
        ...old,
        cells,
        order: this.#order,
        floatKeys: texts.length > 0 ? [...this.#floats.keys()] : null,
        floatTexts: odd ? texts : null,
        kidKeys: this.#kids.size > 0 ? [...this.#kids.keys()] : null,
        kids: this.#kids.size > 0 ? [...this.#kids.values()] : null,
      }),
    );
  }
}

function isNoted(value: unknown): value is object {
  return typeof value === 'object' && value !== null && getNotes(value) !== undefined;
}
