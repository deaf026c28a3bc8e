/**
 * Sessions in Redis, at the keys and with the lock of phpredis's save handler.
 */
import { createHash, randomBytes } from 'node:crypto';
import { compress, decompress } from '../../codec/compression/compression.ts';
import { LockError, OptionsError, SessionError } from '../../errors.ts';
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
  type SaveHandlerSettings,
  TtlWatch,
  warnOfBriefRevocation,
} from '../settings.ts';
import type { RedisArgument, RedisClient, RedisReply } from './client.ts';
import { movedKey, sessionKeys, sharesSlot } from './keys.ts';
import {
  DESTROY,
  LEAVE,
  LOCK,
  READ,
  RELEASE,
  RENEW,
  type Script,
  TOUCH,
  UNDO_REFRESH,
  WRITE,
} from './scripts.ts';
import {
  NO_SLOT_FOR_TOMBSTONES,
  type RedisSaveHandlerOptions,
  type RedisStorage,
  redisStorage,
} from './storage.ts';

export class RedisSaveHandler implements SaveHandler {
  readonly #settings: SaveHandlerSettings;
  readonly #storage: RedisStorage;
  readonly #compression: RedisSaveHandlerOptions['compression'];
  readonly #compressionLevel: number | undefined;
  /** Digests of the stored bytes, for values that are not stored as the caller sees them. */
  readonly #storedDigests = new WeakMap<Buffer, string>();
  readonly #ttls: TtlWatch;
  readonly #warnedOfLocks = new Set<string>();
  /** Not in a cluster whose prefix leaves no key for the marker in the session's slot. */
  readonly marksMoves: boolean;

