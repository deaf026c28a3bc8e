/**
 * What PHP's session module does around the requests: open a session by the id that a client
 * sent, strict mode, locks; wherever the sessions lie.
 */
import { inspect } from 'node:util';
import { LockError, SessionError } from '../errors.ts';
import type { Seen, SessionLock } from '../save-handler/save-handler.ts';
import { isSessionId } from '../save-handler/session-id.ts';
import type { CookieOptions } from './cookie-options.ts';
import { type DestroyResult, type LogOutOptions, logOut } from './log-out.ts';
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

export interface FindOptions {
  /** Open it for writing. Default `false`: read-only, as `open(id, { readOnly: true })`. */
  readonly write?: boolean | undefined;
}

export interface RunOptions {
  /**
   * Begin a new session, under a new id, if there is none under the given one (or none is given).
   * Default `false`: `ERR_PSB_SESSION_GONE`.
   */
  readonly create?: boolean | undefined;
}

/** What the floors above need to know of the options: nothing that is a secret. */
export type WebOptions = CookieOptions &
  Pick<SessionOptions, 'onLost' | 'onWarning' | 'concurrency' | 'refresh' | 'refreshAt'>;

/** Where the sessions lie, as it may be shown: no password and no user. */
export interface StorageDescription {
  /** `redis`, `rediscluster`, or the name of a save handler's class. */
  readonly kind: string;
  readonly address?: string;
  readonly prefix?: string;
}

export class SessionModule implements AsyncDisposable {
  readonly #settings: SessionSettings;
  readonly #webOptions: WebOptions;
  readonly #storage: StorageDescription;
  readonly #codec: SessionCodec;
  readonly #ownsSaveHandler: boolean;
  readonly #open = new OpenSessions();
  #closing: Promise<void> | undefined;

