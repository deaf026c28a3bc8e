/** Property names as they stand in the bytes: `\0*\0name`, `\0Class\0name` or `name`. */
import { INT_KEY, type Layout } from './notes.ts';

/** The names of a layout in order; `null` for an integer key. */
export function mangledNames(layout: Layout): readonly (string | null)[] {
  layout.mangled ??= layout.names.map((name, i) => mangled(name, layout.scopes[i] ?? null));
  return layout.mangled;
}

export function mangled(name: string, scope: string | null): string | null {
  if (scope === null) return name;
  return scope === INT_KEY ? null : `\0${scope}\0${name}`;
}
