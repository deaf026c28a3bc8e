/**
 * Builds an object whose layout was not the expected one: any properties of any visibility, also
 * several of the same plain name.
 */

import type { Marks } from './containers.ts';
import { define } from './define.ts';
import { expectedLayout, internLayout } from './layouts.ts';
import {
  type Cell,
  getNotes,
  type HiddenSlot,
  type Key,
  type Layout,
  makeNotes,
  setNotes,
} from './notes.ts';
import { guardProperties } from './property-names.ts';
import type { PhpObject } from './values.ts';

/** What knows which visible properties hold references while an object is open. */
export interface Holders {
  /** The place holds no reference any more; returns the one that it held. */
  releaseFrom(object: object, key: Key): Cell | null;
}

/** The slot table of a format that numbers variables, as far as it is needed here. */
export interface SlotTable {
  isPlace(slot: number, parent: number, key: Key): boolean;
  isMovedTo(slot: number, to: HiddenSlot): boolean;
  release(parent: number, key: Key): Cell | null;
  move(slot: number, to: HiddenSlot): void;
  alias(slot: number, parent: number, key: Key): void;
  aliasElsewhere(slot: number): Cell;
}

/** Up to this many properties are searched one by one. */
const FEW = 12;

export class ObjectBuilder {
  readonly #object: PhpObject;
  readonly #className: string;
  /** Visible properties by name, hidden ones as they are, in PHP's order. */
  readonly #entries: (string | HiddenSlot)[] = [];
  /** The scopes of the entries. */
  readonly #scopes: (string | null)[] = [];
  /** Where in the entries a visible property stands; made when there are many. */
  #at: Map<string, number> | null = null;
  #floats: Map<string, string | null> | null = null;
  #hidden: Map<string, HiddenSlot> | null = null;
  /** Of a format without a slot table. */
  readonly #holders: Holders | null;
  readonly #slots: SlotTable | null;
  readonly #frameSlot: number;
  /** Slot of each entry, to follow a property when another one takes its name; −1 for none. */
  #slotOf: number[] | null = null;
  #name = '';
  #target: HiddenSlot | null = null;

  constructor(
    object: PhpObject,
    className: string,
    holders: Holders | null,
    slots: SlotTable | null = null,
    frameSlot = 0,
  ) {
    this.#object = object;
    this.#className = className;
    this.#holders = holders;
    this.#slots = slots;
    this.#frameSlot = frameSlot;
  }

  /**
   * Goes on with an object of which some properties fitted the layout that was expected, and takes
   * over what was noted of them.
   */
  static instead(
    object: PhpObject,
    layout: Layout,
    fitting: number,
    marks: Marks,
    floatMark: number,
    kidMark: number,
    holders: Holders | null,
  ): ObjectBuilder {
    const builder = new ObjectBuilder(object, layout.className, holders);
    for (let i = 0; i < fitting; i++) builder.#show(layout.names[i]!, layout.scopes[i] ?? null);
    for (let i = floatMark; i < marks.floatKeys.length; i++) {
      builder.#floats ??= new Map();
      builder.#floats.set(marks.floatKeys[i] as string, marks.floatTexts[i] ?? null);
    }
    marks.floatKeys.length = floatMark;
    marks.floatTexts.length = floatMark;
    // The builder finds noted children itself.
    marks.kidKeys.length = kidMark;
    marks.kids.length = kidMark;
    return builder;
  }

