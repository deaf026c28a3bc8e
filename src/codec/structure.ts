/**
 * The structure of decoded values, for merging: which slots a container has in PHP's order, whether
 * two are the same to PHP, which of them are tied together, and moving slots with all their notes.
 * Works alike for every format, since all of them decode into the same values and notes.
 */

import { CodecError } from '../errors.ts';
import { isIntegerKey } from './integers.ts';
import { getNotes, isArrayIndex } from './notes.ts';
import { encodeLimits } from './options.ts';
import { writeValue } from './php/document.ts';
import { isPlain, listKeys } from './plain.ts';
import { editSlots, type SlotNotes } from './slot-notes.ts';
import { define, isObjectValue, PhpEnum, PhpFloat } from './values.ts';
import { viewOf } from './view.ts';

/** map = a non-empty array that is not a list; leaf = everything that merges as one piece. */
export type Kind = 'map' | 'list' | 'empty' | 'leaf';

export function kindOf(value: unknown): Kind {
  if (typeof value !== 'object' || value === null) return 'leaf';
  if (Array.isArray(value)) {
    const keys = listKeys(value);
    if (keys !== null) return 'map';
    return value.length === 0 ? 'empty' : 'list';
  }
  if (isObjectValue(value) || value instanceof PhpFloat || !isPlain(value)) return 'leaf';
  const keys = keysOf(value);
  if (keys.length === 0) return 'empty';
  return keys.every((key, index) => key === String(index)) ? 'list' : 'map';
}

/** Is every PHP key of this array a string? */
export function isStringKeyed(map: unknown): boolean {
  if (typeof map !== 'object' || map === null) return false;
  const hidden = getNotes(map)?.order?.some((slot) => typeof slot === 'object') === true;
  return !hidden && keysOf(map).every((key) => !isIntegerKey(key));
}

/** The keys that PHP has, in PHP's order. */
export function keysOf(container: object): string[] {
  const view = viewOf(container, undefined);
  const keys = view === undefined ? Object.keys(container) : view.keys();
  const isList = Array.isArray(container);
  const names: string[] = [];
  for (const key of keys) {
    if (typeof key === 'object') continue;
    const name = String(key);
    // What is undefined is left out, except in a list.
    if (isList || (container as Record<string, unknown>)[name] !== undefined) names.push(name);
  }
  return names;
}

/**
 * Are these slots of two maps equal by value, PHP type, order and sharing among themselves?
 * What says all of that at once is the text that PHP would write for them.
 */
export function sameSlots(
  a: object,
  aKeys: readonly string[],
  b: object,
  bKeys: readonly string[],
): boolean {
  if (aKeys.length !== bKeys.length || !aKeys.every((key, i) => key === bKeys[i])) return false;
  if (aKeys.length === 0) return true;
  const first = textOf(a, aKeys);
  const second = first === undefined ? undefined : textOf(b, bKeys);
  return first !== undefined && second !== undefined && first.equals(second);
}

