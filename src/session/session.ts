/**
 * One opened session: PHP's session module for the length of a request.
 */
import { types } from 'node:util';
import { decodeDeferred } from '../codec/session.ts';
import { inheritNotes } from '../codec/structure.ts';
import { CodecError, LockError, OptionsError, SessionError } from '../errors.ts';
import type { Seen, SessionLock } from '../save-handler/save-handler.ts';
import { type CommitResult, UNCHANGED } from './commit-result.ts';
import { type Target, writeMerging, writeUpdating } from './conditional-write.ts';
import { HeldLock } from './held-lock.ts';
import { type DestroyResult, logOut } from './log-out.ts';
import { adopt, type Conflict, merge } from './merge.ts';
import { moveSession } from './move.ts';
import { watch } from './observe.ts';
import type { SessionSettings } from './options.ts';
import { assertSameSession } from './replaced.ts';
import type { SessionCodec } from './session-codec.ts';
import { isRecord, type SessionVariables } from './session-variables.ts';
import { Stored } from './stored.ts';

/** What `SessionModule.open()` found. */
export interface Opened {
  readonly requestedId: string | undefined;
  readonly id: string;
  readonly bytes: Buffer | null;
  readonly lock: SessionLock | undefined;
  readonly readOnly: boolean;
  /** It is read-only since its lock was busy: a logout is possible still. */
  readonly lockBusy: boolean;
  /** The TTL was refreshed together with the read. */
  readonly refreshed: boolean;
  /** What the read saw beside the bytes. */
  readonly seen: Seen;
  /** Called before anything is written that the client has to learn by a cookie; may throw. */
  readonly beforeNewId: (() => void) | undefined;
  /** Told once, when the session is over. */
  readonly onEnd: () => void;
}

export interface RegenerateOptions {
  /**
   * Delete the old session (default): for a login, where the old id may be known to others.
   * `false` keeps it with what it held, as PHP's `session_regenerate_id(false)` does.
   */
  readonly deleteOld?: boolean | undefined;
  /**
   * With `deleteOld: false`: seconds that the old id lives on with its old bytes, for requests
   * that are on their way during a rotation. A PHP request that touches it prolongs it.
   */
  readonly graceSeconds?: number | undefined;
}

/**
 * A session between open and commit. Get one from `SessionManager.open()` or from a middleware.
 *
 * All methods that write reject with `ERR_PSB_SESSION_GONE` (destroyed meanwhile),
 * `ERR_PSB_SESSION_REPLACED` (another session lies under the id now), `ERR_PSB_LOCK_BUSY`,
 * `ERR_PSB_LOCK_LOST`, `ERR_PSB_SESSION_READ_ONLY`, `ERR_PSB_SESSION_CLOSED`, a `CodecError` for
 * variables that PHP's format cannot hold, or a `StoreError`; then nothing was written, except
 * that `ERR_PSB_STORE_UNKNOWN_OUTCOME` says that the reply was lost.
 */
export class Session implements AsyncDisposable {
  /** The id that was asked for, if it was one. */
  readonly requestedId: string | undefined;
  readonly readOnly: boolean;
  readonly #settings: SessionSettings;
  readonly #codec: SessionCodec;
  readonly #opened: Opened;
  #id: string;
  #stored: Stored;
  #variables: SessionVariables | undefined;
  #lock: HeldLock | undefined;
  #state: 'open' | 'destroyed' | 'aborted' | 'closed' = 'open';
  #refreshed: boolean;
  #abandoned = false;
  /** Operations on one session follow one another, even if nobody awaits them. */
  #last: Promise<unknown> = Promise.resolve();

  /** @internal Sessions are opened by `SessionModule.open()`. */
  constructor(opened: Opened, codec: SessionCodec, settings: SessionSettings) {
    this.#opened = opened;
    this.#settings = settings;
    this.#codec = codec;
    this.requestedId = opened.requestedId;
    this.readOnly = opened.readOnly;
    this.#id = opened.id;
    this.#stored = new Stored(opened.bytes, codec);
    this.#refreshed = opened.refreshed;
    if (opened.lock) this.#lock = new HeldLock(opened.lock, settings.locking.expire);
  }

  /** The session id; `regenerate()` changes it. */
  get id(): string {
    return this.#id;
  }

