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
