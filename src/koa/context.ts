/**
 * What the middleware adds to Koa's context, for TypeScript.
 */
import type { Session } from '../session/session.ts';
import type { SessionVariables } from '../session/session-variables.ts';

declare module 'koa' {
  interface ExtendableContext {
    /** The session variables, PHP's `$_SESSION`. Never `null` when read. */
    get session(): SessionVariables;
    /** `null` logs out; an object replaces all variables under the same id. */
    set session(variables: SessionVariables | null);
    /** The session itself: `id`, `save()`, `regenerate()`, `destroy()` … */
    readonly phpSession: Session;
  }
}

/** The part of Koa's context that a renamed bridge (`property`) has under other names. */
export interface PhpSessionContext {
  get session(): SessionVariables;
  set session(variables: SessionVariables | null);
  readonly phpSession: Session;
}
