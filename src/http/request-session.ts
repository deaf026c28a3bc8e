/**
 * The life of a session within one web request, without any web framework: from the Cookie header
 * to the Set-Cookie that the response needs.
 */
import { LockError, SessionError } from '../errors.ts';
import type { Session } from '../session/session.ts';
import type { SessionModule } from '../session/session-module.ts';
import { isRecord, type SessionVariables } from '../session/session-variables.ts';
import { FOR_ONE } from './cache-limiter.ts';
import { formatCookie, formatCookieDeletion, sessionIdOf } from './cookie.ts';
import { readCookie } from './cookie-header.ts';
import { isLost, isRevoked } from './lost-session.ts';
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
  /**
   * Headers of the cache limiter, if one is configured and the session was used; else
   * `Cache-Control: private, no-store` beside a Set-Cookie. Those that the response has stay.
   */
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
  /** The session is being destroyed for a logout, or could not be. */
  #isDestroying = false;
  #settling: Promise<void> | undefined;
  #savesEarly = false;
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

  /** @internal What the gates of one response must not share. */
  get cookieName(): string {
    return this.#request.settings.cookie.name;
  }

  /**
   * Would headers that went out now lack a cookie that the session is going to need?
   *
   * @internal
   */
  get owesHeaders(): boolean {
    if (this.committed) return false;
    if (this.#isLoggedOut) return !this.#isOver;
    const session = this.#session;
    if (session.isIdUnderWay) return true;
    if (session.state !== 'open' || session.readOnly || !session.isNew) return false;
    try {
      return session.changed;
    } catch {
      // It cannot be encoded: to be told before anything is sent.
      return true;
    }
  }

  /** @internal Is the request itself about to store its session, so that a new id is its own? */
  get isStoring(): boolean {
    return this.committed || this.#savesEarly;
  }

  /**
   * Stores what the client must learn by a cookie, before the first byte of a response that goes
   * on: carries out a logout, saves a new session, waits for an id that is under way. The request
   * stays open.
   *
   * @internal
   */
  async saveEarly(): Promise<void> {
    this.#savesEarly = true;
    try {
      if (this.#isLoggedOut && !this.#isOver) await this.settleLogout();
      // What was asked for before the first byte may still bring an id; what comes later may not.
      await this.#session.saveNew(() => {
        this.#savesEarly = false;
      });
    } catch (error) {
      this.#toldIfLost(error);
    } finally {
      this.#savesEarly = false;
    }
  }

  /** @internal For the headers that go out with the session's cookie. */
  warnIfPublic(cacheControl: unknown): void {
    this.#request.settings.warnIfPublic(cacheControl);
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
    const limits = used ? this.#request.settings.cacheLimiter() : NONE;
    if (setCookie === undefined) return { setCookie: [], headers: limits };
    return {
      setCookie: [setCookie],
      headers: limits['Cache-Control'] === undefined ? FOR_ONE : limits,
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
      // Where it was not the commit that failed the session is open still, and holds its lock.
      await this.#session.abort();
      this.#toldIfLost(error);
    }
    return this.response();
  }

  /** @throws every other error */
  #toldIfLost(error: unknown): void {
    if (!isLost(error)) throw error;
    this.#request.settings.onLost?.(error, this.#session);
  }

  /**
   * Carries out a logout that `variables = null` announced: destroys the session and goes on with
   * a new one, which is not stored unless it gets variables.
   */
  settleLogout(): Promise<void> {
    if (!this.#isLoggedOut) return DONE;
    // One at a time: two would destroy twice and open two new sessions.
    this.#settling ??= this.#settleLogout().finally(() => {
      this.#settling = undefined;
    });
    return this.#settling;
  }

  async #settleLogout(): Promise<void> {
    const { beforeNewId } = this.#request;
    // Before anything is destroyed: if the new id could not be sent, the request must fail whole.
    if (Object.keys(this.#afterLogout).length > 0) beforeNewId();
    const old = this.#session;
    // Opened first: a manager that is being closed waits for the request as long as one is open.
    const next = await this.#sessions.open(undefined, { beforeNewId, follows: old });
    try {
      await this.#destroy(old);
    } catch (error) {
      await next.abort();
      throw error;
    }
    this.#session = next;
    next.variables = this.#afterLogout;
    this.#loggedOut = false;
    this.#afterLogout = {};
  }

  async #destroy(old: Session): Promise<void> {
    this.#endsCookie = true;
    this.#isDestroying = true;
    if (old.state === 'open' && (!old.readOnly || this.#request.readOnly)) await old.destroy();
    else if (old.state !== 'destroyed') {
      // Read-only for want of the lock, or committed early or aborted: it is stored still, and a
      // logout means that, too.
      await old.abort();
      await this.#sessions.destroy(old.id);
    }
    this.#isDestroying = false;
  }

  /** `onLockFailure: 'readonly'`: the request may look, but what it changed is lost, and told. */
  #reportUnwritable(): void {
    const session = this.#session;
    const { readOnly, settings } = this.#request;
    if (!session.readOnly || readOnly || !session.changed) return;
    const message = 'another request held the session lock for too long; nothing was written';
    if (settings.onLost) settings.onLost(new LockError('ERR_PSB_LOCK_BUSY', message), session);
    else settings.warnLockBusy(message);
  }

  #dueCookie(): string | undefined {
    const { settings, cookie, clientId, secure, readOnly } = this.#request;
    const session = this.#session;
    let id: string | null;
    // A logout that failed is a logout all the same: the client must not come again with this id.
    const isEnding = this.#isDestroying || (session.destroyWanted && !readOnly);
    if (session.exists && !isEnding) {
      const { lifetime, rolling } = settings;
      if (session.id === clientId && !(rolling && lifetime > 0)) return undefined;
      id = session.id;
    } else {
      // Only who has the cookie, or got it by an early part of this very response, must drop it.
      const ended = this.#endsCookie || session.destroyWanted || isRevoked(session);
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

const DONE: Promise<void> = Promise.resolve();
const NONE: SessionResponse['headers'] = Object.freeze({});
function never(): boolean {
  return false;
}
