/**
 * What PHP's session module does around the requests: open a session by the id that a client
 * sent, strict mode, locks; wherever the sessions lie.
 */
import { LockError, SessionError } from '../errors.ts';
import type { Seen, SessionLock } from '../save-handler/save-handler.ts';
import { isSessionId } from '../save-handler/session-id.ts';
import { type DestroyResult, logOut } from './log-out.ts';
import { watch } from './observe.ts';
import { OpenSessions } from './open-sessions.ts';
import type { SessionOptions, SessionSettings } from './options.ts';
import { Session } from './session.ts';
import { SessionCodec } from './session-codec.ts';

export interface OpenOptions {
  /** Reads only: no lock, no refresh of the TTL, no write; PHP's `read_and_close`. */
  readonly readOnly?: boolean | undefined;
  /**
   * Called before anything is written that the client has to learn by a cookie (a new session, a
   * new id); may throw, and then nothing is written.
   */
  readonly beforeNewId?: (() => void) | undefined;
  /** Instead of the manager's `useStrictMode`, for this one session. */
  readonly useStrictMode?: boolean | undefined;
  /** The id of the session if it is a new one, from `createId()`. Default: one of its own. */
  readonly newId?: string | undefined;
  /**
   * The session that this one follows in the same request, after a logout. While that one is open
   * `close()` waits for the request, so this one may be opened still.
   */
  readonly follows?: Session | undefined;
}

export class SessionModule implements AsyncDisposable {
  /** The options as they were given, for the floors above (cookies, say). */
  readonly options: SessionOptions;
  protected readonly settings: SessionSettings;
  readonly #codec: SessionCodec;
  readonly #ownsSaveHandler: boolean;
  readonly #open = new OpenSessions();
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: SessionOptions, settings: SessionSettings, ownsSaveHandler: boolean) {
    this.options = options;
    this.settings = settings;
    this.#codec = new SessionCodec(settings.handler, settings.serializePrecision);
    this.#ownsSaveHandler = ownsSaveHandler;
    if (settings.concurrency === 'lock') {
      settings.warn(
        'PSB_LOCK_PATIENCE',
        "concurrency 'lock' holds PHP's session lock for whole requests: phpredis 5.x waits " +
          "20 ms by default and then drops PHP's own writes. Raise redis.session.lock_retries and " +
          "lock_wait_time there, or use 'merge'.",
      );
    }
  }

  /**
   * Opens the session with this id, as `session_start()` does. Text that is no session id counts
   * as none and never reaches the store. An unknown id is replaced by a new one (strict mode) or,
   * with `useStrictMode: false`, adopted. Nothing is stored before there is something to store.
   *
   * @throws StoreError if the store cannot be read: that is not an empty session
   * @throws LockError `ERR_PSB_LOCK_BUSY` with `concurrency: 'lock'`
   * @throws SessionError `ERR_PSB_MANAGER_CLOSED` after `close()`
   */
  async open(id?: string, options: OpenOptions = {}): Promise<Session> {
    if (!this.#awaits(options.follows)) this.#assertRunning();
    const requestedId = isSessionId(id) ? id : undefined;
    const { saveHandler } = this.settings;
    const useStrictMode = options.useStrictMode ?? this.settings.useStrictMode;
    const done = watch('open');
    let lock: SessionLock | undefined;
    let place: number | undefined;
    let readOnly = options.readOnly ?? false;
    let lockBusy = false;
    try {
      if (requestedId !== undefined && !readOnly && this.settings.concurrency === 'lock') {
        lock = await this.#lock(requestedId);
        lockBusy = lock === undefined;
        readOnly = lockBusy;
      }
      const refresh =
        !readOnly && this.settings.refresh === 'always' && this.settings.refreshAt === 'open';
      const seen: Seen = {};
      const bytes =
        requestedId === undefined ? null : await saveHandler.read(requestedId, { refresh, seen });
      // An id that was logged out is nobody's to choose, whatever strict mode says.
      const free = !useStrictMode && !seen.revoked;
      const adopted = requestedId !== undefined && (bytes !== null || free);
      if (!adopted) {
        await lock?.release().catch(() => false);
        lock = undefined;
      }
      if (!this.#awaits(options.follows)) this.#assertRunning();
      const session = new Session(
        {
          requestedId,
          id: adopted ? requestedId : (options.newId ?? saveHandler.createSid()),
          bytes,
          lock,
          readOnly,
          lockBusy,
          refreshed: refresh,
          seen,
          beforeNewId: options.beforeNewId,
          onEnd: () => this.#ended(place),
        },
        this.#codec,
        this.settings,
      );
      // A reader holds nothing that close() would have to wait for.
      if (!readOnly) place = this.#open.add(session);
      done(session.id, { bytes: bytes?.length ?? 0, outcome: bytes === null ? 'new' : 'found' });
      return session;
    } catch (error) {
      await lock?.release().catch(() => false);
      const code = String((error as { code?: unknown }).code ?? 'unknown');
      watch('error')(requestedId ?? '', { code });
      throw error;
    }
  }

  /**
   * Opens a session, hands it to `work`, and commits when that is done; aborts if it throws. For
   * jobs, queues and socket messages.
   */
  async run<T>(id: string | undefined, work: (session: Session) => T | Promise<T>): Promise<T> {
    const session = await this.open(id);
    let result: T;
    try {
      result = await work(session);
    } catch (error) {
      await session.abort();
      throw error;
    }
    await session.commit();
    return result;
  }

  /** An id for a session to come; PHP's `session_create_id()`. */
  createId(): string {
    return this.settings.saveHandler.createSid();
  }

  /**
   * Deletes a session by its id, for an administrator's logout of somebody else.
   * @throws LockError `ERR_PSB_LOCK_BUSY` as `Session.destroy()`
   */
  async destroy(id: string): Promise<DestroyResult> {
    this.#assertRunning();
    if (!isSessionId(id)) return { forced: false };
    const done = watch('destroy');
    const result = await logOut(this.settings, id);
    done(id, { outcome: result.forced ? 'forced' : 'destroyed' });
    return result;
  }

  /**
   * For a graceful end: refuses new sessions, waits up to `closeTimeout` for the open ones, aborts
   * what is left (locks are released), then quits the connections that were made here.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    if (this.#open.size > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        timer = setTimeout(resolve, this.settings.closeTimeout);
      });
      clearTimeout(timer);
      await Promise.all(this.#open.all().map((session) => session.abandon()));
    }
    if (this.#ownsSaveHandler) await this.settings.saveHandler.close();
  }

  #ended(place: number | undefined): void {
    if (place !== undefined) this.#open.remove(place);
    if (this.#open.size === 0) this.#idle?.();
  }

  async #lock(id: string): Promise<SessionLock | undefined> {
    const done = watch('lock');
    try {
      const lock = await this.settings.saveHandler.lock(id);
      done(id, { outcome: 'held' });
      return lock;
    } catch (error) {
      if (!(error instanceof LockError) || this.settings.onLockFailure === 'error') throw error;
      done(id, { outcome: 'readonly', code: error.code });
      return undefined;
    }
  }

  #awaits(session: Session | undefined): boolean {
    return session !== undefined && this.#open.has(session);
  }

  #assertRunning(): void {
    if (this.#closing === undefined) return;
    throw new SessionError('ERR_PSB_MANAGER_CLOSED', 'the session manager is closed');
  }
}
