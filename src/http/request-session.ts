/**
 * The life of a session within one web request, without any web framework: from the Cookie header
 * to the Set-Cookie that the response needs.
 */
import { LockError, SessionError } from '../errors.ts';
import type { Session } from '../session/session.ts';
import type { SessionModule } from '../session/session-module.ts';
import { isRecord, type SessionVariables } from '../session/session-variables.ts';
import { formatCookie, formatCookieDeletion, sessionIdOf } from './cookie.ts';
import { readCookie } from './cookie-header.ts';
import { isLost } from './lost-session.ts';
import { type WebSettings, webSettingsOf } from './web-settings.ts';

/** What of a request matters to its session. */
export interface SessionRequest {
  /** The `Cookie` header as it came. */
  readonly cookie: string | null | undefined;
  /** Did the request come over TLS (as far as a trusted proxy says)? Default `false`. */
  readonly secure?: boolean | undefined;
}

export interface OpenRequestOptions {
  /** Only look: nothing is written, no TTL refreshed, no lock taken. */
  readonly readOnly?: boolean | undefined;
  /**
   * Are the headers of the response out? From then on no new session id can reach the client, so
   * `regenerate()` and the creation of a session are refused with `ERR_PSB_HEADERS_SENT`.
   */
  readonly headersSent?: (() => boolean) | undefined;
}

/** What the response owes to the session. */
export interface SessionResponse {
  /** Values for `Set-Cookie`, to be added to those that are there; usually none. */
  readonly setCookie: string[];
  /** Headers of the cache limiter, if one is configured and the session was used. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Opens the session of a web request: the base of every adapter.
 *
 * ```ts
 * import { openRequest } from 'php-session-bridge/http';
 *
 * const request = await openRequest(sessions, { cookie: headers.cookie, secure: true });
 * request.variables.visits = 1;
 * const { setCookie, headers } = await request.commit();
 * ```
 *
 * @throws StoreError, LockError, CodecError if the session cannot be opened
 */
export async function openRequest(
  sessions: SessionModule,
  request: SessionRequest,
  options: OpenRequestOptions = {},
): Promise<RequestSession> {
  const settings = webSettingsOf(sessions);
  const cookie = readCookie(request.cookie, settings.cookie.name);
  const headersSent = options.headersSent ?? never;
  const beforeNewId = () => refuseIfSent(headersSent);
  const readOnly = options.readOnly ?? false;
  const clientId = sessionIdOf(cookie);
  const session = await sessions.open(clientId, { readOnly, beforeNewId });
  return new RequestSession(sessions, session, {
    settings,
    cookie,
    clientId,
    secure: request.secure ?? false,
    readOnly,
    beforeNewId,
  });
}

interface Circumstances {
  readonly settings: WebSettings;
  /** The cookie's value as the client sent it. */
  readonly cookie: string | undefined;
  /** The session id that it names. */
  readonly clientId: string | undefined;
  readonly secure: boolean;
  readonly readOnly: boolean;
  readonly beforeNewId: () => void;
}

/** The session of one web request; made by {@link openRequest}. */
export class RequestSession {
  readonly #sessions: SessionModule;
  readonly #request: Circumstances;
  #session: Session;
  /** `variables = null` was said: what is there now belongs to a session yet to be created. */
  #loggedOut = false;
  #afterLogout: SessionVariables = {};
  /** A session was logged out, so the client's cookie has had its day. */
  #endsCookie = false;
  #committed: Promise<SessionResponse> | undefined;
  /** The last Set-Cookie, kept so that asking twice yields the same text. */
  #setCookie: { readonly id: string | null; readonly text: string } | undefined;

  constructor(sessions: SessionModule, session: Session, request: Circumstances) {
    this.#sessions = sessions;
    this.#session = session;
    this.#request = request;
  }

  /** The session itself; after a logout that was followed by new variables, the new one. */
  get session(): Session {
    return this.#session;
  }

  /** The session variables, each decoded when it is first asked for. After a logout: empty ones of a new session. */
  get variables(): SessionVariables {
    return this.#isLoggedOut ? this.#afterLogout : this.#session.variables;
  }

  /**
   * `null` logs out: the session is destroyed at commit, and what is assigned afterwards becomes
   * a new session under a new id. An object replaces all variables under the same id.
   */
  set variables(variables: SessionVariables | null) {
    // After a logout, too: what is no session would be stored as an empty one.
    if (variables !== null && !isRecord(variables)) {
      throw new SessionError(
        'ERR_PSB_CODEC_VALUE',
        'session variables can only be set to an object, or to null to log out',
      );
    }
    if (variables === null) {
      this.#loggedOut = true;
      this.#afterLogout = {};
    } else if (this.#isLoggedOut) {
      this.#afterLogout = variables;
    } else {
      this.#session.variables = variables;
    }
  }

