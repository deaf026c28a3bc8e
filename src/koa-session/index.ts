/**
 * koa-session 7 over PHP's sessions.
 *
 * @module php-session-bridge/koa-session
 */
export {
  type KoaSessionOptions,
  type PhpKoaSession,
  type PhpKoaSessionOptions,
  phpSessionOptions,
} from './php-session-options.ts';
export { PhpSessionStore, type StoreOptions } from './php-session-store.ts';
