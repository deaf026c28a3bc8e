import { describe, expect, test } from 'vitest';
import { compress } from '../../../src/codec/compression/compression.ts';
import { movedKey } from '../../../src/save-handler/redis/keys.ts';
import { RedisSaveHandler } from '../../../src/save-handler/redis/redis-save-handler.ts';
import { createSessionId } from '../../../src/save-handler/session-id.ts';
import { saveHandlerContract } from '../../save-handler/contract.ts';
import { startRedis } from '../../services/redis.ts';
import { ownAllSlots } from '../config/whole-cluster.ts';

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

describe('redis save handler: tombstones', () => {
  test('lie where no session of the prefix can, whatever id a cookie names', async () => {
    const redis = await startRedis();
    try {
      for (const prefix of ['PHPREDIS_SESSION:', 'session:', '{app}:']) {
        await redis.client.flushall();
        const make = { redis: redis.client, prefix, gcMaxlifetime: 100, revokedTtl: 100 };
        const handler = new RedisSaveHandler(make);
        const [out, left] = [createSessionId(), createSessionId()];
        await handler.write(left, Buffer.from('x'));
        await handler.destroy(out);
        await handler.destroyIf(left, { expected: Buffer.from('x'), mover: 'one' });
        expect((await redis.client.keys('*')).sort()).toEqual(
          [
            `PSB_REVOKED:${prefix}${out}`,
            `PSB_REVOKED:${prefix}${left}`,
            `PSB_MOVED:${prefix}${left}`,
          ].sort(),
        );
      }
    } finally {
      await redis.stop();
    }
  });
});

describe('redis save handler: tombstones in a cluster', () => {
  const options = { saveHandler: 'rediscluster', onWarning: () => {} } as const;

  test('without a hash tag they are refused at the start', () => {
    const refused = expect.objectContaining({
      code: 'ERR_PSB_OPTIONS',
      message: expect.stringMatching(/revokedTtl needs a prefix with a hash tag/),
    });
    for (const prefix of ['', '&prefix=app:', '&prefix={}app:', '&prefix={app:']) {
      const savePath = `seed[]=127.0.0.1:1${prefix}`;
      expect(() => new RedisSaveHandler({ ...options, savePath, revokedTtl: 60 })).toThrow(refused);
      expect(() => new RedisSaveHandler({ ...options, savePath })).not.toThrow();
    }
    const savePath = 'seed[]=127.0.0.1:1&prefix={app}:';
    expect(() => new RedisSaveHandler({ ...options, savePath, revokedTtl: 60 })).not.toThrow();
    const command = async () => null;
    const borrowed = { redis: { command, cluster: true }, revokedTtl: 60, onWarning: () => {} };
    expect(() => new RedisSaveHandler(borrowed)).toThrow(refused);
    expect(() => new RedisSaveHandler({ ...borrowed, prefix: '{app}:' })).not.toThrow();
    const across = { redis: { command, cluster: true, keyPrefix: '{a' }, prefix: 'b}:' };
    expect(() => new RedisSaveHandler({ ...borrowed, ...across })).toThrow(refused);
    const prefixed = { ...borrowed, redis: { command, cluster: true, keyPrefix: '{a}' } };
    expect(() => new RedisSaveHandler(prefixed)).not.toThrow();
  });

  test('a client that turns out to be one is refused by the first command', async () => {
    const redis = await startRedis({ config: { 'cluster-enabled': 'yes' } });
    try {
      await ownAllSlots(redis);
      const command = (name: string, args: readonly (string | Buffer)[]) =>
        redis.client.callBuffer(name, ...args);
      const handler = new RedisSaveHandler({
        redis: { command },
        revokedTtl: 1440,
        onWarning: () => {},
      });
      const refused = { code: 'ERR_PSB_OPTIONS', message: expect.stringMatching(/revokedTtl/) };
      const id = createSessionId();
      await expect(handler.read(id)).rejects.toMatchObject(refused);
      await expect(handler.destroyIf(id, {})).rejects.toMatchObject(refused);
      await expect(handler.write(id, Buffer.from('x'))).rejects.toMatchObject(refused);
    } finally {
      await redis.stop();
    }
  });
});

test('a session that cannot be unpacked gets its TTL back, too', async () => {
  const redis = await startRedis();
  try {
    const handler = new RedisSaveHandler({
      redis: redis.client,
      compression: 'lz4',
      gcMaxlifetime: 1440,
      onWarning: () => {},
    });
    const id = createSessionId();
    const bomb = compress(Buffer.alloc(65 * 1024 * 1024), 'lz4');
    await redis.client.setex(`PHPREDIS_SESSION:${id}`, 20, bomb);
    await expect(handler.read(id, { refresh: true })).rejects.toMatchObject({ name: 'CodecError' });
    expect(await redis.client.ttl(`PHPREDIS_SESSION:${id}`)).toBeLessThanOrEqual(20);
  } finally {
    await redis.stop();
  }
});

describe('redis save handler: the key of a mover', () => {
  test('where none fits, a lost reply cannot be told from a logout, and is not asked for', () => {
    const command = async () => null;
    const over = (prefix: string, cluster: boolean) =>
      new RedisSaveHandler({ redis: { command, cluster }, prefix }).marksMoves;
    expect(over('{}app:', true)).toBe(false);
    expect(over('app:', true)).toBe(true);
    expect(over('{}app:', false)).toBe(true);
  });

  test.each([
    ['session:x', false, '', 'PSB_MOVED:session:x'],
    ['session:x', false, 'app:', 'PSB_MOVED:session:x'],
    ['{app}:x', true, '', 'PSB_MOVED:{app}:x'],
    ['session:x', true, '{app}', 'PSB_MOVED:session:x'],
    ['session:x', true, '', 'PSB_MOVED:{session:x}'],
    ['session:x', true, 'app:', 'PSB_MOVED:{app:session:x}'],
    ['app}:x', false, '{', 'PSB_MOVED:app}:x'],
    // A tag that begins in the client's prefix would hold what stands between.
    ['app}:x', true, '{', undefined],
    // Braces without a tag: no key can be put beside this one.
    ['{}x', true, '', undefined],
    ['{x', true, '', undefined],
    ['}x', true, '', undefined],
    ['x', true, '{}', undefined],
  ])('%s, cluster %s, key prefix %j: %s', async (data, cluster, keyPrefix, key) => {
    expect(movedKey(data, cluster, keyPrefix)).toBe(key);
    if (!cluster || key === undefined) return;
    // Redis says itself which slot that is.
    const redis = await startRedis({ config: { 'cluster-enabled': 'yes' } });
    try {
      const slot = (name: string) => redis.client.call('cluster', 'keyslot', keyPrefix + name);
      expect(await slot(key)).toBe(await slot(data));
    } finally {
      await redis.stop();
    }
  });
});
