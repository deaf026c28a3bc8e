/**
 * The shape of `$_SESSION` in TypeScript. An application says what its own holds:
 *
 * ```ts
 * declare module 'php-session-bridge' {
 *   interface SessionVariables {
 *     userid?: string;
 *   }
 * }
 * ```
 *
 * Names that nobody declared are `unknown`.
 */
export interface SessionVariables {
  [name: string]: unknown;
}

/** An ordinary object: no array, no Map, no Buffer. */
export function isRecord(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Object]';
}
