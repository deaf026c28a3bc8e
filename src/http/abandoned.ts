/**
 * The end of a request whose client has left. PHP, too, stores the session of such a request, once
 * its script is over; but a handler that waits for the client may never be.
 */
import type { ServerResponse } from 'node:http';
import type { RequestSession } from './request-session.ts';
import type { ResponseGate } from './response-gate.ts';

/** How long a handler may go on working after its client has gone, in milliseconds. */
const GRACE = 5_000;

/**
 * Commits the session, and with that gives back its lock, if the response is closed and nobody
 * else does. As long as the client is there a request has all the time it wants.
 */
export function endAbandoned(
  response: ServerResponse,
  request: RequestSession,
  gate: ResponseGate,
): void {
  const wait = () => {
    if (request.committed) return;
    setTimeout(() => gate.commit().catch(() => {}), GRACE).unref();
  };
  // The client may have left while the session was being opened.
  if (isClosed(response)) wait();
  else response.once('close', wait);
}

function isClosed(response: ServerResponse): boolean {
  const { stream } = response as { readonly stream?: { readonly destroyed?: boolean } };
  return response.closed || response.destroyed || stream?.destroyed === true;
}
