/**
 * Koa middleware: `ctx.session` is PHP's `$_SESSION`.
 */
import { inspect } from 'node:util';
import type Koa from 'koa';
import { SessionManager, type SessionManagerOptions } from '../config/session-manager.ts';
import { OptionsError } from '../errors.ts';
import { endAbandoned } from '../http/abandoned.ts';
import { describeSessions } from '../http/description.ts';
import { openRequest, type RequestSession } from '../http/request-session.ts';
import { ResponseGate } from '../http/response-gate.ts';
import { addSessionMethods } from '../http/session-methods.ts';
import { webSettingsOf } from '../http/web-settings.ts';
import type { SessionModule } from '../session/session-module.ts';
import type { SessionVariables } from '../session/session-variables.ts';

export interface PhpSessionKoaOptions {
  /**
   * Where the variables appear on the context. Default `session`; the session itself is then
   * `ctx.phpSession`, and with `property: 'shop'` it is `ctx.phpShop`. With different properties
   * several bridges live in one application.
   */
  readonly property?: string | undefined;
  /**
   * Adds `save`, `regenerate`, `destroy` and `reload` to the variables (not enumerable, never
   * stored), as koa-passport expects them. Default `false`.
   */
  readonly sessionMethods?: boolean | undefined;
  /**
   * Commit the session also when the request failed with an error, as PHP does at the end of a
   * script that died. Default `true`; `false` drops the changes of a failed request.
   */
  readonly commitOnError?: boolean | undefined;
}

/** Koa middleware that knows its manager. */
export interface PhpSessionMiddleware extends Koa.Middleware {
  /** The manager in use: the one that was handed in, or the one made from the options. */
  readonly sessions: SessionModule;
}

/**
 * Middleware that opens PHP's session for every request and commits it at its end.
 *
 * ```ts
 * import Koa from 'koa';
 * import { phpSession } from 'php-session-bridge/koa';
 *
 * const app = new Koa();
 * app.use(phpSession({ savePath: 'tcp://127.0.0.1:6379' }));
 * app.use((ctx) => {
 *   ctx.body = `Hello ${ctx.session.userid}`;
 * });
 * ```
 *
 * @param options those of `SessionManager`, and Koa's own
 * @throws OptionsError `ERR_PSB_OPTIONS`, SavePathError
 */
export function phpSession(
  options: SessionManagerOptions & PhpSessionKoaOptions,
): PhpSessionMiddleware;
/**
 * The same over a manager that the application made and closes itself.
 *
 * @throws OptionsError `ERR_PSB_OPTIONS`
 */
export function phpSession(
  sessions: SessionModule,
  options?: PhpSessionKoaOptions,
): PhpSessionMiddleware;
export function phpSession(
  first: SessionModule | (SessionManagerOptions & PhpSessionKoaOptions),
  second?: PhpSessionKoaOptions,
): PhpSessionMiddleware {
  const { sessions, koaOptions } = split(first, second);
  // Wrong cookie options must stop the start, not the first request.
  const { cookie } = webSettingsOf(sessions);
  const { property = 'session', sessionMethods = false, commitOnError = true } = koaOptions;
  const { prepare, attach } = contextProperties(property, sessionMethods, sessions, cookie.name);

  async function phpSession(ctx: Koa.Context, next: Koa.Next): Promise<void> {
    const { res } = ctx;
    // Before the session is opened: nothing may throw between that and its end.
    prepare(ctx);
    ResponseGate.assertFree(res, cookie.name);
    let gate: ResponseGate | undefined;
    let isRunning = true;
    const request = await openRequest(
      sessions,
      { cookie: ctx.req.headers.cookie, secure: ctx.secure },
      { headersSent: () => (gate ?? res).headersSent },
    );
    attach(ctx, request);
    // While the handler runs nobody awaits the commit, and it may run as long as the client waits.
    gate = new ResponseGate(res, request, (error) => {
      if (isRunning) ctx.onerror(error as Error);
    });
    endAbandoned(res, request, gate);
    try {
      await next();
    } catch (error) {
      isRunning = false;
      gate.withdraw(error);
      const ended = commitOnError ? gate.commit() : gate.abort();
      // The client gets the answer to the error that came first; the second one is logged.
      await ended.catch((second: unknown) => ctx.app.emit('error', second, ctx));
      // Koa would never answer a request whose error is null or undefined.
      throw error ?? new TypeError(`${error} was thrown`);
    }
    isRunning = false;
    await gate.commit();
  }
  return Object.assign(phpSession, {
    sessions,
    // Middlewares are printed where an application is looked at.
    [inspect.custom]: () => `phpSession ${inspect(describeSessions(sessions))}`,
  });
}