  /** Has the request ended for the session? */
  get committed(): boolean {
    return this.#committed !== undefined;
  }

  /**
   * Ends the request: saves or refreshes the session, releases its lock. Further calls return the
   * same answer. A session that was destroyed or replaced by somebody else meanwhile is told to
   * `onLost`; nothing of it was written, and the response can go out.
   *
   * @throws StoreError, LockError, CodecError, SessionError `ERR_PSB_HEADERS_SENT`
   */
  commit(): Promise<SessionResponse> {
    this.#committed ??= this.#commit();
    return this.#committed;
  }

  /** Ends the request without writing anything that is not yet written. */
  abort(): Promise<SessionResponse> {
    this.#committed ??= this.#session.abort().then(() => this.response());
    return this.#committed;
  }

  /**
   * What the response would owe if its headers went out now: a new or regenerated id once it is
   * stored (by `save()` or `regenerate()`, say), the end of a cookie after a logout.
   */
  response(): SessionResponse {
    const setCookie = this.#dueCookie();
    const used = this.#session.used || setCookie !== undefined;
    return {
      setCookie: setCookie === undefined ? [] : [setCookie],
      headers: used ? this.#request.settings.cacheLimiter() : {},
    };
  }

  /** Be it by `null` or by `session.destroy()`. */
  get #isLoggedOut(): boolean {
    return this.#loggedOut || this.#session.state === 'destroyed';
  }

  /** Destroyed already, and nothing came after it: there is nothing to go on with. */
  get #isOver(): boolean {
    return this.#session.state === 'destroyed' && Object.keys(this.#afterLogout).length === 0;
  }

  async #commit(): Promise<SessionResponse> {
    try {
      if (!this.#isOver) await this.settleLogout();
      this.#reportUnwritable();
      await this.#session.commit();
    } catch (error) {
      if (!isLost(error)) throw error;
      this.#request.settings.onLost?.(error, this.#session);
    }
    return this.response();
  }

  /**
   * Carries out a logout that `variables = null` announced: destroys the session and goes on with
   * a new one, which is not stored unless it gets variables.
   */
  async settleLogout(): Promise<void> {
    if (!this.#isLoggedOut) return;
    const { beforeNewId } = this.#request;
    const startsAnew = Object.keys(this.#afterLogout).length > 0;
    // Before anything is destroyed: if the new id could not be sent, the request must fail whole.
    if (startsAnew) beforeNewId();
    const old = this.#session;
    // Opened first: a manager that is being closed waits for the request as long as one is open.
    const next = await this.#sessions.open(undefined, { beforeNewId, follows: old });
    try {
      if (old.state === 'open') await old.destroy();
      // Committed early or aborted: it is stored still, and a logout means that, too.
      else if (old.state !== 'destroyed') await this.#sessions.destroy(old.id);
    } catch (error) {
      await next.abort();
      throw error;
    }
    this.#session = next;
    if (startsAnew) this.#session.variables = this.#afterLogout;
    this.#loggedOut = false;
    this.#afterLogout = {};
    this.#endsCookie = true;
  }

  /** `onLockFailure: 'readonly'`: the request may look, but what it changed is lost. */
  #reportUnwritable(): void {
    const session = this.#session;
    const { readOnly, settings } = this.#request;
    if (!session.readOnly || readOnly || !settings.onLost || !session.changed) return;
    const message = 'another request held the session lock for too long; nothing was written';
    settings.onLost(new LockError('ERR_PSB_LOCK_BUSY', message), session);
  }

  #dueCookie(): string | undefined {
    const { settings, cookie, clientId, secure } = this.#request;
    const session = this.#session;
    let id: string | null;
    if (session.exists) {
      const { lifetime, rolling } = settings;
      if (session.id === clientId && !(rolling && lifetime > 0)) return undefined;
      id = session.id;
    } else {
      // Only who has the cookie, or got it by an early part of this very response, must drop it.
      const ended = this.#endsCookie || session.state === 'destroyed';
      if (!ended || !(cookie || this.#setCookie)) return undefined;
      id = null;
    }
    if (this.#setCookie?.id !== id) {
      const text =
        id === null
          ? formatCookieDeletion(settings.cookie, secure)
          : formatCookie(settings.cookie, id, secure);
      this.#setCookie = { id, text };
    }
    return this.#setCookie?.text;
  }
}

function refuseIfSent(headersSent: () => boolean): void {
  if (!headersSent()) return;
  throw new SessionError(
    'ERR_PSB_HEADERS_SENT',
    'the response headers are out, so a new session id could not reach the client; ' +
      'save() or regenerate() before the response begins',
  );
}

function never(): boolean {
  return false;
}
