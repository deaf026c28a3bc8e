/**
 * Sessions in this process's memory, for tests and for development without Redis: the same
 * semantics as in Redis, TTL, locks and conditional writes included.
 */
import { randomBytes } from 'node:crypto';
import { LockError, SessionError } from '../../errors.ts';
import { asStored, assertId } from '../arguments.ts';
import { attempts } from '../lock-patience.ts';
import {
  MOVED_FOR,
  type ReadOptions,
  type SaveHandler,
  type SessionLock,
  type WriteCondition,
  type WriteResult,
} from '../save-handler.ts';
import { createSessionId } from '../session-id.ts';
import {
  resolveSaveHandlerSettings,
  type SaveHandlerOptions,
  type SaveHandlerSettings,
  TtlWatch,
  warnOfBriefRevocation,
} from '../settings.ts';

interface Entry<T> {
  readonly value: T;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

export class MemorySaveHandler implements SaveHandler {
  readonly #settings: SaveHandlerSettings;
  readonly #sessions: Map<string, Entry<Buffer>>;
  readonly #locks: Map<string, Entry<string>>;
  readonly #revoked: Map<string, Entry<'logout' | 'moved'>>;
  readonly #moved: Map<string, Entry<string>>;
  readonly #ttls: TtlWatch;
  #nextSweep = 0;
  readonly marksMoves = true;