function split(
  first: SessionModule | (SessionManagerOptions & PhpSessionKoaOptions),
  second: PhpSessionKoaOptions = {},
): { sessions: SessionModule; koaOptions: PhpSessionKoaOptions } {
  if (typeof first !== 'object' || first === null) {
    throw new OptionsError('a SessionManager or its options are needed: { savePath }, say');
  }
  // Not instanceof: the manager may come from another copy of this package.
  if ('open' in first && typeof first.open === 'function') {
    return { sessions: first, koaOptions: second };
  }
  const { property, sessionMethods, commitOnError, ...managerOptions } =
    first as SessionManagerOptions & PhpSessionKoaOptions;
  return {
    sessions: new SessionManager(managerOptions),
    koaOptions: { property, sessionMethods, commitOnError },
  };
}

function sessionProperty(property: string): string {
  if (property === '') throw new OptionsError('property must name a property of the context');
  return `php${property[0]?.toUpperCase()}${property.slice(1)}`;
}

const PLAIN = { writable: true, enumerable: true, configurable: true };

/** What a context knows of its session. */
interface Attached {
  readonly request: RequestSession;
  equipped: SessionVariables | undefined;
}

/**
 * The properties lie on the application's prototype of contexts, as Koa's own do; a context itself
 * only gets what they look up, under a symbol of this middleware's own.
 */
function contextProperties(
  property: string,
  sessionMethods: boolean,
  sessions: SessionModule,
  cookieName: string,
) {
  const key = Symbol(property);
  type Context = { [key]?: Attached };
  const accessors: PropertyDescriptorMap = {
    [property]: {
      configurable: true,
      enumerable: true,
      get(this: Context): SessionVariables | undefined {
        const attached = this[key];
        // A request that did not come through the middleware.
        if (attached === undefined) return undefined;
        const { variables } = attached.request;
        if (sessionMethods && variables !== attached.equipped) {
          addSessionMethods(variables, attached.request);
          attached.equipped = variables;
        }
        return variables;
      },
      set(this: Context, variables: SessionVariables | null) {
        const attached = this[key];
        if (attached !== undefined) attached.request.variables = variables;
        else Object.defineProperty(this, property, { value: variables, ...PLAIN });
      },
    },
    [sessionProperty(property)]: {
      configurable: true,
      get(this: Context) {
        return this[key]?.request.session;
      },
    },
  };
  const prepared = new WeakSet<object>();

  /**
   * @throws OptionsError if the context has such a property already, or the application such a
   *   cookie
   */
  function prepare(ctx: Koa.Context): void {
    const shared = Object.getPrototypeOf(ctx) as object | null;
    if (shared !== null && prepared.has(shared)) {
      if (Object.hasOwn(ctx, property) || Object.hasOwn(ctx, key)) throw taken(property);
      return;
    }
    if (property in ctx) throw taken(property);
    // A context that no application made, in a test perhaps, has them itself.
    const isKoas = shared !== null && shared === (ctx.app as Koa | undefined)?.context;
    if (isKoas) claimCookie(shared, cookieName, sessions);
    Object.defineProperties(isKoas ? shared : ctx, accessors);
    if (isKoas) prepared.add(shared);
  }

  function attach(ctx: Koa.Context, request: RequestSession): void {
    (ctx as Context)[key] = { request, equipped: undefined };
  }

  return { prepare, attach };
}

/** By application (its prototype of contexts): which manager has the cookie of a name. */
const cookies = new WeakMap<object, Map<string, SessionModule>>();

/** @throws OptionsError if another manager has the cookie: each would end the other's sessions */
function claimCookie(app: object, name: string, sessions: SessionModule): void {
  const claimed = cookies.get(app) ?? new Map<string, SessionModule>();
  cookies.set(app, claimed);
  const owner = claimed.get(name) ?? sessions;
  claimed.set(name, owner);
  if (owner === sessions) return;
  throw new OptionsError(
    `two session middlewares of one application have a cookie named ${JSON.stringify(name)}: ` +
      'give one of them another name with the option name',
  );
}

function taken(property: string): OptionsError {
  return new OptionsError(
    `ctx.${property} is taken already, by another session middleware perhaps: ` +
      'give one of them another name with the option property',
  );
}
