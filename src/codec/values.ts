/**
 * The values that have no JavaScript counterpart: objects of PHP classes, enum cases, floats that
 * look like integers, and payloads of `Serializable` classes.
 *
 * `instanceof` asks for a registered symbol, so a value made by a second installed copy of the
 * package is recognised as well.
 */

import { type InspectOptions, inspect } from 'node:util';
import { CodecError } from '../errors.ts';
import { isClassName } from './class-name.ts';
import { define } from './define.ts';
import { getNotes, Layout, makeNotes, setNotes, stampNotes } from './notes.ts';
import { guardProperties, notPublic, propertyNames } from './property-names.ts';
import { newNameFault } from './refusals.ts';
import { ownCopy } from './text.ts';

const { toString: tagOf } = Object.prototype;

const OBJECT = Symbol.for('php-session-bridge.PhpObject');
const ENUM = Symbol.for('php-session-bridge.PhpEnum');
const FLOAT = Symbol.for('php-session-bridge.PhpFloat');
const SERIALIZED = Symbol.for('php-session-bridge.PhpSerializedObject');

/** Enum cases and payloads are noted, as every object is, so that containers know where one stood. */
const OPAQUE = makeNotes({});

/** The visibility of a property: a private one of a parent class names that class. */
export type Visibility = 'public' | 'protected' | 'private' | { readonly private: string };

export interface PhpObjectOptions {
  /** Visibility of properties by name; those not named are public. */
  readonly visibility?: Readonly<Record<string, Visibility>> | undefined;
}

/**
 * An object of a PHP class. Its properties are its own properties, by plain name, whatever their
 * visibility; class name, visibility and order are remembered and written back.
 *
 * ```js
 * session.user.name = 'Ada';                       // a decoded object: just change it
 * session.user = session.user.with({ age: 37 });   // a changed copy of the same class
 * session.cart = new PhpObject('App\\Cart', { items: [], total: 0 }, {
 *   visibility: { total: 'protected' },
 * });
 * ```
 */
export class PhpObject {
  [property: string]: unknown;

  /**
   * @param className The fully qualified class name, without a leading backslash.
   * @param properties The properties in PHP's order.
   * @param options Visibility of properties that are not public.
   * @throws CodecError `ERR_PSB_CODEC_VALUE` if PHP would not accept the class name, for properties
   * that are none (a Map, a Date, null), and for a name that begins with NUL, is `toJSON` or
   * `__PHP_Incomplete_Class_Name`
   */
  constructor(className: string, properties: object = {}, options: PhpObjectOptions = {}) {
    if (typeof className !== 'string' || !isClassName(className)) {
      throw new CodecError('ERR_PSB_CODEC_VALUE', 'the class name is not one that PHP accepts');
    }
    const names = namesOf(properties);
    const visibility = options?.visibility;
    for (const name of names) assertNewName(name);
    for (const name of names) define(this, name, (properties as Record<string, unknown>)[name]);
    const scopes = names.map((name) => {
      const wish =
        visibility !== undefined && visibility !== null && Object.hasOwn(visibility, name);
      return wish ? scopeFor(visibility[name] as Visibility, className) : null;
    });
    setNotes(this, new Layout(className, names, scopes).plain);
  }

  /**
   * A copy of this object with the given properties changed or, as public ones, added.
   * A PHP property named `with` hides this method: `PhpObject.with(object, …)` always works.
   *
   * @throws CodecError `ERR_PSB_CODEC_VALUE` for the names that the constructor refuses
   */
  with(properties: object): this {
    return PhpObject.with(this, properties);
  }

  static with<T extends PhpObject>(object: T, properties: object): T {
    const notes = getNotes(object);
    const copy = Object.create(Object.getPrototypeOf(object)) as T;
    for (const name of propertyNames(object)) define(copy, name, object[name]);
    for (const name of namesOf(properties)) {
      assertNewName(name, notes?.layout?.names);
      define(copy, name, (properties as Record<string, unknown>)[name]);
    }
    if (notes !== undefined) setNotes(copy, notes);
    if (notes?.layout) guardProperties(copy, notes.layout);
    return copy;
  }

  /**
   * What `JSON.stringify()` shows: the public properties, as PHP's json_encode(). A copy by
   * `PhpObject.toArray(object)` has all of them; so has a spread, `{ ...object }`, which therefore is
   * nothing to send to a browser.
   */
  toJSON(): Record<string, unknown> {
    const shown: Record<string, unknown> = {};
    const layout = getNotes(this)?.layout;
    // A clone that has lost its class does not say which of them are public.
    if (!layout) return shown;
    const hidden = notPublic(layout);
    for (const name of propertyNames(this)) {
      if (!hidden.has(name)) define(shown, name, this[name]);
    }
    return shown;
  }

