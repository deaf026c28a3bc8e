/**
 * The methods that middleware written for other session stores expects on the session object
 * (koa-passport, for one), on top of plain session variables.
 */
import type { SessionVariables } from '../session/session-variables.ts';
import type { RequestSession } from './request-session.ts';

type Callback = (error?: unknown) => void;

/**
 * Adds `save`, `regenerate`, `destroy` and `reload` to the variables, each with a callback or a
 * promise. They are not enumerable, so they are never stored; a session variable of such a name
 * wins. As in express-session, `regenerate` yields an empty session: what it replaces is the
 * caller's to carry over.
 */
export function addSessionMethods(variables: SessionVariables, request: RequestSession): void {
  const methods: Record<string, () => Promise<unknown>> = {
    save: async () => {
      await request.settleLogout();
      await request.session.save();
    },
    regenerate: async () => {
      await request.settleLogout();
      await request.session.regenerate();
      request.variables = {};
    },
    destroy: async () => {
      request.variables = null;
      await request.settleLogout();
    },
    reload: () => request.session.reload(),
  };
  for (const [name, method] of Object.entries(methods)) {
    if (Object.hasOwn(variables, name)) continue;
    Object.defineProperty(variables, name, {
      enumerable: false,
      configurable: true,
      get: () => (callback?: Callback) => answer(method(), callback),
      // An assignment makes it a session variable like any other.
      set: (value: unknown) =>
        Object.defineProperty(variables, name, {
          value,
          enumerable: true,
          configurable: true,
          writable: true,
        }),
    });
  }
}

function answer(result: Promise<unknown>, callback?: Callback): Promise<void> | undefined {
  const done = result.then(() => {});
  if (!callback) return done;
  // On a fresh stack: what the callback throws is its own affair, not a rejection of ours.
  done.then(
    () => process.nextTick(callback),
    (error: unknown) => process.nextTick(callback, error),
  );
  return undefined;
}