/** `undefined` if the slots hold something that cannot be written. */
function textOf(container: object, keys: readonly string[]): Buffer | undefined {
  const slots: Record<string, unknown> = {};
  transferSlots(slots, container, keys);
  try {
    return writeValue(slots, encodeLimits(undefined));
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

/**
 * Groups of this container's keys that are tied together by references or by one object in
 * several slots, also deep inside; only groups of two and more.
 */
export function tiedKeys(container: object): string[][] {
  const groups = new Map<string, Set<string>>();
  const owners = new Map<object, string>();
  for (const key of keysOf(container)) {
    const todo: { readonly value: unknown; readonly cell: object | undefined }[] = [];
    const top = (container as Record<string, unknown>)[key];
    todo.push({ value: top, cell: viewOf(container, undefined)?.cell(key, top) });
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      const { value, cell } = next;
      if (cell !== undefined) tie(groups, owners, cell, key);
      if (typeof value !== 'object' || value === null || value instanceof Uint8Array) continue;
      // An enum case is a value: PHP has it once, wherever it stands.
      if (value instanceof PhpEnum) continue;
      // What was walked already belongs to a key, and if that is another one, both are tied.
      if (tie(groups, owners, value, key)) continue;
      const view = viewOf(value, undefined);
      for (const [name, inner] of Object.entries(value)) {
        todo.push({ value: inner, cell: view?.cell(name, inner) });
      }
      for (const slot of view?.notes.order ?? []) {
        if (typeof slot === 'object')
          todo.push({ value: slot.value, cell: slot.cell ?? undefined });
      }
    }
  }
  return [...new Set(groups.values())].map((group) => [...group]);
}

/** @returns whether the thing was known already */
function tie(
  groups: Map<string, Set<string>>,
  owners: Map<object, string>,
  thing: object,
  key: string,
): boolean {
  const owner = owners.get(thing);
  if (owner === undefined) {
    owners.set(thing, key);
    return false;
  }
  if (owner !== key && (groups.get(owner) === undefined || groups.get(owner) !== groups.get(key))) {
    const joined = new Set([...(groups.get(owner) ?? [owner]), ...(groups.get(key) ?? [key])]);
    for (const member of joined) groups.set(member, joined);
  }
  return true;
}

/**
 * Puts the slots of `source` into `target` with their PHP types and sharing: those that are there
 * are replaced in place, new ones come at the end in the given order.
 */
export function transferSlots(target: object, source: object, keys: readonly string[]): void {
  const view = viewOf(source, undefined);
  const notes = editSlots(target);
  for (const key of keys) {
    const value = (source as Record<string, unknown>)[key];
    const slot: SlotNotes = {
      float: typeof value === 'number' ? view?.float(key, value) : undefined,
      cell: view?.cell(key, value),
    };
    if (!Object.hasOwn(target, key) && isArrayIndex(key)) notes.keepOrder();
    define(target, key, value);
    notes.set(key, value, slot);
  }
  notes.finish();
}

export function deleteSlots(target: object, keys: readonly string[]): void {
  const notes = editSlots(target);
  for (const key of keys) {
    delete (target as Record<string, unknown>)[key];
    notes.delete(key);
  }
  notes.finish();
}

/** Appends the elements of a list from an index on to another list, with their PHP types. */
export function appendSlots(target: object, source: object, fromIndex: number): void {
  const view = viewOf(source, undefined);
  const notes = editSlots(target);
  let next = keysOf(target).length;
  for (const key of keysOf(source).slice(fromIndex)) {
    const value = (source as Record<string, unknown>)[key];
    const slot: SlotNotes = {
      float: typeof value === 'number' ? view?.float(key, value) : undefined,
      cell: view?.cell(key, value),
    };
    define(target, String(next), value);
    notes.set(String(next), value, slot);
    next++;
  }
  notes.finish();
}

/**
 * Gives a plain object that replaces decoded variables as a whole the notes of those entries that
 * did not change, as a container does that replaces another one inside of the variables.
 */
export function inheritNotes(replacement: object, replaced: object): void {
  if (replacement === replaced || getNotes(replacement) !== undefined) return;
  const view = viewOf(replacement, replaced);
  if (view === undefined) return;
  const order = view.keys();
  const kept = order.map((entry) => {
    const key = typeof entry === 'object' ? entry.name : String(entry);
    const value = (replacement as Record<string, unknown>)[key];
    const float = typeof value === 'number' ? view.float(key, value) : undefined;
    return { key, value, slot: { float, cell: view.cell(key, value) }, kid: view.kid(key) };
  });
  const notes = editSlots(replacement);
  if (view.notes.order !== null) notes.keepOrder(kept.map(({ key }) => key));
  for (const { key, value, slot, kid } of kept) notes.set(key, kid ?? value, slot);
  notes.finish();
}
