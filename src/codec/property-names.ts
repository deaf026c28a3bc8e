/**
 * The properties of an object of a PHP class. One that PHP gave a property `toJSON` has no method of
 * that name, and JSON.stringify() would show all that is enumerable: there what is not public is not.
 */

import { getNotes, INT_KEY, type Layout } from './notes.ts';

/** Makes what is not public invisible to JSON.stringify(), if nothing else does. */
export function guardProperties(object: object, layout: Layout): void {
  if (!layout.isGuarded) return;
  for (const [i, name] of layout.names.entries()) {
    if (isPublic(layout.scopes[i]) || !Object.hasOwn(object, name)) continue;
    Object.defineProperty(object, name, { enumerable: false });
  }
}

/** The names of all properties that PHP knows of, or will. */
export function propertyNames(object: object): string[] {
  const layout = getNotes(object)?.layout;
  if (layout?.isGuarded !== true) return Object.keys(object);
  return Object.getOwnPropertyNames(object).filter(
    (name) =>
      Object.prototype.propertyIsEnumerable.call(object, name) || layout.names.includes(name),
  );
}

/** Is this the scope of a property that everybody sees? */
export function isPublic(scope: string | null | undefined): boolean {
  return scope === null || scope === undefined || scope === INT_KEY;
}