  /** @param shared another save handler whose sessions this one uses, with options of its own */
  constructor(options: SaveHandlerOptions = {}, shared?: MemorySaveHandler) {
    this.#settings = resolveSaveHandlerSettings(options);
    this.#sessions = shared ? shared.#sessions : new Map();
    this.#locks = shared ? shared.#locks : new Map();
    this.#revoked = shared ? shared.#revoked : new Map();
    this.#moved = shared ? shared.#moved : new Map();
    this.#ttls = new TtlWatch(this.#settings);
    warnOfBriefRevocation(this.#settings);
  }

  get revokes(): boolean {
    return this.#settings.revokedTtl > 0;
  }

  /** Milliseconds until the session dies, -2 if there is none: Redis's PTTL. */
  ttl(id: string): number {
    const entry = this.#sessions.get(id);
    return entry && entry.expires > Date.now() ? entry.expires - Date.now() : -2;
  }

  async read(id: string, options: ReadOptions = {}): Promise<Buffer | null> {
    assertId(id);
    const { refresh, seen } = options;
    const revoked = this.#tombstone(id);
    if (revoked !== null) {
      if (seen) {
        seen.revoked = revoked === 'logout';
        seen.left = revoked === 'moved';
      }
      // Somebody who did not know of the logout brought it back.
      if (live(this.#sessions, id) !== null) {
        this.#sessions.delete(id);
        this.#revoke(id, revoked);
      }
      return null;
    }
    const bytes = live(this.#sessions, id);
    if (bytes === null) return null;
    if (refresh) {
      const left = this.ttl(id);
      if (seen) seen.ttl = left;
      this.#put(id, bytes);
    }
    // A copy each time: what the caller does to it must not reach the store.
    return Buffer.from(bytes);
  }

  async write(id: string, bytes: Uint8Array): Promise<void> {
    assertId(id);
    if (this.#tombstone(id) !== null) {
      throw new SessionError(
        'ERR_PSB_SESSION_GONE',
        'the session was logged out a while ago; nothing was written',
      );
    }
    this.#put(id, bytes);
  }

  async writeIf(id: string, bytes: Uint8Array, condition: WriteCondition): Promise<WriteResult> {
    const refusal = this.#refusal(id, condition);
    if (refusal) return refusal;
    if (this.#tombstone(id) !== null) return { state: 'changed', bytes: null };
    this.#put(id, bytes);
    return { state: 'written' };
  }

  async updateTimestamp(id: string, lifetime?: number): Promise<boolean> {
    const bytes = lifetime === undefined ? this.#current(id) : live(this.#sessions, id);
    if (bytes === null) return false;
    this.#put(id, bytes, lifetime === undefined ? undefined : lifetime * 1000);
    return true;
  }

  async undoRefresh(id: string, bytes: Uint8Array, ttl: number): Promise<void> {
    const stored = live(this.#sessions, id);
    if (!(ttl > 0) || !stored?.equals(asStored(bytes)) || this.ttl(id) <= ttl) return;
    this.#sessions.set(id, { value: stored, expires: Date.now() + ttl });
  }

  async destroy(id: string): Promise<void> {
    this.#remove(id, 'logout');
  }

  async destroyIf(id: string, condition: WriteCondition): Promise<WriteResult> {
    const { mover } = condition;
    if (mover !== undefined && live(this.#moved, id) === mover) return { state: 'written' };
    const refusal = this.#refusal(id, condition);
    if (refusal) return refusal;
    this.#remove(id, mover === undefined ? 'logout' : 'moved');
    if (mover !== undefined) {
      this.#moved.set(id, { value: mover, expires: Date.now() + MOVED_FOR });
    }
    return { state: 'written' };
  }

  async validateId(id: string): Promise<boolean> {
    return this.revokes ? (await this.read(id)) !== null : this.#current(id) !== null;
  }

  createSid(): string {
    return createSessionId(this.#settings.sid);
  }

  async lock(id: string): Promise<SessionLock> {
    const { locking } = this.#settings;
    const secret = randomBytes(16).toString('hex');
    for await (const _ of attempts(locking)) {
      if (live(this.#locks, id) === null) {
        this.#locks.set(id, { value: secret, expires: Date.now() + locking.expire });
        return this.#heldLock(id, secret);
      }
    }
    throw new LockError('ERR_PSB_LOCK_BUSY', 'another request holds the lock of this session');
  }

  async close(): Promise<void> {
    this.#sessions.clear();
    this.#locks.clear();
    this.#revoked.clear();
    this.#moved.clear();
  }

  #heldLock(id: string, secret: string): SessionLock {
    const held = () => live(this.#locks, id) === secret;
    return {
      id,
      secret,
      renew: async () => {
        if (!held()) return false;
        const expires = Date.now() + this.#settings.locking.expire;
        this.#locks.set(id, { value: secret, expires });
        return true;
      },
      release: async () => held() && this.#locks.delete(id),
    };
  }

  /** Why a conditional write may not happen; `null` if it may. */
  #refusal(id: string, condition: WriteCondition): WriteResult | null {
    const holder = live(this.#locks, id);
    if (condition.lock) {
      if (holder !== condition.lock.secret) return { state: 'lost' };
    } else if (holder !== null) {
      return { state: 'locked' };
    }
    if (condition.expected === undefined) return null;
    const bytes = this.#current(id);
    const same =
      bytes === null || condition.expected === null
        ? bytes === condition.expected && this.#tombstone(id) === null
        : bytes.equals(condition.expected);
    return same ? null : { state: 'changed', bytes: bytes && Buffer.from(bytes) };
  }

  #current(id: string): Buffer | null {
    assertId(id);
    return this.#tombstone(id) === null ? live(this.#sessions, id) : null;
  }

  /** Who remembers no logouts does not look for them either. */
  #tombstone(id: string): 'logout' | 'moved' | null {
    return this.revokes ? live(this.#revoked, id) : null;
  }

  #put(id: string, bytes: Uint8Array, ttl?: number): void {
    assertId(id);
    this.#sweep();
    const { lifetime } = this.#settings;
    let expires = Date.now() + (ttl ?? lifetime.ttl);
    const before = this.#sessions.get(id);
    if (ttl === undefined && before) this.#ttls.notice(before.expires - Date.now());
    if (ttl === undefined && lifetime.keepsLonger && before && before.expires > expires) {
      expires = before.expires;
    }
    this.#sessions.set(id, { value: Buffer.from(asStored(bytes)), expires });
  }

  #remove(id: string, why: 'logout' | 'moved'): void {
    this.#sessions.delete(id);
    // Of an id that a move left the client has the new one, which a logout of the old must not end.
    if (this.revokes) this.#revoke(id, this.#tombstone(id) === 'moved' ? 'moved' : why);
  }

  #revoke(id: string, why: 'logout' | 'moved'): void {
    this.#revoked.set(id, { value: why, expires: Date.now() + this.#settings.revokedTtl });
  }

  /** Sessions that nobody asks for again must not pile up; once a minute is enough. */
  #sweep(): void {
    const now = Date.now();
    if (now < this.#nextSweep) return;
    this.#nextSweep = now + 60_000;
    const all: Map<string, Entry<unknown>>[] = [
      this.#sessions,
      this.#locks,
      this.#revoked,
      this.#moved,
    ];
    for (const entries of all) {
      for (const [id, entry] of entries) if (entry.expires <= now) entries.delete(id);
    }
  }
}

function live<T>(entries: Map<string, Entry<T>>, id: string): T | null {
  const entry = entries.get(id);
  if (!entry) return null;
  if (entry.expires > Date.now()) return entry.value;
  entries.delete(id);
  return null;
}
