import { describe, expect, test } from 'vitest';
import { RedisSaveHandler } from '../../../src/save-handler/redis/redis-save-handler.ts';
import { createSessionId } from '../../../src/save-handler/session-id.ts';
import { saveHandlerContract } from '../../save-handler/contract.ts';
import { startRedis } from '../../services/redis.ts';

for (const prefix of ['PHPREDIS_SESSION:', 'session:', '']) {
  saveHandlerContract(`redis, prefix "${prefix}"`, async () => {
    const redis = await startRedis();
    return {
      make: (options) => new RedisSaveHandler({ ...options, prefix, redis: redis.client }),
      ttl: (id) => redis.client.pttl(prefix + id),
      stop: () => redis.stop(),
    };
  });
}

describe('redis save handler: keys', () => {
  test('data and lock lie where phpredis has them', async () => {
    const redis = await startRedis();
    try {
      const handler = new RedisSaveHandler({ redis: redis.client, lockExpire: 60 });
      const id = createSessionId();
      await handler.write(id, Buffer.from('a|i:1;'));
      const lock = await handler.lock(id);
      expect(await redis.client.get(`PHPREDIS_SESSION:${id}`)).toBe('a|i:1;');
      expect(await redis.client.get(`PHPREDIS_SESSION:${id}_LOCK`)).toBe(lock.secret);
      const left = await redis.client.pttl(`PHPREDIS_SESSION:${id}_LOCK`);
      expect(left).toBeGreaterThan(59_000);
      expect(left).toBeLessThanOrEqual(60_000);
    } finally {
      await redis.stop();
    }
  });

  test('a key of another type is an error and stays', async () => {
    const redis = await startRedis();
    try {
      const handler = new RedisSaveHandler({ redis: redis.client });
      const id = createSessionId();
      await redis.client.hset(`PHPREDIS_SESSION:${id}`, 'field', 'value');
      const typed = { code: 'ERR_PSB_STORE_TYPE', status: 503 };
      await expect(handler.read(id)).rejects.toMatchObject(typed);
      await expect(handler.read(id, { refresh: true })).rejects.toMatchObject(typed);
      await expect(handler.writeIf(id, Buffer.from('x'), {})).rejects.toMatchObject(typed);
      await expect(handler.writeIf(id, Buffer.from('x'), { expected: null })).rejects.toMatchObject(
        typed,
      );
      expect(await redis.client.hget(`PHPREDIS_SESSION:${id}`, 'field')).toBe('value');
    } finally {
      await redis.stop();
    }
  });
});
