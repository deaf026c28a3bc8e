/** Paths of session variables for errors: `cart.items[3].price`. Names are never values. */

import type { Key } from './notes.ts';

const INTEGER = /^-?\d+$/;

/** Joins keys to a path: names by `.`, integer keys in brackets. */
export function joinPath(keys: readonly Key[]): string {
  let path = '';
  for (const key of keys) {
    if (typeof key === 'number' || (path !== '' && INTEGER.test(key))) path += `[${key}]`;
    else path += path === '' ? key : `.${key}`;
  }
  return path;
}
