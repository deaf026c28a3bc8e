/**
 * Is what is stored now still the session that was opened? If not, neither merging nor writing
 * is safe: one user's data would end up in another's session, or a logout would be undone.
 */

import { SessionError } from '../errors.ts';
import { sameSlots } from './merge/slots.ts';
import type { SessionVariables } from './session-variables.ts';

/**
 * @param base the variables that were read; `null` if there was no session
 * @param theirs the variables that are stored now; `null` if there are none
 * @param identity names of variables that say whose session it is
 * @throws SessionError `ERR_PSB_SESSION_GONE`, `ERR_PSB_SESSION_REPLACED`
 */
export function assertSameSession(
  base: SessionVariables | null,
  theirs: SessionVariables | null,
  identity: readonly string[],
): asserts theirs is SessionVariables {
  if (theirs === null) {
    throw new SessionError(
      'ERR_PSB_SESSION_GONE',
      'the session was destroyed while this request worked on it; nothing was written',
    );
  }
  const names = base === null ? [] : Object.keys(base);
  if (names.length > 0 && !names.some((name) => Object.hasOwn(theirs, name))) {
    throw replaced('none of the variables that were read is there any more');
  }
  for (const name of identity) {
    const before = base !== null && Object.hasOwn(base, name) ? [name] : [];
    const now = Object.hasOwn(theirs, name) ? [name] : [];
    if (!sameSlots(base ?? {}, before, theirs, now)) {
      throw replaced(`the session variable ${name} names another user`);
    }
  }
}

function replaced(reason: string): SessionError {
  return new SessionError(
    'ERR_PSB_SESSION_REPLACED',
    `another session lies under this id now (${reason}); nothing was written`,
  );
}