  /** Nothing is stored under this id yet. */
  get isNew(): boolean {
    return this.#stored.bytes === null;
  }

  /** A session is stored under this id, so that a cookie may name it. */
  get exists(): boolean {
    return this.#stored.bytes !== null;
  }

  /**
   * The id that was asked for had been logged out (`revokedTtl`): the cookie that named it has had
   * its day. This session is an empty one under another id.
   */
  get revoked(): boolean {
    return this.#opened.seen.revoked === true;
  }

  get state(): 'open' | 'destroyed' | 'aborted' | 'closed' {
    return this.#state;
  }

  /**
   * The session variables, PHP's `$_SESSION`: ordinary JavaScript values. The bytes are checked at
   * the first use; an array is decoded when it is first asked for.
   * Changes are written by `save()` or at the end of the request. Assigning an object replaces
   * all variables under the same id.
   *
   * @throws CodecError if the stored bytes are not a session of the configured serialize handler
   */
  get variables(): SessionVariables {
    this.#variables ??= this.#stored.open();
    return this.#variables;
  }

  set variables(variables: SessionVariables) {
    this.#assertWritable();
    if (!isRecord(variables)) {
      throw new CodecError('ERR_PSB_CODEC_VALUE', 'session variables must be a plain object');
    }
    decodeDeferred(this.variables);
    inheritNotes(variables, this.variables);
    this.#variables = variables;
  }

  /** The variables were looked at, or replaced. */
  get used(): boolean {
    return this.#variables !== undefined;
  }

  /** Would `save()` write? Encodes and compares, asks nobody. */
  get changed(): boolean {
    return this.#changedBytes() !== null;
  }

