/**
 * One opened session: PHP's session module for the length of a request.
 */
import { inspect, types } from 'node:util';
import { CodecError, LockError, OptionsError, SessionError } from '../errors.ts';
import type { Seen, SessionLock } from '../save-handler/save-handler.ts';
import { both, type CommitResult, UNCHANGED } from './commit-result.ts';
import { type Target, writeMerging, writeUpdating } from './conditional-write.ts';
import { gone, isGone } from './gone.ts';
import { HeldLock } from './held-lock.ts';
import { LiveVariables } from './live-variables.ts';
import { type DestroyResult, type LogOutOptions, logOut } from './log-out.ts';
import type { Conflict } from './merge/conflicts.ts';
import { type Moved, moveSession } from './move.ts';
import { watch } from './observe.ts';
import type { OpenSessions } from './open-sessions.ts';
import type { SessionSettings } from './options.ts';
import type { SessionCodec } from './session-codec.ts';
import { isRecord, type SessionVariables } from './session-variables.ts';
import { replaceUnreadable } from './unreadable.ts';

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
  /** It was there when it was opened, and this session may not create another one. */
  readonly mustExist: boolean;
  /** The sessions that it is counted among until its end. */
  readonly among: OpenSessions | undefined;
}

export interface RegenerateOptions {
  /**
   * Delete the old session (default): for a login, where the old id may be known to others.
   * `false` keeps it with what it held, as PHP's `session_regenerate_id(false)` does.
   */
  readonly deleteOld?: boolean | undefined;
  /**
   * With `deleteOld: false`: seconds that the old id lives on with its old bytes, for requests
   * that are on their way during a rotation, rounded up to whole ones. A PHP request that touches
   * it prolongs it.
   */
  readonly graceSeconds?: number | undefined;
}

/**
 * How often a commit writes what was assigned while it wrote. An application that assigns for ever
 * must not keep its request for ever.
 */
