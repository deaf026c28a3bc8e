/**
 * koa-session decides by `JSON.stringify` whether a session changed. JSON cannot see what PHP can
 * (a name set on an empty array, 1.0 instead of 1) and dies of a BigInt. So the variables answer
 * for themselves when koa-session asks.
 */
import type { Session } from '../session/session.ts';
import type { SessionVariables } from '../session/session-variables.ts';

/** Under this name the whole `$_SESSION` stands in koa-session's session. */
export const ENVELOPE = 'php';

const SAME = 'as stored';
const CHANGED = 'changed';

/**
 * Gives the variables a `toJSON` (not enumerable, so never stored) that tells koa-session whether
 * their encoded bytes still say what is stored, and everybody else the variables themselves.
 *
 * @param unchanged they were decoded just now; saves the first encoding
 */
export function addFingerprint(
  variables: SessionVariables,
  session: Session,
  unchanged = false,
): void {
  // A session variable of this name: JSON.stringify() then looks at the plain values.
  if (Object.keys(variables).includes('toJSON')) return;
  let fresh = unchanged;
  Object.defineProperty(variables, 'toJSON', {
    enumerable: false,
    configurable: true,
    writable: true,
    value: function toJSON(this: SessionVariables, key: string): unknown {
      // JSON.stringify() says under which name it found the object: koa-session's own.
      if (key !== ENVELOPE) return { ...this };
      const same = fresh || (session.variables === this && !session.changed);
      fresh = false;
      return same ? SAME : CHANGED;
    },
  });
}
