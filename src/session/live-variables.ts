/**
 * The session variables in the hands of the application, and what they are based on. While a
 * command is on its way the application goes on assigning; whatever it did meanwhile is told apart
 * from what was sent, by comparing with what the variables said when it was sent.
 */
import { isPlain } from '../codec/plain.ts';
import { containersIn, decodeDeferred } from '../codec/session.ts';
import { PhpObject } from '../codec/values.ts';
import { CodecError } from '../errors.ts';
import { reportListener } from './listeners.ts';
import { adopt } from './merge/adopt.ts';
import type { Conflict } from './merge/conflicts.ts';
import { merge } from './merge/merge.ts';
import { inheritNotes } from './merge/slots.ts';
import type { SessionSettings } from './options.ts';
import { assertSameSession } from './replaced.ts';
import type { SessionCodec } from './session-codec.ts';
import type { SessionVariables } from './session-variables.ts';
import { Stored } from './stored.ts';
import { Unanswered } from './unanswered.ts';

const NONE: readonly Conflict[] = Object.freeze([]);

export class LiveVariables {
  /** Writes that may be what is stored now. */
  readonly unanswered = new Unanswered();
  readonly #codec: SessionCodec;
  readonly #settings: SessionSettings;
  /** What the variables began as: the base of the next write. */
  #stored: Stored;
  /** What is stored now, as long as the variables have not followed it. */
  #newer: Buffer | undefined;
  /** Following failed; the next write merges instead. */
  #stuck = false;
  #root: SessionVariables | undefined;
  /** What the variables were first made from. */
  #opened: Stored | undefined;
  /** Containers in the variables that came out of a merge: made here, as those of a decode are. */
  readonly #merged = new Set<object>();
  /** The variables are being brought up to date: who looks meanwhile sees them as they are. */
  #isFollowing = false;

  constructor(bytes: Buffer | null, codec: SessionCodec, settings: SessionSettings) {
    this.#codec = codec;
    this.#settings = settings;
    this.#stored = new Stored(bytes, codec);
  }

  /** What the variables are based on, to be merged by; `null` if there was no session. */
  get base(): Buffer | null {
    return this.#stored.bytes;
  }

  /** The bytes in the store as far as this request knows; `null` if there is no session. */
  get bytes(): Buffer | null {
    return this.#newer ?? this.#stored.bytes;
  }

  /** Did the decoder refuse the stored bytes? Known after the first look. */
  get isUnreadable(): boolean {
    return this.#stored.isUnreadable;
  }

  /** The variables were looked at, or replaced. */
  get used(): boolean {
    return this.#root !== undefined;
  }

  /** @throws CodecError if the stored bytes are not a session of the configured handler */
  get root(): SessionVariables {
    if (this.#newer !== undefined && !this.#stuck && !this.#isFollowing) this.follow();
    this.#root ??= this.#open();
    return this.#root;
  }

  #open(): SessionVariables {
    this.#opened = this.#stored;
    return this.#stored.open();
  }

  replace(variables: SessionVariables): void {
    const before = this.#readable();
    if (before !== undefined) {
      decodeDeferred(before);
      inheritNotes(variables, before);
    }
    this.#root = variables;
  }

  /** The variables' encoding if it says something else than what they are based on. */
  changed(): Buffer | null {
    return this.#root === undefined ? null : this.#since(this.#stored, this.#root);
  }