const COMMIT_ROUNDS = 8;

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
  readonly #settings: SessionSettings;
  readonly #codec: SessionCodec;
  readonly #opened: Opened;
  readonly #live: LiveVariables;
  readonly #place: number | undefined;
  #id: string;
  #lock: HeldLock | undefined;
  #state: 'open' | 'destroyed' | 'aborted' | 'closed' = 'open';
  #refreshed: boolean;
  #abandoned = false;
  #undone = false;
  /** How often `destroy()` was called, and how many of these calls a later `regenerate()` undid. */
  #destroys = 0;
  #destroysUndone = 0;
  /** What was unsaved when `destroy()` failed; `undefined` bytes if PHP cannot hold it. */
  #unsaved: { readonly bytes: Buffer | null | undefined } | undefined;
  /** Operations under way, by what may come of them: another id, or a session where there was none. */
  readonly #underWay = { move: 0, store: 0 };
  /** Operations on one session follow one another, even if nobody awaits them. */
  #last: Promise<unknown> = Promise.resolve();
  /** What has to be done before the session is over, though nobody waits for it now. */
  #aside: Promise<unknown> | undefined;

  /** @internal Sessions are opened by `SessionModule.open()`. */
  constructor(opened: Opened, codec: SessionCodec, settings: SessionSettings) {
    this.#opened = opened;
    this.#settings = settings;
    this.#codec = codec;
    this.#id = opened.id;
    this.#live = new LiveVariables(opened.bytes, codec, settings);
    this.#refreshed = opened.refreshed;
    if (opened.lock) this.#hold(opened.lock);
    this.#place = opened.among?.add(this);
  }

  /** The session id; `regenerate()` changes it. */
  get id(): string {
    return this.#id;
  }

  /** The id that was asked for, if it was one. */
  get requestedId(): string | undefined {
    return this.#opened.requestedId;
  }

  get readOnly(): boolean {
    return this.#opened.readOnly;
  }

  /** Nothing is stored under this id yet. */
  get isNew(): boolean {
    return !this.exists;
  }

  /** A session is stored under this id, so that a cookie may name it. */
  get exists(): boolean {
    return this.#live.bytes !== null;
  }

  /** @internal `destroy()` was called, whatever came of it, and no `regenerate()` went on from there. */
  get destroyWanted(): boolean {
    return this.#destroys > this.#destroysUndone;
  }

  /**
   * May what is under way end with an id that the client has to learn by a cookie?
   *
   * @internal
   */
  get isIdUnderWay(): boolean {
    return this.#underWay.move > 0 || (this.#underWay.store > 0 && this.isNew);
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
   * Changes are written by `save()` or at the end of the request; what is assigned while one of
   * this session's methods is under way is kept as well. Assigning an object replaces all variables
   * under the same id, also those that nobody can read.
   *
   * @throws CodecError if the stored bytes are not a session of the configured serialize handler
   * (unless `onUnreadable` is `'new'`)
   */
  get variables(): SessionVariables {
    try {
      return this.#live.root;
    } catch (error) {
      return this.#unreadable(error);
    }
  }

  set variables(variables: SessionVariables) {
    this.#assertWritable();
    if (!isRecord(variables)) {
      throw new CodecError('ERR_PSB_CODEC_VALUE', 'session variables must be a plain object');
    }
    this.#live.replace(variables);
    if (this.#live.isUnreadable) this.#undoRefresh();
  }

  /** The variables were looked at, or replaced. */
  get used(): boolean {
    return this.#live.used;
  }

  /** Would `save()` write? Encodes and compares, asks nobody. */
  get changed(): boolean {
    return this.#live.changed() !== null;
  }

  /**
   * Writes the variables now, if they changed; the session stays open. For streaming responses
   * and long requests: what PHP does with `session_write_close()`.
   */
  save(): Promise<CommitResult> {
    return this.#counted('store', async () => {
      this.#assertWritable();
      return this.#observed(() => this.#save());
    });
  }

  /**
   * Saves the session if there is none stored yet, behind what is under way.
   *
   * @param done called before anything that was asked for later begins
   * @internal
   */
  saveNew(done: () => void): Promise<void> {
    return this.#exclusively(async () => {
      try {
        if (this.#state !== 'open' || !this.isNew || this.readOnly) return;
        await this.#observed(() => this.#save());
      } finally {
        done();
      }
    });
  }

  /**
   * Changes what depends on the old value, a counter say: `change` is applied to the variables as
   * they are stored, and again to fresh ones until the conditional write succeeds. It must be
   * synchronous and free of side effects. Other changes of this session stay unsaved.
   */
  update(change: (variables: SessionVariables) => void): Promise<CommitResult> {
    return this.#counted('store', async () => {
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
   *
   * If the session was destroyed meanwhile (by the first of two clicks on "log in", say) and this
   * request had not changed it, it goes on as a new one: the variables are emptied, also where they
   * were taken out before (the object of all variables, and each array in it), and `onLost` is
   * told. If it had changed it, this rejects with `ERR_PSB_SESSION_GONE`.
   */
  regenerate(options: RegenerateOptions = {}): Promise<CommitResult> {
    const destroys = this.#destroys;
    return this.#counted('move', async () => {
      this.#assertWritable();
      try {
        const result = await this.#regenerate(options);
        // Those before it failed, or there would have been nothing to go on with.
        this.#destroysUndone = destroys;
        this.#unsaved = undefined;
        this.#report(result.conflicts);
        return result;
      } catch (error) {
        this.#fail(error);
        throw error;
      }
    });
  }

  /**
   * Logs out: deletes the session. Its variables are empty afterwards; what was assigned while this
   * was under way is gone with them. While another request holds the lock it waits as long as
   * phpredis would; then the session goes all the same if `revokedTtl` is set, and stays with
   * `ERR_PSB_LOCK_BUSY` if not.
   *
   * If it fails, the end of the request writes and prolongs nothing, unless variables are assigned
   * afterwards, and the client's cookie ends all the same. Who wants to go on calls `regenerate()`.
   *
   * @param how internal
   */
  destroy(how?: LogOutOptions): Promise<DestroyResult> {
    this.#destroys++;
    return this.#exclusively(async () => {
      if (!this.#opened.lockBusy) this.#assertWritable();
      this.#assertOpen();
      const done = watch('destroy');
      try {
        let result: DestroyResult = { forced: false };
        if (this.#mayBeStored()) {
          result = await logOut(this.#settings, this.#id, this.#lock?.lock, how);
        }
        this.#live.clear();
        done(this.#id, { outcome: result.forced ? 'forced' : 'destroyed' });
        await this.#end('destroyed');
        return result;
      } catch (error) {
        this.#unsaved = { bytes: this.#unsavedNow() };
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

  /**
   * Forgets unsaved changes and reads the session again; PHP's `session_reset()`. `variables` is
   * another object afterwards. What is assigned while this is under way is not forgotten; if
   * another session lies under the id by then (`ERR_PSB_SESSION_REPLACED`), this changes nothing.
   */
  reload(): Promise<void> {
    return this.#exclusively(async () => {
      this.#assertOpen();
      const said = this.#live.said();
      const bytes = await this.#settings.saveHandler.read(this.#id);
      if (bytes === null && this.exists) throw gone();
      this.#report(this.#live.reset(bytes, said));
    });
  }

  /**
   * The end of the request: writes what changed or else refreshes the TTL as configured, releases
   * the lock, and closes the session, whatever happens. What is assigned until then is written,
   * too. Further calls do nothing.
   *
   * @throws SessionError `ERR_PSB_MANAGER_CLOSED` for changes that came too late for the manager
   */
  commit(): Promise<CommitResult> {
    return this.#counted('store', async () => {
      if (this.#state !== 'open') {
        this.#assertNothingLeft();
        return UNCHANGED;
      }
      const result = await this.#commit();
      const { onCommit, lateAssignments } = this.#settings;
      onCommit?.(result, this);
      if (this.used && !this.readOnly) lateAssignments?.watch(this);
      return result;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.commit();
  }

  /**
   * Does the manager whose open sessions these are wait for this one when it closes?
   *
   * @internal
   */
  isAmong(sessions: OpenSessions): boolean {
    return this.#state === 'open' && this.#opened.among === sessions;
  }

  /**
   * The lock ends here, the session does not: its next write is conditional as any other.
   *
   * @internal
   */
  heldTooLong(lock: HeldLock): void {
    const { maxHold, warnOnce } = this.#settings;
    warnOnce(
      'PSB_LOCK_HELD_TOO_LONG',
      `a session lock was held for ${maxHold} ms (maxHold) and is released: a request does not ` +
        'end, or a session that was opened is never committed. What it writes later is merged.',
    );
    // Behind what is under way, which may need the lock.
    void this.#exclusively(async () => {
      if (this.#lock === lock) this.#lock = undefined;
      await lock.release();
    });
  }

  /** Neither the id nor a value: this is what lands in logs. */
  toJSON(): { readonly isNew: boolean; readonly readOnly: boolean; readonly state: string } {
    return { isNew: this.isNew, readOnly: this.readOnly, state: this.#state };
  }

  [inspect.custom](_depth: number, options: object): string {
    return `Session ${inspect(this.toJSON(), options)}`;
  }

  /** @param always also what did not change, as long as nobody else changed it */
  async #save(always = false): Promise<CommitResult> {
    // An await between encoding and writing would cost the check of what was encoded.
    if (this.#live.unanswered.any) await this.#settle();
    const bytes = this.#toWrite() ?? (always ? this.#live.base : null);
    if (bytes === null) return UNCHANGED;
    const { outcome, conflicts } = await this.#write(bytes);
    return { outcome, conflicts: [...conflicts, ...this.#live.follow()] };
  }

  /**
   * After lost replies, where no conditional write will meet what they were for: what was taken back
   * since is a change if it was stored, and what nobody can read may be replaced already.
   */
  async #settle(): Promise<void> {
    if (this.#live.isUnreadable || this.#toWrite() === null) await this.#findOwnWrite();
  }

  /** PHP without lazy_write stores what it read once more. */
  #toWrite(): Buffer | null {
    const changed = this.#live.changed();
    return changed !== null || this.#settings.lazyWrite ? changed : this.#live.base;
  }

  /** The variables do not follow here: after a commit nobody may be there to see it. */
  async #write(bytes: Buffer): Promise<CommitResult> {
    this.#assertCookiePossible(this.#id);
    const { base, unanswered } = this.#live;
    const written =
      base !== null && this.#live.isUnreadable
        ? await unanswered.remember({ bytes, said: bytes }, () =>
            replaceUnreadable(this.#target(), base, bytes),
          )
        : await writeMerging(this.#target(), base, bytes);
    this.#live.wrote(bytes, written.bytes);
    this.#refreshed = true;
    return written;
  }

  async #commit(): Promise<CommitResult> {
    const done = watch('commit');
    let result = UNCHANGED;
    try {
      if (!this.readOnly && !this.#isLeftForDead()) {
        if (this.#live.unanswered.any) await this.#settle();
        let bytes = this.#toWrite();
        for (let round = 1; ; round++) {
          if (bytes !== null) result = both(result, await this.#write(bytes));
          else if (this.#wantsRefresh()) await this.#touch();
          else break;
          // What was assigned meanwhile. Nothing is awaited between this look and the end.
          bytes = this.#live.changed();
          if (round < COMMIT_ROUNDS) continue;
          if (bytes !== null) this.#warnOfLeft();
          break;
        }
      }
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      await this.#end('closed');
    }
    done(this.#id, { outcome: result.outcome, bytes: this.#live.bytes?.length ?? 0 });
    this.#report(result.conflicts);
    return result;
  }

  /** `destroy()` failed, and the application has said nothing since. */
  #isLeftForDead(): boolean {
    if (this.#unsaved === undefined) return false;
    const now = this.#unsavedNow();
    const { bytes } = this.#unsaved;
    return now && bytes ? now.equals(bytes) : now === bytes;
  }

  #unsavedNow(): Buffer | null | undefined {
    try {
      return this.#live.changed();
    } catch (error) {
      if (error instanceof CodecError) return undefined;
      throw error;
    }
  }

  #warnOfLeft(): void {
    this.#settings.warnOnce(
      'PSB_COMMIT_UNFINISHED',
      `session variables were assigned again during each of ${COMMIT_ROUNDS} writes of a commit; ` +
        'what was assigned last is not stored',
    );
  }

  async #update(change: (variables: SessionVariables) => void): Promise<CommitResult> {
    const written = await this.#readable(() => {
      this.#assertCookiePossible(this.#id);
      return writeUpdating(this.#target(), this.#live.base, (variables) => {
        if (types.isPromise(change(variables))) {
          throw new OptionsError('the function given to update() must be synchronous');
        }
      });
    });
    if (written === null) return UNCHANGED;
    this.#live.wrote(written.said, written.bytes);
    this.#refreshed = true;
    return { outcome: written.outcome, conflicts: this.#live.follow() };
  }

  async #touch(): Promise<boolean> {
    this.#refreshed = true;
    return this.#settings.saveHandler.updateTimestamp(this.#id);
  }

  #wantsRefresh(): boolean {
    const { refresh } = this.#settings;
    if (this.#refreshed || !this.exists || refresh === false) return false;
    return (refresh === 'always' && !this.#live.isUnreadable) || this.used;
  }

  async #regenerate({
    deleteOld = true,
    graceSeconds = 0,
  }: RegenerateOptions): Promise<CommitResult> {
    if (deleteOld && graceSeconds > 0) {
      throw new OptionsError('graceSeconds keeps the old session, which deleteOld deletes');
    }
    // Redis takes whole numbers, and would refuse after everything was written.
    const grace = Math.ceil(graceSeconds);
    if (typeof graceSeconds !== 'number' || !(grace >= 0) || !Number.isSafeInteger(grace * 1000)) {
      throw new OptionsError('graceSeconds must be a number of seconds');
    }
    // What nobody can read must not get a second life under a new id.
    if (this.exists && !this.used) this.variables;
    if (!this.exists) await this.#findOwnWrite();
    if (!this.exists) {
      // There is nothing to move, and a new id nobody else can want.
      await this.#startAnew();
      return UNCHANGED;
    }
    const said = this.#live.said();
    const hasChanged = this.changed;
    try {
      return await this.#move(deleteOld, grace);
    } catch (error) {
      if (!isGone(error) || hasChanged || this.#opened.mustExist) throw error;
      if (!this.#live.forget(said)) throw error;
      await this.#startAnew();
      this.#settings.onLost?.(error, this);
      return UNCHANGED;
    }
  }

  /** Also what another request stored under an id that was adopted, and what nobody answered. */
  #mayBeStored(): boolean {
    return this.exists || this.#id === this.requestedId || this.#live.unanswered.any;
  }

  /** After a lost reply: was the write carried out after all? */
  async #findOwnWrite(): Promise<void> {
    if (!this.#live.unanswered.any) return;
    const bytes = await this.#settings.saveHandler.read(this.#id);
    const own = this.#live.unanswered.find(bytes);
    if (own) this.#live.wrote(own.said, own.bytes);
  }

  async #startAnew(): Promise<void> {
    this.#live.unanswered.forget();
    const lock = this.#lock;
    this.#lock = undefined;
    this.#id = this.#settings.saveHandler.createSid();
    await lock?.release();
  }

  async #move(deleteOld: boolean, graceSeconds: number): Promise<CommitResult> {
    const { saveHandler } = this.#settings;
    const oldId = this.#id;
    const newId = saveHandler.createSid();
    this.#assertCookiePossible(newId);
    // Stored by update() alone, and the variables could not follow at the time.
    if (this.#live.base === null) this.#live.follow();
    let before = UNCHANGED;
    // PHP, too, writes the old session before it leaves it, changed or not. Whatever was written
    // meanwhile is merged here, so that the new session starts with all of it.
    if (!deleteOld || this.#live.isUnreadable) before = await this.#save(true);
    const oldLock = this.#lock;
    const newLock = oldLock && (await saveHandler.lock(newId));
    const { base } = this.#live;
    const ours = this.#live.changed() ?? base;
    if (base === null || ours === null) throw gone();
    let moved: Moved;
    try {
      const beforeLeaving = () => this.#assertCookiePossible(newId);
      const destination = { id: newId, lock: newLock, beforeLeaving };
      moved = await moveSession(this.#target(), destination, base, ours, deleteOld);
    } catch (error) {
      await newLock?.release().catch(() => false);
      throw error;
    }
    this.#id = newId;
    this.#live.wrote(ours, moved.bytes);
    this.#refreshed = true;
    this.#lock = undefined;
    if (newLock) this.#hold(newLock);
    const conflicts = [...moved.conflicts, ...this.#live.follow()];
    await oldLock?.release();
    if (graceSeconds > 0) await saveHandler.updateTimestamp(oldId, graceSeconds);
    const outcome = moved.bytes === ours ? 'written' : 'merged';
    return both(before, { outcome, conflicts });
  }

  /** An operation on the stored bytes; bytes that nobody can read are dealt with first. */
  async #readable<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof CodecError) || this.used) throw error;
      const id = this.#id;
      this.variables;
      if (this.#id === id) throw error;
      return operation();
    }
  }

  /** The first look at bytes that nobody can read. */
  #unreadable(error: unknown): SessionVariables {
    if (!(error instanceof CodecError)) throw error;
    this.#undoRefresh();
    const { onUnreadable, onLost, warnOnce, saveHandler } = this.#settings;
    if (onUnreadable === 'error' || this.#opened.mustExist) throw error;
    const lock = this.#lock;
    if (lock) this.#besides(lock.release());
    this.#lock = undefined;
    this.#id = saveHandler.createSid();
    const variables = this.#live.clear();
    if (onLost) onLost(error, this);
    else {
      warnOnce(
        'PSB_UNREADABLE',
        `a session could not be read, and the request goes on with a new one: ${error.message}`,
      );
    }
    return variables;
  }

  /** What fails must not live longer for it. */
  #undoRefresh(): void {
    const { bytes, seen } = this.#opened;
    if (this.#undone || bytes === null || seen.ttl === undefined) return;
    this.#undone = true;
    const undone = this.#settings.saveHandler.undoRefresh?.(this.#id, bytes, seen.ttl);
    if (undone) this.#besides(undone);
  }

  /** Nobody waits for it before the session ends, and nothing depends on its success. */
  #besides(work: Promise<unknown>): void {
    this.#aside = Promise.allSettled([this.#aside, work]);
  }

  #hold(lock: SessionLock): void {
    const { locking, maxHold } = this.#settings;
    const times = { expire: locking.expire, maxHold };
    this.#lock = new HeldLock(lock, times, this, this.#opened.among?.locks);
  }

  #target(): Target {
    const lock = this.#lock?.lock;
    // Without a condition a write would create the session.
    const settings: SessionSettings =
      this.#opened.mustExist && this.#settings.concurrency === 'overwrite'
        ? { ...this.#settings, concurrency: 'merge' }
        : this.#settings;
    const { unanswered } = this.#live;
    return { id: this.#id, lock, codec: this.#codec, settings, unanswered };
  }

  /** A session that the client cannot learn of must not come into being. */
  #assertCookiePossible(id: string): void {
    if (id !== this.requestedId && (!this.exists || id !== this.#id)) {
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
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
    await this.#aside;
    if (this.#place !== undefined) this.#opened.among?.remove(this.#place);
  }

  /** One that the headers of a response have to wait for; counted from the call on. */
  async #counted<T>(kind: 'move' | 'store', operation: () => Promise<T>): Promise<T> {
    this.#underWay[kind]++;
    try {
      return await this.#exclusively(operation);
    } finally {
      this.#underWay[kind]--;
    }
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
      const bytes = this.#live.bytes?.length ?? 0;
      done(this.#id, { outcome: result.outcome, bytes });
      this.#report(result.conflicts);
      return result;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #report(conflicts: readonly Conflict[]): void {
    if (conflicts.length === 0) return;
    watch('conflict')(this.#id, { paths: conflicts.map(({ path }) => path) });
  }

  #fail(error: unknown): void {
    watch(error instanceof LockError ? 'lock' : 'error')(this.#id, {
      code: String((error as { code?: unknown }).code ?? 'unknown'),
    });
  }
}
