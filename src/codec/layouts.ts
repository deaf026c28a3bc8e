/**
 * Layouts of objects: which class, which properties of which visibility in which order. Objects of
 * one class mostly agree, so readers expect the layout that they saw last.
 */

import { Layout } from './notes.ts';

interface ClassEntry {
  /** The layout to expect: one that was met twice. */
  last: Layout | null;
  readonly all: Layout[];
}

// Bounded, since input names the classes.
const MAX_CLASSES = 512;
const MAX_LAYOUTS = 8;
const classes = new Map<string, ClassEntry>();

/** The layout to expect for an object of this class. */
export function expectedLayout(className: string): Layout | null {
  return classes.get(className)?.last ?? null;
}

/** Was an object of this class read before, so that its name is known to be a good one? */
export function isKnownClass(className: string): boolean {
  return classes.has(className);
}

/** The one Layout object for these properties, remembered as the one to expect next. */
export function internLayout(
  className: string,
  names: readonly string[],
  scopes: readonly (string | null)[],
): Layout {
  let entry = classes.get(className);
  if (entry === undefined) {
    if (classes.size >= MAX_CLASSES) classes.clear();
    entry = { last: null, all: [] };
    classes.set(className, entry);
  }
  let found = entry.all.find((layout) => agrees(layout, names, scopes));
  if (found === undefined) {
    found = new Layout(className, names, scopes);
    // Very wide ones are not worth keeping.
    if (names.length > 256) return found;
    if (entry.all.length >= MAX_LAYOUTS) entry.all.shift();
    entry.all.push(found);
  } else {
    if (found.isExpectable && !found.isGuarded) entry.last = found;
  }
  return found;
}

function agrees(
  layout: Layout,
  names: readonly string[],
  scopes: readonly (string | null)[],
): boolean {
  if (layout.names.length !== names.length) return false;
  for (let i = 0; i < names.length; i++) {
    if (layout.names[i] !== names[i] || layout.scopes[i] !== scopes[i]) return false;
  }
  return true;
}

/** Splits a mangled name: `\0*\0name` protected, `\0Class\0name` private, else public. */
export function unmangle(mangled: string): {
  readonly name: string;
  readonly scope: string | null;
} {
  if (mangled.charCodeAt(0) !== 0) return { name: mangled, scope: null };
  const second = mangled.indexOf('\0', 1);
  // An array cast to stdClass may hold any name.
  if (second < 0) return { name: mangled, scope: null };
  return { name: mangled.slice(second + 1), scope: mangled.slice(1, second) };
}
