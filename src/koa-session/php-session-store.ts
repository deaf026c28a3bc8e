/**
 * PHP's sessions as a store for koa-session.
 */
import type { ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import onHeaders from 'on-headers';
import { OptionsError, SessionError } from '../errors.ts';
import { FOR_ONE } from '../http/cache-limiter.ts';
import { formatCookie, formatCookieDeletion, sessionIdOf } from '../http/cookie.ts';
import { describeSessions } from '../http/description.ts';
import { isLost, isRevoked } from '../http/lost-session.ts';
import { addSetCookies, setCookiesOf } from '../http/set-cookie.ts';
import { webSettingsOf } from '../http/web-settings.ts';
import type { Session } from '../session/session.ts';
import type { SessionModule } from '../session/session-module.ts';
import type { SessionVariables } from '../session/session-variables.ts';
import { addFingerprint, ENVELOPE } from './fingerprint.ts';

/** What koa-session hands to a store besides the session; `ctx` is Koa's context. */
export interface StoreOptions {
  // koa-session types it so; what is used of it is checked.
  // biome-ignore lint/suspicious/noExplicitAny: the parameter type of koa-session's own interface
  readonly ctx?: any;
  readonly [name: string]: unknown;
}

/** What of Koa's context is looked at. */
interface Context {
  readonly res?: {
    readonly headersSent?: boolean;
    once?: (event: 'close', listener: () => void) => void;
  };
  readonly respond?: boolean;
  readonly secure?: boolean;
  readonly cookies?: { readonly secure?: boolean };
  readonly sessionOptions?: { readonly secure?: boolean };
  /** koa-session's; `null` once the application logged out. */
  readonly session?: unknown;
}

/** A handler that answers by itself may commit after its response has ended. */
const LATE_COMMIT_MS = 5_000;

/**
 * A store in which the session of koa-session is `{ php: $_SESSION }`. Between `get` and `set` it
 * keeps what was read, so that a write is conditional and merges like every write of the bridge.
 * Lifetimes are PHP's (`gcMaxlifetime`), not koa-session's `maxAge`.
 *
 * Use it through `phpSessionOptions()`, which also sets the cookie up as PHP's.
 */
export class PhpSessionStore {
  /** The manager; close it when the application ends. */
  readonly sessions: SessionModule;
  readonly #open = new WeakMap<object, Session>();
  readonly #generated = new WeakMap<object, string>();
  /** Responses whose headers are looked at when they go out. */
  readonly #watched = new WeakSet<object>();

  constructor(sessions: SessionModule) {
    this.sessions = sessions;
  }

  /** The session, its TTL refreshed; `undefined` for an id that is none or is not known. */
  async get(
    key: string,
    _maxAge?: unknown,
    options: StoreOptions = {},
  ): Promise<{ php: SessionVariables } | undefined> {
    const id = idOf(key);
    if (id === undefined) return undefined;
    this.#watch(options.ctx);
    const session = await this.sessions.open(id, { beforeNewId: guard(options.ctx) });
    let kept = false;
    try {
      if (isRevoked(session)) this.#endCookie(options.ctx);
      if (!session.exists) return undefined;
      const { variables } = session;
      // Nobody could read it (`onUnreadable: 'new'`): koa-session begins one of its own.
      if (session.id !== id) return undefined;
      addFingerprint(variables, session, true);
      kept = this.#keep(options.ctx, session);
      return { [ENVELOPE]: variables };
    } finally {
      if (!kept) await session.abort();
    }
  }

  /**
   * Writes what changed. A session that somebody else destroyed or replaced meanwhile is told to
   * `onLost` and not written.
   */
  async set(
    key: string,
    data: Record<string, unknown>,
    _maxAge?: unknown,
    options: StoreOptions = {},
  ): Promise<void> {
    const id = idOf(key);
    if (id === undefined) {
      throw new SessionError(
        'ERR_PSB_SESSION_ID',
        'koa-session came with an id PHP would not take',
      );
    }
    const variables = variablesOf(data);
    const session = await this.#sessionFor(id, options.ctx);
    try {
      if (session.id !== id) {
        const message = 'the session was logged out a while ago; nothing was written';
        throw new SessionError('ERR_PSB_SESSION_GONE', message);
      }
      if (session.variables !== variables) session.variables = variables;
      // koa-session stores a new session even if it is empty when save() asks for it, as PHP does.
      if (session.isNew && Object.keys(variables).length === 0) await session.update(() => {});
      else await session.save();
    } catch (error) {
      if (!isLost(error)) throw error;
      webSettingsOf(this.sessions).onLost?.(error, session);
    } finally {
      if (!isObject(options.ctx)) await session.abort();
    }
    addFingerprint(session.variables, session);
  }

  async destroy(key: string, options: StoreOptions = {}): Promise<void> {
    const id = idOf(key);
    const { ctx } = options;
    // koa-session also destroys ids that it has just made up and never stored.
    if (id === undefined || (isObject(ctx) && this.#generated.get(ctx) === id)) return;
    const session = isObject(ctx) ? this.#open.get(ctx) : undefined;
    try {
      // To koa-session a new id is a logout, too; to the client it is not.
      const how = { moved: isObject(ctx) && isObject((ctx as Context).session) };
      if (session?.id !== id || session.state !== 'open') await this.sessions.destroy(id, how);
      else await session.destroy(how);
    } catch (error) {
      // koa-session ends the cookie only after this. Who logs out must not come again with the id.
      this.#endCookie(ctx);
      throw error;
    }
  }

  /** An id for a new session, made as PHP makes them; koa-session's `genid`. */
  createKey(ctx?: unknown): string {
    const id = this.sessions.createId();
    if (isObject(ctx)) this.#generated.set(ctx, id);
    this.#watch(ctx);
    return encodeURIComponent(id);
  }

  /** What may be shown in a log: `NODE_DEBUG=koa-session` prints the options, and the store in them. */
  toJSON(): object {
    const { cookie } = webSettingsOf(this.sessions);
    return { cookie: cookie.name, ...describeSessions(this.sessions) };
  }

  [inspect.custom](): string {
    return `PhpSessionStore ${inspect(this.toJSON())}`;
  }

  async #sessionFor(id: string, ctx: unknown): Promise<Session> {
    const kept = isObject(ctx) ? this.#open.get(ctx) : undefined;
    if (kept?.id === id) return kept;
    await kept?.abort();
    const beforeNewId = guard(ctx);
    const made = isObject(ctx) && this.#generated.get(ctx) === id;
    const session = made
      ? await this.sessions.open(undefined, { newId: id, beforeNewId })
      : // Somebody's own id (the store may be used alone): adopted, whatever strict mode says.
        await this.sessions.open(id, { useStrictMode: false, beforeNewId });
    this.#keep(ctx, session);
    if (made) {
      this.#generated.delete(ctx);
      this.#announce(ctx, session);
    }
    return session;
  }

  /**
   * Koa's error handler drops the cookie that koa-session has set. Of a new session nobody would
   * ever learn then, and of a regenerated one its owner would not.
   */
  #announce(ctx: object, session: Session): void {
    const { res, secure = false } = ctx as Context;
    if (!isResponse(res)) return;
    onHeaders(res, () => {
      if (this.#open.get(ctx) !== session || !session.exists) return;
      const { cookie } = webSettingsOf(this.sessions);
      if (!hasCookie(res, cookie.name)) {
        addSetCookies(res, [formatCookie(cookie, session.id, secure)]);
      }
    });
  }

  /** Ends the client's cookie, unless the response brings another one. */
  #endCookie(ctx: unknown): void {
    if (!isObject(ctx)) return;
    const { res, secure = false } = ctx as Context;
    if (!isResponse(res)) return;
    this.#watch(ctx);
    onHeaders(res, () => {
      const { cookie } = webSettingsOf(this.sessions);
      if (!hasCookie(res, cookie.name)) addSetCookies(res, [formatCookieDeletion(cookie, secure)]);
    });
  }

  /** A response that sets the session cookie is not to be kept by caches. */
  #watch(ctx: unknown): void {
    if (!isObject(ctx)) return;
    const { res } = ctx as Context;
    if (!isResponse(res) || this.#watched.has(res)) return;
    this.#watched.add(res);
    onHeaders(res, () => {
      const { cookie, warnIfPublic } = webSettingsOf(this.sessions);
      if (!hasCookie(res, cookie.name)) return;
      for (const [name, value] of Object.entries(FOR_ONE)) {
        if (!res.hasHeader(name)) res.setHeader(name, value);
      }
      warnIfPublic(res.getHeader('Cache-Control'));
    });
  }

  /** For the rest of the request; koa-session does not say when it is over, the response does. */
  #keep(ctx: unknown, session: Session): boolean {
    if (!isObject(ctx)) return false;
    this.#open.set(ctx, session);
    const { res } = ctx as Context;
    res?.once?.('close', () => {
      const end = () => void session.abort().catch(() => {});
      if ((ctx as Context).respond === false) setTimeout(end, LATE_COMMIT_MS).unref();
      else end();
    });
    return true;
  }
}

