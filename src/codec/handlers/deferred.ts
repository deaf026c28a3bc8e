/**
 * Variables that are decoded when they are first asked for. All bytes of the session are checked
 * when it is opened; an array that nobody looks at is then neither made nor written anew, its
 * bytes are passed on as they are.
 *
 * That is allowed for everyday data only: nothing but arrays and scalars, written as PHP writes
 * them. A session with objects or references is decoded as a whole.
 */

import { inspect } from 'node:util';
import { containersIn } from '../containers-in.ts';
import { isIntegerKey } from '../integers.ts';
import { getNotes, makeNotes, setNotes } from '../notes.ts';
import type { DecodeLimits } from '../options.ts';
import { readValue } from '../php/document.ts';
import { Reader } from '../php/reader.ts';
import { skipped, skipValue } from '../php/skip.ts';
import { ROOT } from '../php/slots.ts';
import type { Writer } from '../php/writer.ts';
import { RootBuilder } from './root-notes.ts';
import type { Variables } from './session-handler.ts';

/** Where the bytes of a variable's value stand, and how many slots they take. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly slots: number;
}

interface Variable extends Span {
  /** Was it decoded? */
  known: boolean;
  value: unknown;
  /** The containers that were made for it. */
  made: readonly object[];
}

const DEFERRED = Symbol('deferred variables');
/** Stands for bytes, which may be changed in place. */
const CHANGEABLE = Symbol('changeable');

/** Objects that have deferred variables. */
type Root = Variables & { [DEFERRED]?: Deferred };

export class Deferred {
  readonly bytes: Buffer;
  readonly root: Variables;
  readonly #limits: DecodeLimits;
  readonly #reader: Reader;
  readonly #variables = new Map<string, Variable>();
  /** All variables in the order in which they were read, and their values if they are scalars. */
  readonly #names: string[] = [];
  readonly #values: unknown[] = [];
  #pending = 0;
  /** A key that stood twice in an array: PHP would write that array otherwise. */
  #repeats = false;

  /** @param reader one that has not met a back-reference */
  constructor(root: Variables, reader: Reader, limits: DecodeLimits) {
    this.bytes = reader.bytes;
    this.root = root;
    this.#limits = limits;
    this.#reader = reader;
    // One by one: together it takes three times as long.
    Object.defineProperty(root, DEFERRED, { value: this });
    Object.defineProperty(root, inspect.custom, INSPECT);
  }

  /** Would the variables, left as they are, be written as exactly the bytes that were read? */
  get isAsRead(): boolean {
    return !this.#repeats;
  }

