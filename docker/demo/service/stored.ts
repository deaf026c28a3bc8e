import type { Redis } from 'ioredis';

/** A session as it lies in Redis. */
export interface StoredSession {
  readonly key: string;
  /** `string`, or `none` where there is no such key. */
  readonly type: string;
  /** Seconds; -1 without an expiry, -2 without the key. */
  readonly ttl: number;
  /** The bytes, base64. */
  readonly bytes: string | null;
}

/** Reads the key beside the bridge, by plain commands, so that it shows what PHP will find. */
export async function readStored(redis: Redis, key: string): Promise<StoredSession> {
  const [type, ttl, bytes] = await Promise.all([
    redis.type(key),
    redis.ttl(key),
    redis.getBuffer(key).catch(() => null),
  ]);
  return { key, type, ttl, bytes: bytes?.toString('base64') ?? null };
}
