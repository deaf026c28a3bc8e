/**
 * Notes: what PHP's data holds and a plain JavaScript container cannot say.
 *
 * Every format decodes into the same ordinary values (`{}`, `[]`, PhpObject, numbers, strings …).
 * Whatever a plain value would lose is written on a `Notes` object that is stamped on its
 * container as a private field: invisible to `Object.keys`, `JSON.stringify`, spread and clones,
 * and free of the garbage collector's cost of a WeakMap. Most containers need none.
 *
 * The rules that all readers and writers share:
 *
 * 1. **Notes are immutable.** To change them, make new ones (`makeNotes({ ...old, … })`) and stamp
 *    those. Containers may share one Notes (records with the same float keys do).
 * 2. **A note speaks of a slot**: of one key in one container. Keys are JavaScript property names;
 *    array-index keys (0 … 2^32−2) may stand as numbers in `order` and `floatKeys`.
 * 3. **Ancestors know.** A container that holds a noted container (a PhpObject always is one)
 *    remembers it in `kids` (maps, objects) or `values` (lists), and thereby is noted itself, up
 *    to the root. So a plain container that later stands in the same slot can inherit the notes of
 *    the entries that did not change, and a PhpObject replaced by a plain object is noticed.
 * 4. **Sharing is three things.** One PHP object in two slots (`r`) is simply the same PhpObject.
 *    A reference (`R`) is a `Cell`: every slot that holds it has the same Cell in `cells`, and
 *    the first one too. A copy-on-write array that igbinary shows as shared is *not* the same
 *    JavaScript container (a change of one must not change the other): its copies have the same
 *    `body` token, and may be written as shared while they are still equal.
 * 5. **`order` is PHP's order** where JavaScript's own could differ: in every map with an
 *    array-index key. It may be stale: keys that are gone are skipped, new ones follow in
 *    JavaScript's order. Hidden slots (a second property or key of the same JavaScript name)
 *    stand in `order` as `HiddenSlot` objects. Objects have their order in `layout.names`, unless
 *    `order` is there as well.
 * 6. `format` is for what a single format must remember (igbinary's placeholders and string keys
 *    that look like integers, msgpack's raw markers, …). Other formats ignore it.
 */

import { isInherited } from './define.ts';

/**
 * The scope of an integer key in an object's body: what `__serialize` returns may have them, while
 * a property with the same name is a string.
 */
export const INT_KEY = '\0';

/** A property name; array-index keys may stand as numbers. */
export type Key = string | number;

/** A PHP reference: one variable under several names. */
export class Cell {
  /** What every holder held when it was read: a holder that differs was assigned. */
  value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** The references that a container holds, by property name: a Map, or what is cheaper than one. */
export type HeldCells = Pick<ReadonlyMap<string, Cell>, 'get' | 'has'>;

/** A property (or key) whose JavaScript name is taken by another one of the same container. */
export interface HiddenSlot {
  readonly name: string;
  /** `null` public, `'*'` protected, INT_KEY, else the declaring class of a private property. */
  scope: string | null;
  value: unknown;
  /** A float, and its text if that is not the canonical one. */
  float: boolean;
  floatText: string | null;
  cell: Cell | null;
}

/** Tokens one after another as words of eight bytes; the last word of each overlaps the one before. */
export interface TokenWords {
  readonly words: Float64Array;
  /** Where in `words` each token begins, and where the last one ends. */
  readonly starts: Int32Array;
  /** The bytes of each token. */
  readonly lengths: Int32Array;
}

/** Class, property names and visibility of an object; shared by all objects that agree in them. */
export class Layout {
  readonly className: string;
  /** The visible properties in PHP's order, by plain name. */
  readonly names: readonly string[];
  /** As `HiddenSlot.scope`, for each of `names`. */
  readonly scopes: readonly (string | null)[];
  /** The notes of an object that needs nothing but its layout. */
  readonly plain: Notes;
  /** Has it a property `toJSON` beside ones that are not public? See property-names.ts. */
  readonly isGuarded: boolean;
  /** May its names be assigned without a look at each? */
  readonly isExpectable: boolean;
  /** Encoded class header and property names, made by the php writer when first needed. */
  tokens: {
    readonly head: Uint8Array;
    readonly names: readonly Uint8Array[];
    /** The same once more, to be compared eight bytes at a time; `null` if they cannot be. */
    readonly words: TokenWords | null;
  } | null = null;
  /** Property names as binary formats have them, made when first needed. */
  mangled: readonly (string | null)[] | null = null;

  constructor(
    className: string,
    names: readonly string[] = [],
    scopes: readonly (string | null)[] = [],
  ) {
    this.className = className;
    this.names = names;
    this.scopes = scopes;
    this.plain = makeNotes({ layout: this });
    this.isExpectable = !names.some(isInherited);
    this.isGuarded = names.includes('toJSON') && scopes.some((scope) => scope !== null);
  }

