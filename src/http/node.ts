/**
 * Sessions for plain Node: `http.createServer((req, res) => …)`, and requests that are upgraded to
 * a WebSocket.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { BridgeError } from '../errors.ts';
import type { Session } from '../session/session.ts';
import type { SessionModule } from '../session/session-module.ts';
import { endAbandoned } from './abandoned.ts';
import { sessionIdOf } from './cookie.ts';
import { readCookie } from './cookie-header.ts';
import { openRequest } from './request-session.ts';
import { ResponseGate } from './response-gate.ts';
import { webSettingsOf } from './web-settings.ts';

export interface OpenSessionOptions {
  /** Is the client's connection secure? Default: whether this request came over TLS itself. */
  readonly secure?: boolean | undefined;
  /** Called when the commit at the end of the response failed. Default: a warning. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/**
 * Opens the session of a request. It is committed when the response ends: `res.end()` waits for
 * it, and the cookie of a new session is added to the headers. If the session cannot be stored the
 * client gets the error's status, or a cut connection if the headers were out already. A response
 * that begins before its end waits with its first byte until a new session is stored.
 *
 * ```ts
 * import { createServer } from 'node:http';
 * import { SessionManager } from 'php-session-bridge';
 * import { openSession } from 'php-session-bridge/http';
 *
 * const sessions = new SessionManager({ savePath: 'tcp://127.0.0.1:6379' });
 *
 * createServer(async (req, res) => {
 *   const session = await openSession(sessions, req, res);
 *   res.end(`Hello ${session.variables.userid}`);
 * });
 * ```
 *
 * @throws StoreError, LockError, CodecError if the session cannot be opened
 * @throws OptionsError `ERR_PSB_OPTIONS` if the request has a session with a cookie of this name
 */
export async function openSession(
  sessions: SessionModule,
  req: IncomingMessage,
  res: ServerResponse,
  options: OpenSessionOptions = {},
): Promise<Session> {
  ResponseGate.assertFree(res, webSettingsOf(sessions).cookie.name);
  let gate: ResponseGate | undefined;
  const request = await openRequest(
    sessions,
    {
      cookie: req.headers.cookie,
      secure: options.secure ?? (req.socket as Partial<TLSSocket>).encrypted === true,
    },
    { headersSent: () => (gate ?? res).headersSent },
  );
  gate = new ResponseGate(res, request, (error) => {
    if (!res.headersSent) answerWithError(res, error);
    const report = options.onError ?? webSettingsOf(sessions).reportFailure;
    report(error);
  });
  endAbandoned(res, request, gate);
  return request.session;
}

/**
 * Reads the session of a request without touching it: nothing is written, no TTL refreshed, no
 * lock taken. For WebSocket upgrades and other places that only ask who this is. Without a valid
 * session the variables are empty and `exists` is false.
 *
 * @throws StoreError, CodecError
 */
export function readSession(sessions: SessionModule, req: IncomingMessage): Promise<Session> {
  const { cookie } = webSettingsOf(sessions);
  const id = sessionIdOf(readCookie(req.headers.cookie, cookie.name));
  return sessions.open(id, { readOnly: true });
}

function answerWithError(res: ServerResponse, error: unknown): void {
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  res.statusCode = error instanceof BridgeError ? error.status : 500;
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.end(STATUS_CODES[res.statusCode]);
}