  constructor(options: RedisSaveHandlerOptions) {
    this.#settings = resolveSaveHandlerSettings(options);
    this.#storage = redisStorage(options, this.#settings);
    this.#ttls = new TtlWatch(this.#settings);
    warnOfBriefRevocation(this.#settings);
    this.#compression = options.compression ?? 'none';
    this.#compressionLevel = options.compressionLevel;
    const { client, prefix } = this.#storage.locate('any');
    this.marksMoves = movedKey(prefix, client.cluster, client.keyPrefix) !== undefined;
  }

  get revokes(): boolean {
    return this.#settings.revokedTtl > 0;
  }

  async read(id: string, options: ReadOptions = {}): Promise<Buffer | null> {
    const { lifetime, revokedTtl } = this.#settings;
    const { refresh, seen } = options;
    const place = this.#place(id);
    if (!refresh && !revokedTtl) {
      return this.#decompressed(await place.command('GET', [place.keys.data]));
    }
    const ttl = refresh ? lifetime.ttl : 0;
    const keepsLonger = lifetime.keepsLonger ? '1' : '0';
    const args = [ttl, keepsLonger];
    const reply = await place.look(READ, revokedTtl ? [...args, revokedTtl] : args);
    if (!Array.isArray(reply)) {
      if (reply !== null && seen) {
        seen.revoked = (reply as Buffer).length === 0;
        seen.left = !seen.revoked;
      }
      return null;
    }
    const [bytes, left] = reply as [Buffer, number];
    if (!refresh) return this.#decompressed(bytes);
    this.#ttls.notice(left);
    if (seen) seen.ttl = left;
    try {
      return this.#decompressed(bytes);
    } catch (error) {
      // The caller gets no bytes by which he could take the refresh back.
      await this.#lowerTtl(place, sha1(bytes), left).catch(() => {});
      throw error;
    }
  }

  async write(id: string, bytes: Uint8Array): Promise<void> {
    const { lifetime, revokedTtl } = this.#settings;
    const place = this.#place(id);
    if (lifetime.keepsLonger || revokedTtl) {
      const keepsLonger = lifetime.keepsLonger ? '1' : '0';
      const args = ['*', lifetime.ttl, keepsLonger, this.#compressed(bytes)];
      if (this.#result(await runWithoutLock(place, WRITE, args)).state === 'written') return;
      throw new SessionError(
        'ERR_PSB_SESSION_GONE',
        'the session was logged out a while ago; nothing was written',
      );
    }
    await place.command('SET', [place.keys.data, this.#compressed(bytes), 'PX', lifetime.ttl]);
  }

  async writeIf(id: string, bytes: Uint8Array, condition: WriteCondition): Promise<WriteResult> {
    const { lifetime } = this.#settings;
    const stored = this.#compressed(bytes);
    const reply = await this.#place(id).script(WRITE, [
      ...this.#demands(condition),
      lifetime.ttl,
      lifetime.keepsLonger ? '1' : '0',
      stored,
    ]);
    return this.#result(reply);
  }

  async updateTimestamp(id: string, lifetime?: number): Promise<boolean> {
    const { lifetime: configured } = this.#settings;
    const place = this.#place(id);
    if (lifetime !== undefined) {
      return (await place.command('PEXPIRE', [place.keys.data, lifetime * 1000])) === 1;
    }
    const keepsLonger = configured.keepsLonger ? '1' : '0';
    const left = Number(await place.look(TOUCH, [configured.ttl, keepsLonger]));
    this.#ttls.notice(left);
    return left !== -2;
  }

  async undoRefresh(id: string, bytes: Uint8Array, ttl: number): Promise<void> {
    await this.#lowerTtl(this.#place(id), this.#expectation(asStored(bytes)), ttl);
  }

  async destroy(id: string): Promise<void> {
    const place = this.#place(id);
    if (this.#settings.revokedTtl) {
      await runWithoutLock(place, DESTROY, ['*', this.#settings.revokedTtl]);
    } else {
      await place.command('DEL', [place.keys.data]);
    }
  }

  async destroyIf(id: string, condition: WriteCondition): Promise<WriteResult> {
    const { mover } = condition;
    const args = [...this.#demands(condition), this.#settings.revokedTtl];
    const place = this.#place(id);
    const reply =
      mover === undefined
        ? await place.script(DESTROY, args)
        : await place.leave(LEAVE, [...args, mover, MOVED_FOR]);
    return this.#result(reply);
  }

  async validateId(id: string): Promise<boolean> {
    const place = this.#place(id);
    if (this.#settings.revokedTtl) return (await this.read(id)) !== null;
    return (await place.command('EXISTS', [place.keys.data])) === 1;
  }

  createSid(): string {
    return createSessionId(this.#settings.sid);
  }

  async lock(id: string): Promise<SessionLock> {
    const { locking } = this.#settings;
    const place = this.#place(id);
    const { lock: key } = place.keys;
    // Random, never host and pid as in phpredis up to 6.x: two containers may share both.
    const secret = randomBytes(16).toString('hex');
    const renew = async () => (await place.on(key, RENEW, [secret, locking.expire])) === 1;
    const release = async () => (await place.on(key, RELEASE, [secret])) === 1;
    const held: SessionLock = {
      id,
      secret,
      renew: () => renew().catch((error) => this.#failedLock('PSB_LOCK_NOT_RENEWED', error)),
      release: () => release().catch((error) => this.#failedLock('PSB_LOCK_NOT_RELEASED', error)),
    };
    for await (const _ of attempts(locking)) {
      try {
        if ((await place.on(key, LOCK, [secret, locking.expire])) === 1) return held;
      } catch (error) {
        // The command may have arrived although its reply did not: leave nothing behind.
        release().catch(() => {});
        throw error;
      }
    }
    throw new LockError(
      'ERR_PSB_LOCK_BUSY',
      `another request holds the session lock ${key.slice(0, key.length - id.length - 5)}…_LOCK`,
    );
  }

  async close(): Promise<void> {
    await this.#storage.close();
  }

  #place(id: string): Place {
    assertId(id);
    const { client, prefix } = this.#storage.locate(id);
    return new Place(client, prefix, id, this.#settings.revokedTtl > 0);
  }

  async #lowerTtl(place: Place, digest: string, ttl: number): Promise<void> {
    // Never an immortal key, and none that dies by this.
    if (!(ttl > 0)) return;
    await place.on(place.keys.data, UNDO_REFRESH, [digest, Math.ceil(ttl)]);
  }

  /** The first arguments of what writes or destroys under a condition. */
  #demands({ lock, expected }: WriteCondition): [secret: string, expected: string] {
    return [lock?.secret ?? '', this.#expectation(expected)];
  }

  #expectation(expected: Buffer | null | undefined): string {
    if (expected === undefined) return '*';
    if (expected === null) return '-';
    return this.#storedDigests.get(expected) ?? sha1(this.#compressed(expected));
  }

  #result(reply: unknown): WriteResult {
    if (reply === 0) return { state: 'written' };
    if (reply === 1) return { state: 'locked' };
    if (reply === 2) return { state: 'lost' };
    if (Array.isArray(reply)) {
      this.#ttls.notice(reply[0] as number);
      return { state: 'written' };
    }
    return { state: 'changed', bytes: this.#decompressed(reply) };
  }

  #compressed(given: Uint8Array): Buffer {
    const bytes = asStored(given);
    if (this.#compression === undefined || this.#compression === 'none') return bytes;
    return compress(bytes, this.#compression, { level: this.#compressionLevel });
  }

  #decompressed(reply: unknown): Buffer | null {
    if (reply === null || reply === undefined) return null;
    const stored = reply as Buffer;
    if (this.#compression === undefined || this.#compression === 'none') return stored;
    const bytes = decompress(stored, this.#compression);
    // PHP's compressor and ours may differ, so the digest must be that of the stored bytes.
    this.#storedDigests.set(bytes, sha1(stored));
    return bytes;
  }

  /**
   * No request fails by this, since a lock has an expiry; but if it goes on (a command that the ACL
   * lacks, say), every request waits for the lock of the one before. Told once for each cause.
   */
  #failedLock(warning: 'PSB_LOCK_NOT_RENEWED' | 'PSB_LOCK_NOT_RELEASED', error: unknown): never {
    const { code = '', message } = error as { code?: string; message: string };
    if (!this.#warnedOfLocks.has(warning + code)) {
      this.#warnedOfLocks.add(warning + code);
      const seconds = this.#settings.locking.expire / 1000;
      const [deed, end] =
        warning === 'PSB_LOCK_NOT_RENEWED' ? ['renewed', 'is gone'] : ['released', 'stays until'];
      this.#settings.warn(
        warning,
        `a session lock could not be ${deed} and ${end} ${seconds} s after it was last taken: ${message}`,
      );
    }
    throw error;
  }
}

/** One session's keys on the server where they lie. */
class Place {
  readonly client: RedisClient;
  readonly keys: ReturnType<typeof sessionKeys>;
  readonly #together: boolean;
  readonly #revokes: boolean;

  constructor(client: RedisClient, prefix: string, id: string, revokes: boolean) {
    this.client = client;
    this.keys = sessionKeys(prefix, id);
    // In Cluster, a script may only touch keys of one slot. (A tombstone is not asked for where it
    // would lie in another one: that is refused at the start.)
    this.#together = !client.cluster || sharesSlot(client.keyPrefix + this.keys.data);
    this.#revokes = revokes;
  }

  command(name: string, args: readonly RedisArgument[]): Promise<RedisReply> {
    return this.client.command(name, args);
  }

  /** Runs a script over the data key and what belongs to it. */
  script(
    script: Script,
    args: readonly RedisArgument[],
    withLock = this.#together,
    moved?: string,
  ): Promise<RedisReply> {
    const keys = [this.keys.data];
    let has = '';
    if (withLock) {
      keys.push(this.keys.lock);
      has += 'l';
    }
    if (this.#revokes) {
      keys.push(this.keys.revoked);
      has += 'r';
    }
    if (moved !== undefined) {
      keys.push(moved);
      has += 'm';
    }
    return this.#run(script, keys, [has, ...args]);
  }

  /** As {@link script}, with the key of the mover's marker where one can share the slot. */
  leave(script: Script, args: readonly RedisArgument[]): Promise<RedisReply> {
    const { cluster, keyPrefix } = this.client;
    const moved = movedKey(this.keys.data, cluster, keyPrefix);
    return this.script(script, args, this.#together, moved);
  }

  /** Runs a script that looks past the lock: over the data key and the tombstone. */
  look(script: Script, args: readonly RedisArgument[]): Promise<RedisReply> {
    const { data, revoked } = this.keys;
    return this.#run(script, this.#revokes ? [data, revoked] : [data], args);
  }

  /** Runs a script over one key alone. */
  on(key: string, script: Script, args: readonly RedisArgument[]): Promise<RedisReply> {
    return this.client.script(script, [key], args);
  }

  #run(
    script: Script,
    keys: readonly string[],
    args: readonly RedisArgument[],
  ): Promise<RedisReply> {
    const reply = this.client.script(script, keys, args);
    if (!this.#revokes) return reply;
    return reply.catch((error: unknown) => {
      // A client of an unknown kind turns out to be a cluster.
      throw isCrossSlot(error) ? new OptionsError(NO_SLOT_FOR_TOMBSTONES, { cause: error }) : error;
    });
  }
}

function runWithoutLock(
  place: Place,
  script: Script,
  args: readonly RedisArgument[],
): Promise<RedisReply> {
  return place.script(script, ['', ...args], false);
}

function sha1(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('hex');
}

function isCrossSlot(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return cause instanceof Error && /CROSSSLOT|don't hash to the same slot/.test(cause.message);
}
