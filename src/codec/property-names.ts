/**
 * The properties of an object of a PHP class. One that PHP gave a property `toJSON` has no method of
 * that name, and JSON.stringify() would show all that is enumerable: there what is not public is not.
 */

import { getNotes, INT_KEY, type Layout } from './notes.ts';

/** Makes what is not public invisible to JSON.stringify(), if nothing else does. */
export function guardProperties(object: object, layout: Layout): void {
  if (!layout.isGuarded) return;
  for (const name of notPublic(layout)) {
    if (Object.hasOwn(object, name)) Object.defineProperty(object, name, { enumerable: false });
  }
}

/** The names of all properties that are written. */
export function propertyNames(object: object): string[] {
  const layout = getNotes(object)?.layout;
  if (layout?.isGuarded !== true) return Object.keys(object);
  const known = new Set(layout.names);
  return Object.getOwnPropertyNames(object).filter(
    (name) => known.has(name) || Object.prototype.propertyIsEnumerable.call(object, name),
  );
}

/** The properties that only PHP's classes see: the protected and the private ones. */
export function notPublic(layout: Layout): ReadonlySet<string> {
  return new Set(
    layout.names.filter((_, i) => {
      const scope = layout.scopes[i] ?? null;
      return scope !== null && scope !== INT_KEY;
    }),
  );
}
