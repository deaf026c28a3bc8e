/** Paths of session variables for errors: `cart.items[3].price`. Names are never values. */

import type { Key } from './notes.ts';

/** As PHP writes an integer key: `01` and `-0` are names. */
const INTEGER = /^(?:0|-?[1-9]\d*)$/;

/** Of a longer path the middle is left out, … */
const MOST_KEYS = 32;
/** … all but so many keys at each end. */
const KEPT_KEYS = 12;
/** A longer name is cut off. */
const MOST_UNITS = 128;

/**
 * Joins keys to a path: names by `.`, integer keys in brackets. Of more than 32 keys only the first
 * and the last twelve are named, and between them how many there are more: `a.b …(4072 more)… .c`.
 *
 * @param more how many keys were left out in the middle already
 */
export function joinPath(keys: readonly Key[], more = keys.length - 2 * KEPT_KEYS): string {
  if (keys.length <= MOST_KEYS && more <= MOST_KEYS - 2 * KEPT_KEYS) return join('', keys);
  const start = join('', keys.slice(0, KEPT_KEYS));
  return join(`${start} …(${more} more)… `, keys.slice(-KEPT_KEYS));
}

function join(start: string, keys: readonly Key[]): string {
  let path = start;
  for (const [at, key] of keys.entries()) {
    // The empty name is a name: not the first key is told by an empty path, but by its place.
    const isFirst = at === 0 && start === '';
    if (typeof key === 'number' || (!isFirst && key.length <= 20 && INTEGER.test(key)))
      path += `[${key}]`;
    else path += isFirst ? short(key) : `.${short(key)}`;
  }
  return path;
}

function short(name: string): string {
  return name.length <= MOST_UNITS ? name : `${name.slice(0, MOST_UNITS)}…`;
}
