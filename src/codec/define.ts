/** Properties of any name. */

/**
 * Does every object have a property of this name already? Such a one is defined, not assigned:
 * `__proto__` would reach the prototype, and `toString` and the like cannot be assigned where
 * somebody froze Object.prototype, as a hardening.
 */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}

/** The same for a key that was read: asked for every entry, so the short ones go unasked. */
export function isPerilous(key: string | number): key is string {
  return typeof key === 'string' && key.length >= SHORTEST && key in Object.prototype;
}

/** Of what every object has: `valueOf`. */
const SHORTEST = 7;

/** Gives an object a property, without a look at its prototypes. */
export function define(target: object, name: string, value: unknown): void {
  if (isInherited(name)) {
    Object.defineProperty(target, name, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  } else {
    (target as Record<string, unknown>)[name] = value;
  }
}
