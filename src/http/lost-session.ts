import { BridgeError } from '../errors.ts';

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
