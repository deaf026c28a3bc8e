/**
 * Clients of the user's own: the contract of every save handler over each of them, their key prefix,
 * and one warning for settings that undermine it.
 */
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { createClient } from 'redis';
import { describe, expect, test } from 'vitest';
import type { BorrowedClient } from '../../../src/save-handler/redis/borrowed-client.ts';
import { RedisSaveHandler } from '../../../src/save-handler/redis/redis-save-handler.ts';
import { createSessionId } from '../../../src/save-handler/session-id.ts';
import { saveHandlerContract } from '../../save-handler/contract.ts';
import { startRedis } from '../../services/redis.ts';

interface Made {
  readonly client: BorrowedClient;
  isOpen(): boolean;
  end(): Promise<unknown>;
}

const SAFE = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: 5000,
};

async function ready(client: Redis | Redis5): Promise<Made> {
  await new Promise((resolve) => client.once('ready', resolve));
  return {
    client: client as unknown as BorrowedClient,
    isOpen: () => client.status === 'ready',
    end: () => client.quit(),
  };
}

async function nodeRedis(port: number, options: object = {}): Promise<Made> {
  const client = createClient({ socket: { port, host: '127.0.0.1' }, ...options });
  client.on('error', () => {});
  await client.connect();
  return { client, isOpen: () => client.isOpen, end: () => client.close() };
}

/** Each with the key prefix `app:`. */
const CLIENTS: Readonly<Record<string, (port: number) => Promise<Made>>> = {
  'ioredis 6': (port) => ready(new Redis(port, { ...SAFE, keyPrefix: 'app:' })),
  'ioredis 6, RESP2, auto-pipelining': (port) =>
    ready(new Redis(port, { ...SAFE, keyPrefix: 'app:', protocol: 2, enableAutoPipelining: true })),
  'ioredis 5': (port) => ready(new Redis5(port, { ...SAFE, keyPrefix: 'app:' })),
  'ioredis 5, auto-pipelining': (port) =>
    ready(new Redis5(port, { ...SAFE, keyPrefix: 'app:', enableAutoPipelining: true })),
  'node-redis 6': (port) => nodeRedis(port, { keyPrefix: 'app:', disableOfflineQueue: true }),
  'node-redis 6, RESP2': (port) =>
    nodeRedis(port, { keyPrefix: 'app:', disableOfflineQueue: true, RESP: 2 }),
  'an object with command()': async (port) => {
    const made = await ready(new Redis(port));
    const redis = made.client as unknown as Redis;
    return {
      ...made,
      client: {
        keyPrefix: 'app:',
        command: (name, args) => redis.callBuffer(name.toLowerCase(), ...args),
      },
    };
  },
};

// The contract waits for real TTLs, so it is run over one client of each kind.
for (const title of ['ioredis 5', 'node-redis 6', 'an object with command()']) {
  const make = CLIENTS[title]!;
  saveHandlerContract(`redis by ${title}`, async () => {
    const server = await startRedis();
    const made = await make(server.port);
    const warnings: string[] = [];
    return {
      make: (options) =>
        new RedisSaveHandler({
          ...options,
          prefix: 'shop:',
          redis: made.client,
          onWarning: (code) => warnings.push(code),
        }),
      ttl: (id) => server.client.pttl(`app:shop:${id}`),
      stop: async () => {
        expect(warnings).not.toContain('PSB_CLIENT_SETTINGS');
        await made.end();
        await server.stop();
      },
    };
  });
}

describe('a borrowed client', () => {
  test.each(Object.entries(CLIENTS))(
    '%s: its prefix before ours, any bytes, never closed',
    async (_, make) => {
      const server = await startRedis();
      const made = await make(server.port);
      try {
        const handler = new RedisSaveHandler({
          redis: made.client,
          prefix: 'shop:',
          gcMaxlifetime: 60,
        });
        const id = createSessionId();
        const bytes = Buffer.from([0, 0xff, 0xfe, 13, 10, 0x80]);
        expect(await handler.writeIf(id, bytes, { expected: null })).toEqual({ state: 'written' });
        expect(await server.client.getBuffer(`app:shop:${id}`)).toEqual(bytes);
        expect(await handler.read(id, { refresh: true })).toEqual(bytes);
        expect(await handler.writeIf(id, Buffer.from('x'), { expected: null })).toEqual({
          state: 'changed',
          bytes,
        });
        const lock = await handler.lock(id);
        expect(await server.client.get(`app:shop:${id}_LOCK`)).toBe(lock.secret);
        await lock.release();
        await handler.close();
        expect(made.isOpen()).toBe(true);
      } finally {
        await made.end();
        await server.stop();
      }
    },
  );

  test('unsafe settings are named, once per client', async () => {
    const server = await startRedis();
    const careless = await ready(new Redis(server.port));
    const node = await nodeRedis(server.port);
    try {
      const told: string[] = [];
      const onWarning = (code: string, message: string) => told.push(`${code} ${message}`);
      new RedisSaveHandler({ redis: careless.client, onWarning });
      new RedisSaveHandler({ redis: careless.client, onWarning });
      new RedisSaveHandler({ redis: node.client, onWarning });
      expect(told).toHaveLength(2);
      for (const setting of [
        'PSB_CLIENT_SETTINGS',
        'enableOfflineQueue: false',
        'autoResendUnfulfilledCommands: false',
        'maxRetriesPerRequest: 0',
        'commandTimeout',
      ]) {
        expect(told[0]).toContain(setting);
      }
      expect(told[1]).toContain('disableOfflineQueue: true');
    } finally {
      await Promise.all([careless.end(), node.end()]);
      await server.stop();
    }
  });
});