  /**
   * Is every variable as it was read? `false` if it is not, or if only writing them can tell: an
   * array that was asked for may have been changed anywhere.
   */
  get isUntouched(): boolean {
    const values = this.#values;
    if (this.#pending < this.#variables.size) return false;
    const names = Object.keys(this.root);
    if (names.length !== values.length) return false;
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      if (name !== this.#names[i]) return false;
      const known = values[i];
      if (known === DEFERRED ? !this.#waits(name) : !Object.is(this.root[name], known)) {
        return false;
      }
    }
    return true;
  }

  /** All that was made of what somebody asked for, whatever stands in its place now. */
  get made(): object[] {
    return [...this.#variables.values()].flatMap(({ made }) => made);
  }

  /** A variable that was decoded at once. */
  remember(name: string, value: unknown): void {
    this.#names.push(name);
    this.#values.push(typeof value === 'object' && value !== null ? CHANGEABLE : value);
  }

  add(name: string, span: Span): void {
    this.#names.push(name);
    this.#values.push(DEFERRED);
    this.#variables.set(name, { ...span, known: false, value: undefined, made: [] });
    this.#pending++;
    Object.defineProperty(this.root, name, accessorOf(name));
  }

  has(name: string): boolean {
    return this.#variables.has(name);
  }

  /** Decodes a variable and puts it in its place, if that still waits for it. */
  take(name: string): unknown {
    const variable = this.#variables.get(name) as Variable;
    if (variable.known) return variable.value;
    const waits = this.#waits(name);
    variable.value = this.#read(name, variable);
    variable.known = true;
    // Now: later the application may have put things of its own into it.
    variable.made = containersIn(variable.value as object, true);
    this.#pending--;
    // A frozen root goes on answering from here.
    if (waits) settleOn(this.root, name, variable.value);
    return variable.value;
  }

  /** @param receiver what was assigned to: the root, or an object that has its accessors */
  put(name: string, value: unknown, receiver: object): void {
    // What was there first: a replacement inherits its notes.
    this.take(name);
    if (Object.isFrozen(receiver)) {
      throw new TypeError(`Cannot assign to read only property '${name}' of object`);
    }
    if (!settleOn(receiver, name, value)) {
      (this.#variables.get(name) as Variable).value = value;
    }
  }

  /** To be called before the variables are written: notes what became of the deferred ones. */
  prepare(): void {
    if (this.#pending === 0) return;
    for (const [name, variable] of this.#variables) {
      if (!variable.known && !this.#waits(name)) this.take(name);
    }
    // Then only the whole can be compared with what PHP would make of the bytes.
    if (this.#repeats) this.settle();
  }

  /** The bytes of a variable that nobody has asked for. */
  untouched(name: string): Span | undefined {
    if (this.#pending === 0) return undefined;
    const variable = this.#variables.get(name);
    return variable !== undefined && !variable.known && this.#waits(name) ? variable : undefined;
  }

  write(writer: Writer, { start, end, slots }: Span): void {
    writer.passed(this.bytes.subarray(start, end), slots);
  }

  settle(): void {
    if (this.#pending === 0) return;
    for (const name of this.#variables.keys()) this.take(name);
  }

  #waits(name: string): boolean {
    const { get } = Object.getOwnPropertyDescriptor(this.root, name) ?? {};
    return get !== undefined && get === accessors.get(name)?.get;
  }

  #read(name: string, { start, end }: Span): unknown {
    const reader = this.#reader;
    reader.pos = start;
    let value = reader.value(ROOT, name);
    if (reader.needsSlots) {
      this.#repeats = true;
      reader.needsSlots = false;
      value = readValue(this.bytes.subarray(start, end), this.#limits);
    }
    if (typeof value === 'object' && value !== null && getNotes(value) !== undefined) {
      const notes = getNotes(this.root);
      const kidKeys = [...(notes?.kidKeys ?? []), name];
      setNotes(this.root, makeNotes({ ...notes, kidKeys, kids: [...(notes?.kids ?? []), value] }));
    }
    return value;
  }
}

/** Puts a value in the place of its accessor, unless the object is frozen or sealed. */
function settleOn(target: object, name: string, value: unknown): boolean {
  const place = { value, writable: true, enumerable: true, configurable: true };
  return Reflect.defineProperty(target, name, place);
}

/** The deferred variables of a root, if it has any. */
export function deferredOf(root: object): Deferred | undefined {
  const deferred = (root as Root)[DEFERRED];
  return deferred?.root === root ? deferred : undefined;
}

/** Decodes what is still deferred: from then on the root is like any other. */
export function decodeDeferred(root: object): void {
  deferredOf(root)?.settle();
}

/** Who prints the variables wants to see them, not how they come about. */
const INSPECT = {
  value(this: Variables): Variables {
    decodeDeferred(this);
    return this;
  },
  configurable: true,
  writable: true,
};

// One accessor for each name, or every session would have a hidden class of its own.
const accessors = new Map<string, PropertyDescriptor>();

function accessorOf(name: string): PropertyDescriptor {
  let accessor = accessors.get(name);
  if (accessor === undefined) {
    accessor = {
      get(this: Root) {
        return this[DEFERRED]?.take(name);
      },
      set(this: Root, value: unknown) {
        this[DEFERRED]?.put(name, value, this);
      },
      enumerable: true,
      configurable: true,
    };
    accessors.set(name, accessor);
  }
  return accessor;
}

/** How many names may have an accessor: names come from outside. */
const MOST_NAMES = 4096;

/** Takes in a session variable by variable, as long as all of it is everyday data. */
export class DeferredBuilder {
  /** Where the last value ended. */
  pos = 0;
  readonly #bytes: Buffer;
  readonly #limits: DecodeLimits;
  readonly #reader: Reader;
  readonly #builder = new RootBuilder({});
  readonly #deferred: Deferred;
  #slots = 0;

  constructor(bytes: Buffer, limits: DecodeLimits) {
    this.#bytes = bytes;
    this.#limits = limits;
    this.#reader = new Reader(bytes, limits);
    this.#reader.named = true;
    this.#deferred = new Deferred(this.#builder.root, this.#reader, limits);
  }

  /** @returns false if the session must be decoded as a whole */
  add(name: string, start: number): boolean {
    const { root } = this.#builder;
    if (isIntegerKey(name) || Object.hasOwn(root, name)) return false;
    skipped.slots = 0;
    skipped.everyday = true;
    const end = skipValue(this.#bytes, start, this.#limits.maxDepth);
    if (end < 0 || !skipped.everyday) return false;
    const { slots } = skipped;
    this.#slots += slots;
    this.pos = end;
    if (this.#bytes[start] === ARRAY && isDeferrable(name)) {
      this.#deferred.add(name, { start, end, slots });
      return true;
    }
    this.#reader.pos = start;
    const value = this.#reader.value(ROOT, name);
    this.#builder.add(name, value, this.#reader.float);
    this.#deferred.remember(name, value);
    return !this.#reader.needsSlots;
  }

  finish(): Variables | undefined {
    if (this.#slots > this.#limits.maxElements) return undefined;
    this.#builder.finish(this.#deferred);
    return this.#builder.root;
  }
}

const ARRAY = 97;

function isDeferrable(name: string): boolean {
  return name !== '__proto__' && (accessors.size < MOST_NAMES || accessors.has(name));
}
