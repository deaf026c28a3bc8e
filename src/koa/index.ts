/**
 * Koa 2.16 and 3.
 *
 * @module php-session-bridge/koa
 */
export type { PhpSessionContext } from './context.ts';
export { type PhpSessionKoaOptions, type PhpSessionMiddleware, phpSession } from './php-session.ts';
