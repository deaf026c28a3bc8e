/**
 * Sessions in this process's memory, for tests and for development without Redis: the same
 * semantics as in Redis, TTL, locks and conditional writes included.
 */
import { randomBytes } from 'node:crypto';
import { LockError } from '../../errors.ts';
import { asStored, assertId } from '../arguments.ts';
import { attempts } from '../lock-patience.ts';
import type {
  ReadOptions,
  SaveHandler,
  SessionLock,
  WriteCondition,
  WriteResult,
} from '../save-handler.ts';
import { createSessionId } from '../session-id.ts';
import {
  resolveSaveHandlerSettings,
  type SaveHandlerOptions,
  type SaveHandlerSettings,
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
  readonly #revoked: Map<string, Entry<true>>;
  #nextSweep = 0;

  /** @param shared another save handler whose sessions this one uses, with options of its own */
  constructor(options: SaveHandlerOptions = {}, shared?: MemorySaveHandler) {
    this.#settings = resolveSaveHandlerSettings(options);
    this.#sessions = shared ? shared.#sessions : new Map();
    this.#locks = shared ? shared.#locks : new Map();
    this.#revoked = shared ? shared.#revoked : new Map();
  }

  /** Milliseconds until the session dies, -2 if there is none: Redis's PTTL. */
  ttl(id: string): number {
    const entry = this.#sessions.get(id);
    return entry && entry.expires > Date.now() ? entry.expires - Date.now() : -2;
  }

  async read(id: string, options: ReadOptions = {}): Promise<Buffer | null> {
    const bytes = this.#current(id);
    if (bytes === null) return null;
    if (options.refresh) this.#put(id, bytes);
    // A copy each time: what the caller does to it must not reach the store.
    return Buffer.from(bytes);
  }

  async write(id: string, bytes: Uint8Array): Promise<void> {
    this.#put(id, bytes);
  }

  async writeIf(id: string, bytes: Uint8Array, condition: WriteCondition): Promise<WriteResult> {
    const refusal = this.#refusal(id, condition);
    if (refusal) return refusal;
    this.#put(id, bytes);
    return { state: 'written' };
  }

  async updateTimestamp(id: string, lifetime?: number): Promise<boolean> {
    const bytes = this.#current(id);
    if (bytes === null) return false;
    this.#put(id, bytes, lifetime === undefined ? undefined : lifetime * 1000);
    return true;
  }

  async destroy(id: string): Promise<void> {
    this.#remove(id);
  }

  async destroyIf(id: string, condition: WriteCondition): Promise<WriteResult> {
    const refusal = this.#refusal(id, condition);
    if (refusal) return refusal;
    this.#remove(id);
    return { state: 'written' };
  }

  async validateId(id: string): Promise<boolean> {
    return this.#current(id) !== null;
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
        ? bytes === condition.expected && live(this.#revoked, id) === null
        : bytes.equals(condition.expected);
    return same ? null : { state: 'changed', bytes: bytes && Buffer.from(bytes) };
  }

  #current(id: string): Buffer | null {
    assertId(id);
    return live(this.#revoked, id) ? null : live(this.#sessions, id);
  }

  #put(id: string, bytes: Uint8Array, ttl?: number): void {
    assertId(id);
    this.#sweep();
    const { lifetime } = this.#settings;
    let expires = Date.now() + (ttl ?? lifetime.ttl);
    const before = this.#sessions.get(id);
    if (ttl === undefined && lifetime.keepsLonger && before && before.expires > expires) {
      expires = before.expires;
    }
    this.#sessions.set(id, { value: Buffer.from(asStored(bytes)), expires });
  }

  #remove(id: string): void {
    this.#sessions.delete(id);
    const { revokedTtl } = this.#settings;
    if (revokedTtl) this.#revoked.set(id, { value: true, expires: Date.now() + revokedTtl });
  }

  /** Sessions that nobody asks for again must not pile up; once a minute is enough. */
  #sweep(): void {
    const now = Date.now();
    if (now < this.#nextSweep) return;
    this.#nextSweep = now + 60_000;
    const all: Map<string, Entry<unknown>>[] = [this.#sessions, this.#locks, this.#revoked];
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
