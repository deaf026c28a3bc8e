/** The notes of the root, for handlers that hold the variables side by side. */

import { CodecError } from '../../errors.ts';
import { define } from '../define.ts';
import { isIntegerKey } from '../integers.ts';
import { getNotes, isArrayIndex, type Key, makeNotes, setNotes } from '../notes.ts';
import { isObjectValue } from '../values.ts';
import type { Variables } from './session-handler.ts';

export class RootBuilder {
  readonly root: Variables;
  readonly #floats = new Map<string, string | null>();
  #names: Set<string> | null = null;

  constructor(root: Variables) {
    this.root = root;
  }

  /** Is there a variable of this name already? */
  has(name: string): boolean {
    return Object.hasOwn(this.root, name);
  }

  /** @param float The text of a float that is not the canonical one, `null`, or no float. */
  add(name: string, value: unknown, float: string | null | undefined): void {
    if (isIntegerKey(name)) this.#names ??= new Set(Object.keys(this.root));
    this.#names?.add(name);
    define(this.root, name, value);
    if (float !== undefined) this.#floats.set(name, float);
    else if (this.#floats.size > 0) this.#floats.delete(name);
  }

  /** @param deferred names of variables that are not there yet */
  finish(deferred?: { has(name: string): boolean }): void {
    const kidKeys: string[] = [];
    const kids: object[] = [];
    for (const name of Object.keys(this.root)) {
      if (deferred?.has(name)) continue;
      const value = this.root[name];
      if (typeof value === 'object' && value !== null && getNotes(value) !== undefined) {
        kidKeys.push(name);
        kids.push(value);
      }
    }
    if (kids.length === 0 && this.#floats.size === 0 && this.#names === null) return;
    const texts = [...this.#floats.values()];
    const order: Key[] | null =
      this.#names === null
        ? null
        : [...this.#names].map((name) => (isArrayIndex(name) ? Number(name) : name));
    setNotes(
      this.root,
      makeNotes({
        order,
        format: order === null ? null : { variables: true },
        floatKeys: texts.length > 0 ? [...this.#floats.keys()] : null,
        floatTexts: texts.some((text) => text !== null) ? texts : null,
        kidKeys: kids.length > 0 ? kidKeys : null,
        kids: kids.length > 0 ? kids : null,
      }),
    );
  }
}

/** Leaves only the wanted variables. Notes of the others stay behind and do no harm. */
export function pick(variables: Variables, only: ReadonlySet<string>): Variables {
  for (const name of Object.keys(variables)) if (!only.has(name)) delete variables[name];
  return variables;
}

declare module '../notes.ts' {
  interface FormatNotes {
    /** The integer-like names in `order` are names of variables: strings, as `php` reads them. */
    readonly variables?: true;
  }
}

/**
 * The root of a binary session as its variables. PHP takes nothing but an array for it.
 * @throws CodecError `ERR_PSB_CODEC_VALUE`
 */
export function rootVariables(value: unknown, offset: number): Variables {
  const isArray =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !isObjectValue(value);
  if (isArray) return value as Variables;
  throw new CodecError('ERR_PSB_CODEC_VALUE', 'the session is no array of variables', { offset });
}
