import { BridgeError } from '../errors.ts';
import type { Session } from '../session/session.ts';

/**
 * Was the session destroyed or replaced by somebody else while the request ran? Then nothing of
 * it was written, and that is no reason to fail the response.
 */
export function isLost(error: unknown): error is BridgeError {
  return (
    error instanceof BridgeError &&
    (error.code === 'ERR_PSB_SESSION_GONE' || error.code === 'ERR_PSB_SESSION_REPLACED')
  );
}

/** Was the client's session logged out by somebody, so that what lies there since does not count? */
export function isRevoked(session: Session & { readonly revoked?: boolean }): boolean {
  return session.revoked === true;
}
