/**
 * The SaveHandler interface: where sessions lie. After PHP's SessionHandlerInterface,
 * SessionIdInterface and SessionUpdateTimestampHandlerInterface, plus the two things that keep
 * writes from being lost: the conditional write and phpredis's lock.
 *
 * Bytes are what the serialize handler made, already decompressed: compression belongs to the
 * save handler, as it does in phpredis.
 */

export interface ReadOptions {
  /**
   * Refresh the TTL together with the read (one round trip). Default `false`.
   */
  readonly refresh?: boolean;
  /** Where the save handler notes what it saw beside the bytes, if it can. */
  readonly seen?: Seen | undefined;
}

/** What a read saw beside the bytes; a save handler fills in what it knows. */
export interface Seen {
  /**
   * The id was logged out (`revokedTtl`), so its cookie has had its day. What somebody who did not
   * know of the logout had stored there since is deleted.
   */
  revoked?: boolean;
  /**
   * The id was left by a move (`revokedTtl`): the client has another one by now, or its cookie was
   * lost on the way. Nobody writes under this one.
   */
  left?: boolean;
  /** Milliseconds that the session had left before it was refreshed; -1 if it had no expiry. */
  ttl?: number;
}

/** What a conditional write or destroy was told. */
export interface WriteCondition {
  /**
   * The bytes that the writer read: they must still be there. `null`: the session must still be
   * absent. `undefined`: no condition (what phpredis does without locks).
   */
  readonly expected?: Buffer | null | undefined;
  /** The lock that the writer holds; without it, any existing lock is a foreign one. */
  readonly lock?: SessionLock | undefined;
  /**
   * For `destroyIf`: the session was stored under another id, and this is the mover's secret. A save
   * handler that `marksMoves` leaves it behind ({@link MOVED_FOR}), and answers `written` to who asks
   * with it again: a lost reply must not make him believe that somebody else deleted the session.
   */
  readonly mover?: string | undefined;
}

export type WriteResult =
  | { readonly state: 'written' }
  /** Somebody else wrote meanwhile; these are the bytes now, `null` if the session is gone. */
  | { readonly state: 'changed'; readonly bytes: Buffer | null }
  /** Somebody else (a PHP request, say) holds the session's lock. */
  | { readonly state: 'locked' }
  /** The lock that the writer handed in is no longer his. */
  | { readonly state: 'lost' };

/** A held session lock (phpredis: the data key + `_LOCK`). */
export interface SessionLock {
  readonly id: string;
  readonly secret: string;
  /** Extends the expiry if the lock is still ours; `false` if it is not. */
  renew(): Promise<boolean>;
  /** Deletes the lock if it is still ours, never anyone else's. */
  release(): Promise<boolean>;
}

/** Milliseconds for which a save handler keeps the secret of a move at least. */
export const MOVED_FOR = 60_000;

export interface SaveHandler {
  /** The bytes of a session; `null` if there is none. An empty Buffer is an existing, empty one. */
  read(id: string, options?: ReadOptions): Promise<Buffer | null>;

  /**
   * Writes with a TTL, whatever is there: PHP's own write.
   * @throws SessionError `ERR_PSB_SESSION_GONE` if the id was logged out (`revokedTtl`)
   */
  write(id: string, bytes: Buffer): Promise<void>;

  /** Writes only if the condition holds, atomically over the data key and the lock key. */
  writeIf(id: string, bytes: Buffer, condition: WriteCondition): Promise<WriteResult>;

  /**
   * Refreshes the TTL; `false` if the session is gone (it is never recreated).
   * @param lifetime seconds, instead of the configured one
   */
  updateTimestamp(id: string, lifetime?: number): Promise<boolean>;

  /**
   * Optional. Takes back what a refreshing read did to the TTL, for a request that could make
   * nothing of the session: only while these bytes are there, and never upwards.
   * @param ttl milliseconds, `Seen.ttl`
   */
  undoRefresh?(id: string, bytes: Buffer, ttl: number): Promise<void>;

  /** Deletes the session, whatever is there and whoever holds the lock. */
  destroy(id: string): Promise<void>;

  /** Deletes only if the condition holds; without one, an absent session is fine. */
  destroyIf(id: string, condition: WriteCondition): Promise<WriteResult>;

  /** Does `destroyIf` know what a `mover` is? Without it a move asks only once. */
  readonly marksMoves?: boolean | undefined;

  /**
   * Are destroyed ids remembered (`revokedTtl`)? Then a logout binds also those who write without
   * having heard of it.
   */
  readonly revokes?: boolean | undefined;

  /** Strict mode's question: does a session with this id exist? */
  validateId(id: string): Promise<boolean>;

  /** A new id in the alphabet that PHP accepts. */
  createSid(): string;

  /**
   * Takes phpredis's lock, waiting as phpredis waits.
   * @throws LockError `ERR_PSB_LOCK_BUSY` when the patience is over
   */
  lock(id: string): Promise<SessionLock>;

  /** Releases what the handler itself opened: its own connections, never a borrowed client. */
  close(): Promise<void>;
}