function isResponse(res: unknown): res is ServerResponse {
  return typeof (res as ServerResponse | undefined)?.writeHead === 'function';
}

function hasCookie(res: ServerResponse, name: string): boolean {
  return setCookiesOf(res).some((text) => text.startsWith(`${name}=`));
}

/** Refuses to create what the client could not be told of, before anything is written. */
function guard(ctx: unknown): (() => void) | undefined {
  if (!isObject(ctx)) return undefined;
  const { res, secure, cookies, sessionOptions } = ctx as Context;
  return () => {
    if (res?.headersSent) {
      throw new SessionError(
        'ERR_PSB_HEADERS_SENT',
        'the response headers are out, so a new session id could not reach the client',
      );
    }
    if (sessionOptions?.secure === true && !secure && !cookies?.secure) {
      throw new OptionsError(
        'a secure cookie cannot be sent on this request, which is not secure as Koa sees it: ' +
          'behind a proxy that ends TLS, set app.proxy = true',
      );
    }
  };
}

/** The variables within koa-session's data; what it adds for itself (`_expire` …) is left out. */
function variablesOf(data: Record<string, unknown>): SessionVariables {
  for (const name of Object.keys(data)) {
    if (name !== ENVELOPE && !name.startsWith('_')) {
      throw new SessionError(
        'ERR_PSB_CODEC_VALUE',
        `ctx.session.${name} has no place in PHP's session; ` +
          `session variables live in ctx.session.${ENVELOPE}`,
      );
    }
  }
  return (data[ENVELOPE] ?? {}) as SessionVariables;
}

/** koa-session does not decode cookies; PHP encodes a comma as `%2C`. */
function idOf(key: string): string | undefined {
  try {
    return sessionIdOf(decodeURIComponent(key));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