  /** The class name of an object. */
  static className(object: PhpObject): string {
    return layoutOf(object).className;
  }

  /** The visibility of a property; `undefined` if the object has no such property. */
  static visibility(object: PhpObject, name: string): Visibility | undefined {
    if (!Object.hasOwn(object, name)) return undefined;
    const layout = layoutOf(object);
    const scope = layout.scopeOf(name);
    if (scope === null) return 'public';
    if (scope === '*') return 'protected';
    return scope === layout.className ? 'private' : { private: scope };
  }

  /**
   * A property by name and, where a parent and a child class both have a private property of that
   * name, by the class that declares it.
   */
  static get(object: PhpObject, name: string, className?: string): unknown {
    if (className === undefined) return Object.hasOwn(object, name) ? object[name] : undefined;
    const scope = layoutOf(object).scopeOf(name);
    if (scope === className && Object.hasOwn(object, name)) return object[name];
    for (const slot of getNotes(object)?.order ?? []) {
      if (typeof slot === 'object' && slot.name === name && slot.scope === className) {
        return slot.value;
      }
    }
    return undefined;
  }

  /**
   * States that a plain object is meant as a PHP array, though it stands where a PhpObject was
   * (which is otherwise refused: PHP would get an array and die on a method call). Of a PhpObject:
   * all its properties, whatever their visibility, as an array.
   */
  static toArray<T extends object>(properties: T): T {
    namesOf(properties);
    const array = { ...properties };
    if (properties instanceof PhpObject) {
      for (const name of propertyNames(properties)) define(array, name, properties[name]);
    }
    setNotes(array, makeNotes({ isArray: true }));
    return array;
  }

  static {
    brand(PhpObject, OBJECT);
  }
}

/** What a PhpEnum is, whatever became of its properties. */
export interface EnumCase {
  readonly className: string;
  readonly caseName: string;
}

/**
 * A case of a PHP enum. Two of the same class and case are the same value to PHP.
 *
 * It cannot be changed: another case is another `new PhpEnum(…)`. A copy by a spread or a clone is
 * an object like any other, and refused in its place (`ERR_PSB_CLASS_LOST`).
 */
export class PhpEnum {
  readonly className: string;
  readonly caseName: string;
  readonly #case: EnumCase;

  /** @throws CodecError `ERR_PSB_CODEC_VALUE` if one of the names is no text */
  constructor(className: string, caseName: string) {
    if (typeof className !== 'string' || typeof caseName !== 'string') {
      throw new CodecError('ERR_PSB_CODEC_VALUE', 'a PhpEnum has the names of a class and a case');
    }
    this.className = className;
    this.caseName = caseName;
    this.#case = { className, caseName };
    stampNotes(this, OPAQUE);
    Object.freeze(this);
  }