  /**
   * Writes the variables now, if they changed; the session stays open. For streaming responses
   * and long requests: what PHP does with `session_write_close()`.
   */
  save(): Promise<CommitResult> {
    return this.#exclusively(async () => {
      this.#assertWritable();
      return this.#observed(() => this.#save());
    });
  }

  /**
   * Changes what depends on the old value, a counter say: `change` is applied to the variables as
   * they are stored, and again to fresh ones until the conditional write succeeds. It must be
   * synchronous and free of side effects. Other changes of this session stay unsaved.
   */
  update(change: (variables: SessionVariables) => void): Promise<CommitResult> {
    return this.#exclusively(async () => {
      this.#assertWritable();
      return this.#observed(() => this.#update(change));
    });
  }

  /** Refreshes the TTL; `false` if the session is gone. */
  touch(): Promise<boolean> {
    return this.#exclusively(async () => {
      this.#assertWritable();
      return this.#touch();
    });
  }

  /**
   * Gives the session a new id, for the moment of login. The new session is stored before this
   * resolves, and with `deleteOld` (the default) the old id is dead.
   */
  regenerate(options: RegenerateOptions = {}): Promise<void> {
    return this.#exclusively(async () => {
      this.#assertWritable();
      await this.#regenerate(options);
    });
  }

  /**
   * Logs out: deletes the session. Its variables are empty afterwards. While another request holds
   * the lock it waits as long as phpredis would; then the session goes all the same if `revokedTtl`
   * is set, and stays with `ERR_PSB_LOCK_BUSY` if not.
   */
  destroy(): Promise<DestroyResult> {
    return this.#exclusively(async () => {
      if (!this.#opened.lockBusy) this.#assertWritable();
      this.#assertOpen();
      const done = watch('destroy');
      try {
        let result: DestroyResult = { forced: false };
        if (this.#stored.bytes !== null) {
          result = await logOut(this.#settings, this.#id, this.#lock?.lock);
        }
        this.#variables = {};
        this.#stored = new Stored(null, this.#codec);
        done(this.#id, { outcome: result.forced ? 'forced' : 'destroyed' });
        await this.#end('destroyed');
        return result;
      } catch (error) {
        this.#fail(error);
        throw error;
      }
    });
  }

  /** Ends the session without writing; PHP's `session_abort()`. */
  abort(): Promise<void> {
    return this.#exclusively(() => this.#end('aborted'));
  }

  /**
   * Aborts a session whose manager closes and will not wait any longer. Unlike `abort()` that was
   * not the request's own wish, so `commit()` fails if it had something to write.
   *
   * @internal
   */
  abandon(): Promise<void> {
    this.#abandoned = true;
    return this.abort();
  }

  /** Forgets unsaved changes and reads the session again; PHP's `session_reset()`. */
  reload(): Promise<void> {
    return this.#exclusively(async () => {
      this.#assertOpen();
      const bytes = await this.#settings.saveHandler.read(this.#id);
      if (bytes === null && this.#stored.bytes !== null) assertSameSession(null, null, []);
      this.#stored = new Stored(bytes, this.#codec);
      this.#variables = undefined;
    });
  }

  /**
   * The end of the request: writes what changed or else refreshes the TTL as configured, releases
   * the lock, and closes the session, whatever happens. Further calls do nothing.
   *
   * @throws SessionError `ERR_PSB_MANAGER_CLOSED` for changes that came too late for the manager
   */
  commit(): Promise<CommitResult> {
    return this.#exclusively(async () => {
      if (this.#state !== 'open') {
        this.#assertNothingLeft();
        return UNCHANGED;
      }
      let result = UNCHANGED;
      try {
        if (!this.readOnly) {
          result = await this.#observed(() => this.#save());
          if (this.#wantsRefresh()) await this.#touch();
        }
      } finally {
        await this.#end('closed');
      }
      this.#settings.onCommit?.(result, this);
      return result;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.commit();
  }

  async #save(): Promise<CommitResult> {
    const bytes = this.#changedBytes();
    if (bytes !== null) return this.#write(bytes);
    // PHP without lazy_write stores what it read once more.
    if (this.#settings.lazyWrite || this.#stored.bytes === null) return UNCHANGED;
    return this.#write(this.#stored.bytes);
  }

  /** The variables' encoding if it says something else than what is stored. */
  #changedBytes(): Buffer | null {
    if (this.#variables === undefined) return null;
    if (this.#stored.isUntouched(this.#variables)) return null;
    if (this.#stored.bytes === null && Object.keys(this.#variables).length === 0) return null;
    const bytes = this.#codec.encode(this.#variables);
    return this.#stored.says(bytes, this.#variables) ? null : bytes;
  }

  async #write(bytes: Buffer): Promise<CommitResult> {
    this.#assertCookiePossible(this.#id);
    const written = await writeMerging(this.#target(), this.#stored.bytes, bytes);
    this.#wrote(written.bytes);
    if (written.outcome === 'merged' && this.#variables !== undefined) {
      adopt(this.#variables, this.#stored.decode());
      this.#stored.alsoSaidBy(this.#codec.encode(this.#variables));
    }
    return { outcome: written.outcome, conflicts: written.conflicts };
  }

  async #update(change: (variables: SessionVariables) => void): Promise<CommitResult> {
    this.#assertCookiePossible(this.#id);
    const before = this.#stored;
    const written = await writeUpdating(this.#target(), before.bytes, (variables) => {
      if (types.isPromise(change(variables))) {
        throw new OptionsError('the function given to update() must be synchronous');
      }
    });
    if (written === null) return UNCHANGED;
    this.#wrote(written.bytes);
    const conflicts = this.#variables === undefined ? [] : this.#carryOver(before, this.#variables);
    return { outcome: written.outcome, conflicts };
  }

  /**
   * Brings the live variables up to date after an update; their own unsaved changes stay.
   * @returns where those and the update changed the same thing
   */
  #carryOver(before: Stored, live: SessionVariables): readonly Conflict[] {
    const bytes = this.#codec.encode(live);
    const fresh = this.#stored.decode();
    const unchanged =
      before.says(bytes, live) || (before.bytes === null && Object.keys(live).length === 0);
    const conflicts = unchanged
      ? []
      : merge(before.decode(), this.#codec.decode(bytes), fresh, this.#settings.onConflict);
    adopt(live, fresh);
    if (unchanged) this.#stored.alsoSaidBy(this.#codec.encode(live));
    return conflicts;
  }

  async #touch(): Promise<boolean> {
    this.#refreshed = true;
    return this.#settings.saveHandler.updateTimestamp(this.#id);
  }

  #wantsRefresh(): boolean {
    const { refresh } = this.#settings;
    if (this.#refreshed || this.#stored.bytes === null || refresh === false) return false;
    return refresh === 'always' || this.used;
  }

  async #regenerate({ deleteOld = true, graceSeconds = 0 }: RegenerateOptions): Promise<void> {
    if (deleteOld && graceSeconds > 0) {
      throw new OptionsError('graceSeconds keeps the old session, which deleteOld deletes');
    }
    const { saveHandler, locking } = this.#settings;
    const oldId = this.#id;
    const newId = saveHandler.createSid();
    if (this.#stored.bytes === null) {
      // Nothing is stored yet, so there is nothing to move, and a new id nobody else can want.
      await this.#lock?.release();
      this.#lock = undefined;
      this.#id = newId;
      return;
    }
    this.#assertCookiePossible(newId);
    // PHP, too, writes the old session before it leaves it. Whatever was written meanwhile is
    // merged here, so that the new session starts with all of it.
    if (!deleteOld) await this.#save();
    const oldLock = this.#lock;
    const newLock = oldLock && (await saveHandler.lock(newId));
    const ours = this.#changedBytes() ?? this.#stored.bytes;
    let bytes: Buffer;
    try {
      const destination = { id: newId, lock: newLock };
      const from = this.#target();
      ({ bytes } = await moveSession(from, destination, this.#stored.bytes, ours, deleteOld));
    } catch (error) {
      await newLock?.release().catch(() => false);
      throw error;
    }
    this.#id = newId;
    this.#wrote(bytes);
    if (this.#variables !== undefined) {
      if (bytes !== ours) adopt(this.#variables, this.#stored.decode());
      this.#stored.alsoSaidBy(this.#codec.encode(this.#variables));
    }
    if (graceSeconds > 0) await saveHandler.updateTimestamp(oldId, graceSeconds);
    await oldLock?.release();
    if (newLock) this.#lock = new HeldLock(newLock, locking.expire);
  }

  #wrote(bytes: Buffer): void {
    this.#stored = new Stored(bytes, this.#codec);
    this.#refreshed = true;
  }

  #target(): Target {
    const lock = this.#lock?.lock;
    return { id: this.#id, lock, codec: this.#codec, settings: this.#settings };
  }

  /** A session that the client cannot learn of must not come into being. */
  #assertCookiePossible(id: string): void {
    if (id !== this.requestedId && (this.#stored.bytes === null || id !== this.#id)) {
      this.#opened.beforeNewId?.();
    }
  }

  #assertOpen(): void {
    if (this.#state === 'open') return;
    throw new SessionError('ERR_PSB_SESSION_CLOSED', `the session is ${this.#state} already`);
  }

  #assertWritable(): void {
    this.#assertOpen();
    if (!this.readOnly) return;
    throw new SessionError('ERR_PSB_SESSION_READ_ONLY', 'the session was opened read-only');
  }

  /** What `close()` cut off must not pass for a success. */
  #assertNothingLeft(): void {
    if (this.#state !== 'aborted' || !this.#abandoned || !this.changed) return;
    // Once: who commits again was told.
    this.#abandoned = false;
    throw new SessionError(
      'ERR_PSB_MANAGER_CLOSED',
      'the session manager was closed before this session was committed; nothing was written',
    );
  }

  async #end(state: 'destroyed' | 'aborted' | 'closed'): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = state;
    await this.#lock?.release();
    this.#lock = undefined;
    this.#opened.onEnd();
  }

  #exclusively<T>(operation: () => Promise<T>): Promise<T> {
    const next = this.#last.then(operation, operation);
    this.#last = next.catch(() => {});
    return next;
  }

  async #observed(operation: () => Promise<CommitResult>): Promise<CommitResult> {
    const done = watch('commit');
    try {
      const result = await operation();
      const bytes = this.#stored.bytes?.length ?? 0;
      done(this.#id, { outcome: result.outcome, bytes });
      if (result.conflicts.length > 0) {
        const paths = result.conflicts.map(({ path }) => path);
        watch('conflict')(this.#id, { paths });
      }
      return result;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #fail(error: unknown): void {
    watch(error instanceof LockError ? 'lock' : 'error')(this.#id, {
      code: String((error as { code?: unknown }).code ?? 'unknown'),
    });
  }
}