  #show(name: string, scope: string | null): void {
    const at = this.#entries.push(name) - 1;
    this.#scopes.push(scope);
    if (this.#at !== null) {
      this.#at.set(name, at);
    } else if (at >= FEW) {
      this.#at = new Map();
      for (let i = 0; i <= at; i++) {
        const entry = this.#entries[i]!;
        if (typeof entry === 'string') this.#at.set(entry, i);
      }
    }
  }

  #find(name: string): number {
    return this.#at === null ? this.#entries.indexOf(name) : (this.#at.get(name) ?? -1);
  }

  /** The next value belongs to this property. */
  property(name: string, scope: string | null): void {
    this.#name = name;
    this.#target = null;
    const at = this.#find(name);
    if (at < 0) {
      this.#show(name, scope);
      return;
    }
    const current = this.#scopes[at]!;
    if (current === scope) {
      // A repeated property: the last value in the first one's place, which PHP empties before.
      this.#floats?.delete(name);
      this.#release(name);
      define(this.#object, name, null);
      return;
    }
    const id = `${scope ?? '\0\0'}\0${name}`;
    this.#hidden ??= new Map();
    const known = this.#hidden.get(id);
    if (known !== undefined) {
      this.#target = known;
      known.float = false;
      known.cell = null;
    } else if (rank(scope, this.#className) < rank(current, this.#className)) {
      this.#hide(name, at);
      this.#show(name, scope);
    } else {
      this.#target = makeHidden(name, scope);
      this.#entries.push(this.#target);
      this.#scopes.push(scope);
      this.#hidden.set(id, this.#target);
    }
  }

  #hide(name: string, at: number): void {
    const scope = this.#scopes[at]!;
    const slot = makeHidden(name, scope);
    slot.value = this.#object[name];
    slot.float = this.#floats?.has(name) === true;
    slot.floatText = this.#floats?.get(name) ?? null;
    slot.cell = this.#release(name);
    this.#floats?.delete(name);
    const number = this.#slotOf?.[at] ?? -1;
    if (number >= 0) this.#slots?.move(number, slot);
    this.#entries[at] = slot;
    this.#at?.delete(name);
    this.#hidden?.set(`${scope ?? '\0\0'}\0${name}`, slot);
  }

  #release(name: string): Cell | null {
    if (this.#slots !== null) return this.#slots.release(this.#frameSlot, name);
    return this.#holders?.releaseFrom(this.#object, name) ?? null;
  }

  /** The slot that the next value takes. */
  slot(number: number): void {
    if (this.#target !== null) {
      this.#slots?.move(number, this.#target);
    } else {
      this.#slotOf ??= [];
      this.#slotOf[this.#find(this.#name)] = number;
    }
  }

  get key(): Key {
    return this.#name;
  }

  /** Is the place that the next value goes to that of this slot? */
  isPlace(slot: number): boolean {
    const slots = this.#slots as SlotTable;
    if (this.#target !== null) return slots.isMovedTo(slot, this.#target);
    return slots.isPlace(slot, this.#frameSlot, this.#name);
  }

  /** The place becomes a holder of the variable in `slot`. */
  alias(slot: number): void {
    const slots = this.#slots as SlotTable;
    if (this.#target === null) slots.alias(slot, this.#frameSlot, this.#name);
    else this.#target.cell = slots.aliasElsewhere(slot);
  }

  /** The property becomes a holder of this reference; true if it is hidden and keeps it itself. */
  hold(cell: Cell): boolean {
    if (this.#target === null) return false;
    this.#target.cell = cell;
    return true;
  }

  store(value: unknown): void {
    if (this.#target === null) define(this.#object, this.#name, value);
    else this.#target.value = value;
  }

  float(text: string | null): void {
    if (this.#target === null) {
      this.#floats ??= new Map();
      this.#floats.set(this.#name, text);
    } else {
      this.#target.float = true;
      this.#target.floatText = text;
    }
  }

  /** @returns the layout, if objects of the class may be expected to have it */
  finish(): Layout | null {
    const names: string[] = [];
    const scopes: (string | null)[] = [];
    const kidKeys: string[] = [];
    const kids: object[] = [];
    const floatKeys: string[] = [];
    const floatTexts: (string | null)[] = [];
    for (const [i, entry] of this.#entries.entries()) {
      if (typeof entry !== 'string') continue;
      names.push(entry);
      scopes.push(this.#scopes[i]!);
      const text = this.#floats?.get(entry);
      if (text !== undefined) {
        floatKeys.push(entry);
        floatTexts.push(text);
      }
      const value = this.#object[entry];
      if (typeof value === 'object' && value !== null && getNotes(value) !== undefined) {
        kidKeys.push(entry);
        kids.push(value);
      }
    }
    const layout = internLayout(this.#className, names, scopes);
    guardProperties(this.#object, layout);
    const expected = expectedLayout(this.#className) === layout ? layout : null;
    const hides = this.#hidden !== null && this.#hidden.size > 0;
    if (floatKeys.length + kids.length === 0 && !hides) {
      setNotes(this.#object, layout.plain);
      return expected;
    }
    const fields = {
      layout,
      floatKeys: floatKeys.length > 0 ? floatKeys : null,
      floatTexts: floatTexts.some((text) => text !== null) ? floatTexts : null,
      kidKeys: kids.length > 0 ? kidKeys : null,
      kids: kids.length > 0 ? kids : null,
      order: hides ? this.#entries : null,
    };
    setNotes(this.#object, makeNotes(fields));
    return expected;
  }
}

function makeHidden(name: string, scope: string | null): HiddenSlot {
  return { name, scope, value: null, float: false, floatText: null, cell: null };
}

/** The public one is seen, else the object's own class's, else the protected one. */
function rank(scope: string | null, className: string): number {
  if (scope === null || scope === '\0') return 0;
  if (scope === className) return 1;
  return scope === '*' ? 2 : 3;
}