  static {
    brand(PhpEnum, ENUM, (value) => (#case in value ? (value as PhpEnum).#case : undefined));
  }
}

/** Forces a float where a number would be written as an integer: `new PhpFloat(1)` is `1.0`. */
export class PhpFloat {
  readonly value: number;

  /** @throws CodecError `ERR_PSB_CODEC_VALUE` for what is no number */
  constructor(value: number) {
    if (typeof value !== 'number') {
      throw new CodecError('ERR_PSB_CODEC_VALUE', 'a PhpFloat is made of a number');
    }
    this.value = value;
  }

  valueOf(): number {
    return this.value;
  }

  toJSON(): number {
    return this.value;
  }

  static {
    brand(PhpFloat, FLOAT);
  }
}

/** What a PhpSerializedObject is, whatever became of its properties. */
export interface Payload {
  readonly className: string;
  /** Not to be changed. */
  readonly data: Buffer;
}

/**
 * An object of a class that serializes itself by PHP's `Serializable`: opaque bytes.
 *
 * It cannot be changed: other bytes are another `new PhpSerializedObject(…)`, which keeps a copy of
 * them, as `data` is one at each call. A copy by a spread or a clone is an object like any other,
 * and refused in its place (`ERR_PSB_CLASS_LOST`).
 */
export class PhpSerializedObject {
  readonly className: string;
  declare readonly data: Buffer;
  readonly #payload: Payload;

  /** @throws CodecError `ERR_PSB_CODEC_VALUE` for data that is no bytes */
  constructor(className: string, data: Uint8Array) {
    if (typeof className !== 'string') {
      throw new CodecError('ERR_PSB_CODEC_VALUE', 'a PhpSerializedObject has the name of a class');
    }
    if (!(data instanceof Uint8Array)) {
      throw new CodecError('ERR_PSB_CODEC_VALUE', 'the data of a PhpSerializedObject are bytes');
    }
    const own = ownCopy(data);
    this.className = className;
    // Merging something into the bytes that are shown must not reach those that are written.
    Object.defineProperty(this, 'data', { get: () => ownCopy(own), enumerable: true });
    this.#payload = { className, data: own };
    stampNotes(this, OPAQUE);
    Object.freeze(this);
  }

  /** What console.log() shows. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { className, data } = this;
    return `PhpSerializedObject ${inspect({ className, data }, options)}`;
  }

  static {
    brand(PhpSerializedObject, SERIALIZED, (value) =>
      #payload in value ? (value as PhpSerializedObject).#payload : undefined,
    );
  }
}

/**
 * The class and case that a PhpEnum was made with; `undefined` for a clone of one, a Proxy over one
 * or anything else, which may say whatever it likes in its properties.
 */
export function enumCaseOf(value: object): EnumCase | undefined {
  return stateOf<EnumCase>(value, ENUM);
}

/** The class and the bytes that a PhpSerializedObject was made with, likewise. */
export function payloadOf(value: object): Payload | undefined {
  return stateOf<Payload>(value, SERIALIZED);
}

/** Asked by the symbol, so that a value made by another copy of the package answers, too. */
function stateOf<T extends object>(value: object, symbol: symbol): T | undefined {
  const state = (value as { readonly [name: symbol]: unknown })[symbol];
  return typeof state === 'object' && state !== null ? (state as T) : undefined;
}

export { define } from './define.ts';

/** Is it an enum case or a payload, which hold nothing that could be looked into? */
export function isOpaque(value: object): boolean {
  return ENUM in value || SERIALIZED in value;
}

/** Is it a value that PHP holds as an object? */
export function isObjectValue(value: unknown): value is PhpObject | PhpEnum | PhpSerializedObject {
  if (typeof value !== 'object' || value === null) return false;
  return OBJECT in value || ENUM in value || SERIALIZED in value;
}

/** A Map, a Date or a Promise has no own properties: it would become an object without any. */
function namesOf(properties: object): string[] {
  const isObject = typeof properties === 'object' && properties !== null;
  if (isObject && (Array.isArray(properties) || tagOf.call(properties) === '[object Object]')) {
    return Object.keys(properties);
  }
  throw new CodecError('ERR_PSB_CODEC_VALUE', 'the properties of a PhpObject must be an object');
}

function layoutOf(object: PhpObject): Layout {
  const layout = getNotes(object)?.layout;
  if (layout) return layout;
  throw new CodecError('ERR_PSB_CODEC_VALUE', 'not an object made by PhpObject or by a decoder');
}

function scopeFor(visibility: Visibility, className: string): string | null {
  if (visibility === 'public') return null;
  if (visibility === 'protected') return '*';
  if (visibility === 'private') return className;
  const declaring = typeof visibility === 'object' ? visibility?.private : undefined;
  if (typeof declaring === 'string' && isClassName(declaring)) return declaring;
  throw new CodecError(
    'ERR_PSB_CODEC_VALUE',
    "a visibility is 'public', 'protected', 'private' or { private: class }",
  );
}

/** @param state What a value of this kind is; without it that is in the notes. */
function brand(
  kind: { readonly prototype: object },
  symbol: symbol,
  state?: (value: object) => object | undefined,
): void {
  Object.defineProperty(
    kind.prototype,
    symbol,
    state === undefined
      ? { value: true }
      : {
          get(this: object) {
            return state(this);
          },
        },
  );
  Object.defineProperty(kind, Symbol.hasInstance, {
    value: (value: unknown): boolean =>
      typeof value === 'object' && value !== null && symbol in value,
  });
}

/** A property that PHP itself could not have added, or that would speak for the object. */
function assertNewName(name: string, known?: readonly string[]): void {
  const fault = newNameFault(name);
  if (fault !== undefined && known?.includes(name) !== true)
    throw new CodecError('ERR_PSB_CODEC_VALUE', fault, { path: name });
}
