/** Paths of session variables for errors: `cart.items[3].price`. Names are never values. */

import type { Key } from './notes.ts';

const INTEGER = /^-?\d+$/;

/** Of a longer path the middle is left out, … */
const MOST_KEYS = 32;
/** … all but so many keys at each end. */
const KEPT_KEYS = 12;
/** A longer name is cut off. */
const MOST_UNITS = 128;

/**
 * Joins keys to a path: names by `.`, integer keys in brackets. Of more than 32 keys only the first
 * and the last twelve are named, and between them how many there are more: `a.b …(4072 more)… .c`.
 */
export function joinPath(keys: readonly Key[]): string {
  if (keys.length <= MOST_KEYS) return join('', keys);
  const more = keys.length - 2 * KEPT_KEYS;
  const start = join('', keys.slice(0, KEPT_KEYS));
  return join(`${start} …(${more} more)… `, keys.slice(-KEPT_KEYS));
}

function join(start: string, keys: readonly Key[]): string {
  let path = start;
  for (const key of keys) {
    if (typeof key === 'number' || (path !== '' && key.length <= 20 && INTEGER.test(key)))
      path += `[${key}]`;
    else path += path === '' ? short(key) : `.${short(key)}`;
  }
  return path;
}

function short(name: string): string {
  return name.length <= MOST_UNITS ? name : `${name.slice(0, MOST_UNITS)}…`;
}
