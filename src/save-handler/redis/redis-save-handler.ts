/**
 * Sessions in Redis, at the keys and with the lock of phpredis's save handler.
 */
import { createHash, randomBytes } from 'node:crypto';
import { compress, decompress } from '../../codec/compression/compression.ts';
import { LockError, StoreError } from '../../errors.ts';
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
import { resolveSaveHandlerSettings, type SaveHandlerSettings } from '../settings.ts';
import type { RedisArgument, RedisClient, RedisReply } from './client.ts';
import { sessionKeys, sharesSlot } from './keys.ts';
import { DESTROY, LOCK, READ, RELEASE, RENEW, type Script, TOUCH, WRITE } from './scripts.ts';
import { type RedisSaveHandlerOptions, type RedisStorage, redisStorage } from './storage.ts';

export class RedisSaveHandler implements SaveHandler {
  readonly #settings: SaveHandlerSettings;
  readonly #storage: RedisStorage;
  readonly #compression: RedisSaveHandlerOptions['compression'];
  readonly #compressionLevel: number | undefined;
  /** Digests of the stored bytes, for values that are not stored as the caller sees them. */
  readonly #storedDigests = new WeakMap<Buffer, string>();
  #warnedOfLongerTtl = false;
  readonly #warnedOfLocks = new Set<string>();
  /** Redis before 6.2 has no GETEX. */
  #hasGetex = true;

  constructor(options: RedisSaveHandlerOptions) {
    this.#settings = resolveSaveHandlerSettings(options);
    this.#storage = redisStorage(options, this.#settings.warn);
    this.#compression = options.compression ?? 'none';
    this.#compressionLevel = options.compressionLevel;
  }

  async read(id: string, options: ReadOptions = {}): Promise<Buffer | null> {
    const { lifetime, revokedTtl } = this.#settings;
    const place = this.#place(id);
    if (!options.refresh && !revokedTtl) {
      return this.#decompressed(await place.command('GET', [place.keys.data]));
    }
    if (options.refresh && !revokedTtl && !lifetime.keepsLonger && this.#hasGetex) {
      try {
        return this.#decompressed(
          await place.command('GETEX', [place.keys.data, 'PX', lifetime.ttl]),
        );
      } catch (error) {
        if (!isUnknownCommand(error)) throw error;
        this.#hasGetex = false;
      }
    }
    const ttl = options.refresh ? lifetime.ttl : 0;
    const reply = await place.script(READ, [ttl, lifetime.keepsLonger ? '1' : '0']);
    if (reply === null) return null;
    const [bytes, left] = reply as [Buffer, number];
    if (ttl) this.#noticeLongerTtl(left);
    return this.#decompressed(bytes);
  }

  async write(id: string, bytes: Uint8Array): Promise<void> {
    const { lifetime } = this.#settings;
    const place = this.#place(id);
    if (lifetime.keepsLonger) {
      // No lock key: an unconditional write asks nobody, as in phpredis without locks.
      await runWithoutLock(place, WRITE, ['*', lifetime.ttl, '1', this.#compressed(bytes)]);
      return;
    }
    await place.command('SET', [place.keys.data, this.#compressed(bytes), 'PX', lifetime.ttl]);
  }

  async writeIf(id: string, bytes: Uint8Array, condition: WriteCondition): Promise<WriteResult> {
    const { lifetime } = this.#settings;
    const stored = this.#compressed(bytes);
    const reply = await this.#place(id).script(WRITE, [
      condition.lock?.secret ?? '',
      this.#expectation(condition.expected),
      lifetime.ttl,
      lifetime.keepsLonger ? '1' : '0',
      stored,
    ]);
    return this.#result(reply);
  }

  async updateTimestamp(id: string, lifetime?: number): Promise<boolean> {
    const { lifetime: configured, revokedTtl } = this.#settings;
    const place = this.#place(id);
    if (lifetime !== undefined || (!configured.keepsLonger && !revokedTtl)) {
      const ttl = lifetime === undefined ? configured.ttl : lifetime * 1000;
      return (await place.command('PEXPIRE', [place.keys.data, ttl])) === 1;
    }
    const keepsLonger = configured.keepsLonger ? '1' : '0';
    return (await place.script(TOUCH, [configured.ttl, keepsLonger])) === 1;
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
    const reply = await this.#place(id).script(DESTROY, [
      condition.lock?.secret ?? '',
      this.#expectation(condition.expected),
      this.#settings.revokedTtl,
    ]);
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

  #expectation(expected: Buffer | null | undefined): string {
    if (expected === undefined) return '*';
    if (expected === null) return '-';
    return this.#storedDigests.get(expected) ?? sha1(this.#compressed(expected));
  }

  #result(reply: unknown): WriteResult {
    if (reply === 0) return { state: 'written' };
    if (reply === 1) return { state: 'locked' };
    if (reply === 2) return { state: 'lost' };
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

  #noticeLongerTtl(left: number): void {
    if (this.#warnedOfLongerTtl || left <= this.#settings.lifetime.ttl + 1000) return;
    this.#warnedOfLongerTtl = true;
    this.#settings.warn(
      'PSB_TTL_LONGER',
      `a session has a TTL of ${Math.round(left / 1000)} s, longer than the assumed ` +
        `${this.#settings.lifetime.ttl / 1000} s; it is kept. Set gcMaxlifetime (or phpIni) to PHP's value.`,
    );
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
    // In Cluster, a script may only touch keys of one slot.
    this.#together = !client.cluster || sharesSlot(client.keyPrefix + this.keys.data);
    this.#revokes = revokes && this.#together;
  }

  command(name: string, args: readonly RedisArgument[]): Promise<RedisReply> {
    return this.client.command(name, args);
  }

  /** Runs a script over the data key and what belongs to it. */
  script(
    script: Script,
    args: readonly RedisArgument[],
    withLock = this.#together,
  ): Promise<RedisReply> {
    const keys = [this.keys.data];
    if (withLock) keys.push(this.keys.lock);
    if (this.#revokes) keys.push(this.keys.revoked);
    const has = `${withLock ? 'l' : ''}${this.#revokes ? 'r' : ''}`;
    return this.client.script(script, keys, [has, ...args]);
  }

  /** Runs a script over one key alone. */
  on(key: string, script: Script, args: readonly RedisArgument[]): Promise<RedisReply> {
    return this.client.script(script, [key], args);
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

function isUnknownCommand(error: unknown): boolean {
  const cause = error instanceof StoreError ? error.cause : error;
  return cause instanceof Error && /unknown command/i.test(cause.message);
}