  /** The scope of a property; public if the class did not have it. */
  scopeOf(name: string): string | null {
    const at = this.names.indexOf(name);
    return at < 0 ? null : (this.scopes[at] ?? null);
  }
}

export interface Notes {
  /** Objects only (and every PhpObject has it). */
  readonly layout: Layout | null;
  readonly order: readonly (Key | HiddenSlot)[] | null;
  /** Maps and objects: the keys whose slot holds a float, in order. */
  readonly floatKeys: readonly Key[] | null;
  /** For each of `floatKeys`: the text as read if it is not the canonical one. */
  readonly floatTexts: readonly (string | null)[] | null;
  /** Lists: `'all'` if every number in it was a float, else the indices of floats, ascending. */
  readonly listFloats: 'all' | readonly number[] | null;
  /** Lists: texts of floats that are not canonical, by index into `values`. */
  readonly listTexts: ReadonlyMap<number, string> | null;
  /** Lists: a copy of the elements as read, where the notes need one. */
  readonly values: readonly unknown[] | null;
  /** Maps and objects: slots that held noted containers … */
  readonly kidKeys: readonly Key[] | null;
  /** … and those containers. */
  readonly kids: readonly object[] | null;
  /** Slots that are PHP references, by property name (list index as text). */
  readonly cells: HeldCells | null;
  /** The reference that the root itself is (`R:1`). */
  readonly self: Cell | null;
  /** Copy-on-write sharing: containers with the same token were one array body. */
  readonly body: object | null;
  /** Stated to be a PHP array, though it stands where an object was. */
  readonly isArray: boolean;
  /** What one format must remember: see rule 6. */
  readonly format: FormatNotes | null;
}

/** Room for notes that only one format reads; each format declares its own fields by merging. */
// biome-ignore lint/suspicious/noEmptyInterface: extended by declaration merging
export interface FormatNotes {}

/** Notes that are being made. */
export type NewNotes = { -readonly [field in keyof Notes]: Notes[field] };

/** Notes like these, to be filled in: five times as fast as `makeNotes` where many are made. */
export function newNotes(old: Notes = NO_NOTES): NewNotes {
  return {
    layout: old.layout,
    order: old.order,
    floatKeys: old.floatKeys,
    floatTexts: old.floatTexts,
    listFloats: old.listFloats,
    listTexts: old.listTexts,
    values: old.values,
    kidKeys: old.kidKeys,
    kids: old.kids,
    cells: old.cells,
    self: old.self,
    body: old.body,
    isArray: old.isArray,
    format: old.format,
  };
}

/** Makes notes; every field in the same order, so that all of them have one hidden class. */
export function makeNotes(fields: Partial<Notes>): Notes {
  return {
    layout: fields.layout ?? null,
    order: fields.order ?? null,
    floatKeys: fields.floatKeys ?? null,
    floatTexts: fields.floatTexts ?? null,
    listFloats: fields.listFloats ?? null,
    listTexts: fields.listTexts ?? null,
    values: fields.values ?? null,
    kidKeys: fields.kidKeys ?? null,
    kids: fields.kids ?? null,
    cells: fields.cells ?? null,
    self: fields.self ?? null,
    body: fields.body ?? null,
    isArray: fields.isArray ?? false,
    format: fields.format ?? null,
  };
}

const NO_NOTES = makeNotes({});

interface NotesStore {
  get(container: object): Notes | undefined;
  set(container: object, notes: Notes): void;
  stamp(container: object, notes: Notes): void;
}

const STORE = Symbol.for('php-session-bridge.notes');

function makeStore(): NotesStore {
  // A constructor that returns its argument: a subclass's private field lands on that object.
  const Given = function given(target: object): object {
    return target;
  } as unknown as new (
    target: object,
  ) => object;
  class Stamp extends Given {
    #notes: Notes;

    constructor(target: object, notes: Notes) {
      super(target);
      this.#notes = notes;
    }

    static get(container: object): Notes | undefined {
      return #notes in container ? container.#notes : undefined;
    }

    static set(container: object, notes: Notes): void {
      if (#notes in container) container.#notes = notes;
      else new Stamp(container, notes);
    }

    static stamp(container: object, notes: Notes): void {
      new Stamp(container, notes);
    }
  }
  return Stamp;
}

// Kept on globalThis so that two installed copies of the package read each other's notes.
const shared = globalThis as { [STORE]?: NotesStore };
if (shared[STORE] === undefined) {
  Object.defineProperty(globalThis, STORE, { value: makeStore() });
}
const store = shared[STORE] as NotesStore;

/** The notes of a container, if it has any. */
export function getNotes(container: object): Notes | undefined {
  return store.get(container);
}

/** Stamps notes on a container, in place of those it may have. */
export function setNotes(container: object, notes: Notes): void {
  store.set(container, notes);
}

/** Stamps notes on a container that has none: the look for them would take as long again. */
export function stampNotes(container: object, notes: Notes): void {
  store.stamp(container, notes);
}

/** Is this property name one that JavaScript sorts by number, before all other names? */
export function isArrayIndex(name: string): boolean {
  const first = name.charCodeAt(0);
  if (!(first >= 48 && first <= 57) || name.length > 10) return false;
  const number = Number(name);
  return number < 4294967295 && String(number) === name;
}
