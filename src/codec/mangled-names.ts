/** Property names as they stand in the bytes: `\0*\0name`, `\0Class\0name` or `name`. */
import { INT_KEY, type Layout } from './notes.ts';

const known = new WeakMap<Layout, readonly (string | null)[]>();

/** The names of a layout in order; `null` for an integer key. */
export function mangledNames(layout: Layout): readonly (string | null)[] {
  let names = known.get(layout);
  if (names === undefined) {
    names = layout.names.map((name, i) => mangled(name, layout.scopes[i] ?? null));
    known.set(layout, names);
  }
  return names;
}

export function mangled(name: string, scope: string | null): string | null {
  if (scope === null) return name;
  return scope === INT_KEY ? null : `\0${scope}\0${name}`;
}