  constructor(
    webOptions: WebOptions,
    settings: SessionSettings,
    storage: StorageDescription,
    ownsSaveHandler: boolean,
  ) {
    this.#webOptions = webOptions;
    this.#settings = settings;
    this.#storage = storage;
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
    return (await this.#openOr(id, options, 'new')) as Session;
  }

  /**
   * The session with this id, or `null` if there is none (any more). Never creates one: if it is
   * gone when it is to be written, that rejects with `ERR_PSB_SESSION_GONE`. For sockets, jobs and
   * administration.
   *
   * @throws StoreError, SessionError as `open()` does
   * @throws LockError `ERR_PSB_LOCK_BUSY` with `write: true` and `concurrency: 'lock'`, whatever
   * `onLockFailure` says: who asks to write is not served by a session that cannot be written
   */
  async find(id: string | undefined, options: FindOptions = {}): Promise<Session | null> {
    return this.#openOr(id, { readOnly: !options.write }, null, 'to write');
  }

  /**
   * Opens the session with this id, hands it to `work`, and commits when that is done; aborts if it
   * throws. For jobs, queues and socket messages.
   *
   * @throws SessionError `ERR_PSB_SESSION_GONE` if there is no such session, before `work` is
   * called, or if it is gone when it is to be written
   * @throws LockError `ERR_PSB_LOCK_BUSY` with `concurrency: 'lock'`, before `work` is called,
   * whatever `onLockFailure` says
   */
  async run<T>(
    id: string | undefined,
    work: (session: Session) => T | Promise<T>,
    options: RunOptions = {},
  ): Promise<T> {
    // Strict, whatever the manager's option says: a job does not bring a dead id back to life.
    const session = options.create
      ? ((await this.#openOr(id, { useStrictMode: true }, 'new', 'to write')) as Session)
      : await this.#openOr(id, {}, null, 'to write');
    if (session === null) {
      throw new SessionError(
        'ERR_PSB_SESSION_GONE',
        'there is no session with this id (any more); { create: true } would begin a new one',
      );
    }
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

  /**
   * @param otherwise what to do where there is no session: begin a new one, or answer `null`
   * @param purpose `to write`: a busy lock is an error, whatever `onLockFailure` says
   */
  async #openOr(
    id: string | undefined,
    options: OpenOptions,
    otherwise: 'new' | null,
    purpose?: 'to write',
  ): Promise<Session | null> {
    if (!this.#awaits(options.follows)) this.#assertRunning();
    const requestedId = isSessionId(id) ? id : undefined;
    const mustExist = otherwise === null;
    if (mustExist && requestedId === undefined) return null;
    const { saveHandler, concurrency } = this.#settings;
    const useStrictMode = mustExist || (options.useStrictMode ?? this.#settings.useStrictMode);
    const done = watch('open');
    let lock: SessionLock | undefined;
    let readOnly = options.readOnly ?? false;
    let lockBusy = false;
    try {
      if (requestedId !== undefined && !readOnly && concurrency === 'lock') {
        lock = await this.#lock(requestedId, purpose);
        lockBusy = lock === undefined;
        readOnly = lockBusy;
      }
      const refresh =
        !readOnly && this.#settings.refresh === 'always' && this.#settings.refreshAt === 'open';
      const seen: Seen = {};
      const bytes =
        requestedId === undefined ? null : await saveHandler.read(requestedId, { refresh, seen });
      // An id that was logged out or left is nobody's to choose, whatever strict mode says: nothing
      // can be written under it.
      const free = !useStrictMode && !seen.revoked && !seen.left;
      const adopted = requestedId !== undefined && (bytes !== null || free);
      if (!adopted) {
        await lock?.release().catch(() => false);
        lock = undefined;
      }
      if (!this.#awaits(options.follows)) this.#assertRunning();
      if (mustExist && bytes === null) {
        done(requestedId as string, { bytes: 0, outcome: 'absent' });
        return null;
      }
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
          mustExist,
          // A reader holds nothing that close() would have to wait for.
          among: readOnly ? undefined : this.#open,
        },
        this.#codec,
        this.#settings,
      );
      done(session.id, { bytes: bytes?.length ?? 0, outcome: bytes === null ? 'new' : 'found' });
      return session;
    } catch (error) {
      await lock?.release().catch(() => false);
      const code = String((error as { code?: unknown }).code ?? 'unknown');
      watch('error')(requestedId ?? '', { code });
      throw error;
    }
  }

  /** An id for a session to come; PHP's `session_create_id()`. */
  createId(): string {
    return this.#settings.saveHandler.createSid();
  }

  /**
   * Deletes a session by its id, for an administrator's logout of somebody else.
   *
   * @param how internal
   * @throws LockError `ERR_PSB_LOCK_BUSY` as `Session.destroy()`
   */
  async destroy(id: string, how?: LogOutOptions): Promise<DestroyResult> {
    this.#assertRunning();
    if (!isSessionId(id)) return { forced: false };
    const done = watch('destroy');
    const result = await logOut(this.#settings, id, undefined, how);
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

  /** The options of the web side, for the floors above. */
  get webOptions(): WebOptions {
    return this.#webOptions;
  }

  /** What may be shown in a log: neither a password nor an id. */
  toJSON(): { readonly storage: StorageDescription } & Readonly<Record<string, unknown>> {
    const { handler, concurrency } = this.#settings;
    return {
      storage: this.#storage,
      serializeHandler: handler,
      concurrency,
      closed: this.#closing !== undefined,
    };
  }

  [inspect.custom](_depth: number, options: object): string {
    return `${this.constructor.name} ${inspect(this.toJSON(), options)}`;
  }

  async #close(): Promise<void> {
    await this.#open.wait(this.#settings.closeTimeout);
    await Promise.all(this.#open.all().map((session) => session.abandon()));
    await this.#open.locks.release();
    if (this.#ownsSaveHandler) await this.#settings.saveHandler.close();
  }

  async #lock(id: string, purpose: 'to write' | undefined): Promise<SessionLock | undefined> {
    const done = watch('lock');
    try {
      const lock = await this.#settings.saveHandler.lock(id);
      done(id, { outcome: 'held' });
      return lock;
    } catch (error) {
      const fails = this.#settings.onLockFailure === 'error' || purpose === 'to write';
      if (!(error instanceof LockError) || fails) throw error;
      done(id, { outcome: 'readonly', code: error.code });
      return undefined;
    }
  }

  #awaits(session: Session | undefined): boolean {
    return session?.isAmong(this.#open) === true;
  }

  #assertRunning(): void {
    if (this.#closing === undefined) return;
    throw new SessionError('ERR_PSB_MANAGER_CLOSED', 'the session manager is closed');
  }
}
