/**
 * Web requests without a framework, and the base of every adapter.
 *
 * @module php-session-bridge/http
 */
export { type OpenSessionOptions, openSession, readSession } from './node.ts';
export {
  type OpenRequestOptions,
  openRequest,
  type RequestSession,
  type SessionRequest,
  type SessionResponse,
} from './request-session.ts';
export { ResponseGate } from './response-gate.ts';