  /**
   * What the variables say now, to be compared with later; `undefined` if PHP cannot hold it.
   */
  said(): Stored | undefined {
    if (this.#root === undefined) return this.#stored;
    try {
      const bytes = this.#since(this.#stored, this.#root);
      return bytes === null ? this.#stored : new Stored(bytes, this.#codec);
    } catch (error) {
      if (error instanceof CodecError) return undefined;
      throw error;
    }
  }

  /**
   * After a write: the variables said `said`, and `stored` is what lies in the store. They follow
   * by `follow()`, or when they are next looked at.
   *
   * @param said `null` if none of it was what the variables said
   */
  wrote(said: Buffer | null, stored: Buffer): void {
    this.unanswered.forget();
    if (said !== null && said !== this.#stored.bytes) this.#stored = this.#fresh(said);
    this.#newer = said !== null && stored.equals(said) ? undefined : stored;
    this.#stuck = false;
  }

  /**
   * Brings the variables up to date with what is stored, in place. What the application assigned
   * since it was sent stays, unsaved.
   *
   * @returns where that and what others stored were the same thing
   */
  follow(): readonly Conflict[] {
    const newer = this.#newer;
    if (newer === undefined) return NONE;
    const root = this.#root;
    if (root === undefined) {
      this.#become(newer);
      return NONE;
    }
    let conflicts = NONE;
    let fresh: SessionVariables;
    let unchanged: boolean;
    this.#isFollowing = true;
    try {
      const now = this.#since(this.#stored, root);
      unchanged = now === null;
      fresh = this.#codec.decode(newer);
      if (now !== null) conflicts = this.#merge(this.#stored, now, fresh);
    } catch (error) {
      // What was written stands. The variables stay based on what they were based on, so that the
      // next write merges.
      this.#stuck = true;
      if (!(error instanceof CodecError)) {
        reportListener('onConflict', error, this.#settings.warn);
      }
      return NONE;
    } finally {
      this.#isFollowing = false;
    }
    const followed = this.#adopt(root, fresh);
    this.#become(newer);
    if (unchanged) this.#stored.alsoSaidBy(this.#codec.encode(followed));
    return conflicts;
  }

  /** What was made here, be it in the variables still or not; the rest is the application's own. */
  #made(): object[] {
    return [...(this.#opened?.made() ?? []), ...this.#merged];
  }

  /** @returns the variables that say what `fresh` says: the same ones, if they can be changed */
  #adopt(root: SessionVariables, fresh: SessionVariables): SessionVariables {
    const made = new Set(this.#made());
    for (const container of containersIn(fresh, false)) this.#merged.add(container);
    if (!adopt(root, fresh, made)) this.#root = fresh;
    return this.#root ?? root;
  }

  /**
   * Other bytes were read. What the variables said then is forgotten; what was assigned since, not.
   *
   * @param said what `said()` answered before the bytes were asked for
   * @throws SessionError `ERR_PSB_SESSION_GONE`, `ERR_PSB_SESSION_REPLACED` if what was assigned
   * since belongs to another session than the bytes
   */
  reset(bytes: Buffer | null, said: Stored | undefined): readonly Conflict[] {
    const assigned = said && this.#assignedSince(said);
    const root = assigned && this.#codec.decode(bytes);
    if (root) this.#assertSame(bytes, root);
    const conflicts = assigned && root && said ? this.#merge(said, assigned, root) : NONE;
    this.unanswered.forget();
    this.#newer = undefined;
    this.#root = root;
    this.#stored = this.#fresh(bytes);
    return conflicts;
  }

  /**
   * The session is gone, and the application did not change it: the variables are emptied, also in
   * the application's hands. What it assigned since stays.
   *
   * @param said what `said()` answered before anybody knew
   * @returns false if something that was assigned since belongs to what is gone
   */
  forget(said: Stored | undefined): boolean {
    const root = this.#root;
    if (root !== undefined) {
      const before = said ?? this.#stored;
      const now = this.#since(before, root);
      const fresh: SessionVariables = {};
      if (now !== null && this.#merge(before, now, fresh).length > 0) return false;
      const made = this.#made();
      this.#adopt(root, fresh);
      // Only what was decoded for this request: the rest may be the application's own.
      if (now === null) for (const value of made) empty(value);
    }
    this.unanswered.forget();
    this.#newer = undefined;
    this.#stored = this.#fresh(null);
    return true;
  }

  /** There is no session any more, and new variables, empty. */
  clear(): SessionVariables {
    this.unanswered.forget();
    this.#newer = undefined;
    this.#stored = this.#fresh(null);
    this.#root = this.#open();
    return this.#root;
  }

  /** What stands before a replacement: `undefined` if nobody can read it. */
  #readable(): SessionVariables | undefined {
    try {
      return this.root;
    } catch (error) {
      if (error instanceof CodecError) return undefined;
      throw error;
    }
  }

  /** What the variables say, if it is something else than they said then. */
  #since(said: Stored, root: SessionVariables): Buffer | null {
    if (said.isUntouched(root)) return null;
    if (said.bytes === null && Object.keys(root).length === 0) return null;
    const bytes = this.#codec.encode(root);
    return said.says(bytes, root) ? null : bytes;
  }

  /** The same, but what PHP cannot hold counts as nothing. */
  #assignedSince(said: Stored): Buffer | undefined {
    try {
      return (this.#root && this.#since(said, this.#root)) ?? undefined;
    } catch (error) {
      if (error instanceof CodecError) return undefined;
      throw error;
    }
  }

  #assertSame(bytes: Buffer | null, theirs: SessionVariables): void {
    const known = this.bytes;
    if (known === null && bytes === null) return;
    if (this.unanswered.find(bytes)) return;
    const before = known === null || this.isUnreadable ? null : this.#codec.decode(known);
    assertSameSession(before, bytes === null ? null : theirs, this.#settings.identity);
  }

  #merge(base: Stored, ours: Buffer, into: SessionVariables): readonly Conflict[] {
    const before = base.isUnreadable ? {} : base.decode();
    return merge(before, this.#codec.decode(ours), into, this.#settings.onConflict);
  }

  #become(bytes: Buffer): void {
    this.#newer = undefined;
    this.#stored = this.#fresh(bytes);
  }

  #fresh(bytes: Buffer | null): Stored {
    return new Stored(bytes, this.#codec);
  }
}

/** Takes everything out of a container; what cannot be changed stays. */
function empty(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value) && !(value instanceof PhpObject) && !isPlain(value)) return;
  for (const key of Object.keys(value)) Reflect.deleteProperty(value, key);
  if (Array.isArray(value)) Reflect.set(value, 'length', 0);
}
