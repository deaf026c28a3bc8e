/**
 * The session that was opened is not there any more: somebody logged out, or it expired.
 */
import { SessionError } from '../errors.ts';

/** `ERR_PSB_SESSION_GONE` */
export function gone(): SessionError {
  return new SessionError(
    'ERR_PSB_SESSION_GONE',
    'the session was destroyed while this request worked on it; nothing was written',
  );
}

export function isGone(error: unknown): error is SessionError {
  return error instanceof SessionError && error.code === 'ERR_PSB_SESSION_GONE';
}
