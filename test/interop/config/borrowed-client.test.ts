/**
 * Clients of the user's own: the contract of every save handler over each of them, their key prefix,
 * and one warning for settings that undermine it.
 */
import { Cluster, Redis } from 'ioredis';
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5';
import * as redis6 from 'redis';
import * as redis5 from 'redis5';
import { describe, expect, test } from 'vitest';
import type { BorrowedClient } from '../../../src/save-handler/redis/borrowed-client.ts';
import { RedisSaveHandler } from '../../../src/save-handler/redis/redis-save-handler.ts';
import { createSessionId } from '../../../src/save-handler/session-id.ts';
import { saveHandlerContract } from '../../save-handler/contract.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';
import { ownAllSlots } from './whole-cluster.ts';

interface Made {
  readonly client: BorrowedClient;
  /** What the client itself puts before a key. */
  readonly keyPrefix: string;
  isOpen(): boolean;
  end(): Promise<unknown>;
}

const SAFE = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: 5000,
};

/** Every client that has one is given this key prefix. */
const KEY_PREFIX = 'app:';

interface IoredisClient {
  readonly status: string;
  readonly options: { readonly keyPrefix?: string | undefined };
  once(event: 'ready', listener: () => void): unknown;
  quit(): Promise<unknown>;
}

async function ready(client: IoredisClient): Promise<Made> {
  await new Promise<void>((resolve) => client.once('ready', resolve));
  const { keyPrefix = '' } = client.options;
  return {
    client: client as unknown as BorrowedClient,
    keyPrefix,
    isOpen: () => client.status === 'ready',
    end: () => client.quit(),
  };
}

interface NodeRedisClient {
  readonly isOpen: boolean;
  on(event: 'error', listener: () => void): unknown;
  connect(): Promise<unknown>;
  close(): unknown;
}

async function opened(client: NodeRedisClient, keyPrefix: string): Promise<Made> {
  client.on('error', () => {});
  await client.connect();
  return {
    client: client as unknown as BorrowedClient,
    keyPrefix,
    isOpen: () => client.isOpen,
    end: async () => client.close(),
  };
}

/** node-redis 5 knows no key prefix, and takes the option without a word. */
const NODE_REDIS = [
  ['node-redis 5', redis5 as unknown as typeof redis6, ''],
  ['node-redis 6', redis6, KEY_PREFIX],
] as const;

const QUICK = { disableOfflineQueue: true, commandOptions: { timeout: 5000 } } as const;

type Make = (port: number) => Promise<Made>;

function nodeRedisClients(): Record<string, Make> {
  const made: Record<string, Make> = {};
  for (const [title, { createClient, createClientPool }, prefix] of NODE_REDIS) {
    const options = (port: number) => ({
      ...QUICK,
      keyPrefix: KEY_PREFIX,
      socket: { port, host: '127.0.0.1' },
    });
    made[title] = (port) => opened(createClient(options(port)), prefix);
    made[`${title}, RESP2`] = (port) => opened(createClient({ ...options(port), RESP: 2 }), prefix);
    made[`${title}, RESP3`] = (port) => opened(createClient({ ...options(port), RESP: 3 }), prefix);
    made[`${title}, a pool`] = (port) => opened(createClientPool(options(port)), prefix);
  }
  return made;
}

const CLIENTS: Readonly<Record<string, Make>> = {
  'ioredis 6': (port) => ready(new Redis(port, { ...SAFE, keyPrefix: KEY_PREFIX })),
  'ioredis 6, RESP2, auto-pipelining': (port) =>
    ready(
      new Redis(port, {
        ...SAFE,
        keyPrefix: KEY_PREFIX,
        protocol: 2,
        enableAutoPipelining: true,
      }),
    ),
  'ioredis 5': (port) => ready(new Redis5(port, { ...SAFE, keyPrefix: KEY_PREFIX })),
  'ioredis 5, auto-pipelining': (port) =>
    ready(new Redis5(port, { ...SAFE, keyPrefix: KEY_PREFIX, enableAutoPipelining: true })),
  ...nodeRedisClients(),
  'an object with command()': async (port) => {
    const made = await ready(new Redis(port));
    const redis = made.client as unknown as Redis;
    return {
      ...made,
      keyPrefix: KEY_PREFIX,
      client: {
        keyPrefix: KEY_PREFIX,
        command: (name, args) => redis.callBuffer(name.toLowerCase(), ...args),
      },
    };
  },
};

/** The whole way of a session over a client that was given to us. */
async function useSession(made: Made, server: RedisService, prefix = 'shop:'): Promise<void> {
  const told: string[] = [];
  const handler = new RedisSaveHandler({
    redis: made.client,
    prefix,
    gcMaxlifetime: 60,
    onWarning: (code) => told.push(code),
  });
  const id = createSessionId();
  const key = made.keyPrefix + prefix + id;
  const bytes = Buffer.from([0, 0xff, 0xfe, 13, 10, 0x80]);
  expect(await handler.writeIf(id, bytes, { expected: null })).toEqual({ state: 'written' });
  expect(await server.client.getBuffer(key)).toEqual(bytes);
  expect(await handler.read(id, { refresh: true })).toEqual(bytes);
  expect(await handler.writeIf(id, Buffer.from('x'), { expected: null })).toEqual({
    state: 'changed',
    bytes,
  });
  const lock = await handler.lock(id);
  expect(await server.client.get(`${key}_LOCK`)).toBe(lock.secret);
  await lock.release();
  expect(await server.client.exists(`${key}_LOCK`)).toBe(0);
  await handler.destroy(id);
  expect(await handler.read(id)).toBeNull();
  await handler.close();
  expect(made.isOpen()).toBe(true);
  expect(told).toEqual([]);
}

// The contract waits for real TTLs, so it is run over one client of each kind.
for (const title of ['ioredis 5', 'node-redis 5', 'node-redis 6', 'an object with command()']) {
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
          onWarning: (code, message) => {
            warnings.push(code);
            options.onWarning?.(code, message);
          },
        }),
      ttl: (id) => server.client.pttl(`${made.keyPrefix}shop:${id}`),
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
        await useSession(made, server);
      } finally {
        await made.end();
        await server.stop();
      }
    },
  );

  const SAFE_CLUSTER = {
    ...{ enableOfflineQueue: false, retryDelayOnFailover: 0, redisOptions: SAFE },
    keyPrefix: KEY_PREFIX,
  };
  const CLUSTERS: Readonly<Record<string, Make>> = {
    'ioredis 6': (port) => ready(new Cluster([{ host: '127.0.0.1', port }], SAFE_CLUSTER)),
    'ioredis 5': (port) => ready(new Cluster5([{ host: '127.0.0.1', port }], SAFE_CLUSTER)),
    ...Object.fromEntries(
      NODE_REDIS.map(([title, { createCluster }, prefix]) => [
        title,
        (port: number) =>
          opened(
            createCluster({
              rootNodes: [{ socket: { host: '127.0.0.1', port } }],
              keyPrefix: KEY_PREFIX,
              defaults: { disableOfflineQueue: true },
              commandOptions: QUICK.commandOptions,
            }),
            prefix,
          ),
      ]),
    ),
  };

  test.each(Object.entries(CLUSTERS))('a cluster, %s', async (_, make) => {
    const server = await startRedis({
      config: { 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1' },
    });
    try {
      await ownAllSlots(server);
      const made = await make(server.port);
      // One slot for a session and its lock, and a slot for each.
      await useSession(made, server, '{shop}:');
      await useSession(made, server, 'shop:');
      await made.end();
    } finally {
      await server.stop();
    }
  });

  const master = 'themaster';
  const SENTINELS: Readonly<Record<string, Make>> = {
    'ioredis 6': (port) =>
      ready(new Redis({ ...SAFE, keyPrefix: KEY_PREFIX, sentinels: [{ port }], name: master })),
    'ioredis 5': (port) =>
      ready(new Redis5({ ...SAFE, keyPrefix: KEY_PREFIX, sentinels: [{ port }], name: master })),
    ...Object.fromEntries(
      NODE_REDIS.map(([title, { createSentinel }, prefix]) => [
        title,
        (port: number) =>
          opened(
            createSentinel({
              name: master,
              sentinelRootNodes: [{ host: '127.0.0.1', port }],
              keyPrefix: KEY_PREFIX,
              nodeClientOptions: { disableOfflineQueue: true },
              commandOptions: QUICK.commandOptions,
            }),
            prefix,
          ),
      ]),
    ),
  };

  test.each(Object.entries(SENTINELS))("Sentinel's master, %s", async (_, make) => {
    const server = await startRedis();
    const sentinel = await startRedis({
      sentinel: true,
      config: { sentinel: [`monitor ${master} 127.0.0.1 ${server.port} 1`] },
    });
    try {
      const made = await make(sentinel.port);
      await useSession(made, server);
      await made.end();
    } finally {
      await Promise.all([sentinel.stop(), server.stop()]);
    }
  });

  test('unsafe settings are named, once per client', async () => {
    const server = await startRedis();
    const careless = await ready(new Redis(server.port));
    const socket = { port: server.port, host: '127.0.0.1' };
    const node5 = await opened(redis5.createClient({ socket }), '');
    const node6 = await opened(redis6.createClient({ socket }), '');
    try {
      const told: string[] = [];
      const onWarning = (code: string, message: string) => told.push(`${code} ${message}`);
      new RedisSaveHandler({ redis: careless.client, onWarning });
      new RedisSaveHandler({ redis: careless.client, onWarning });
      new RedisSaveHandler({ redis: node5.client, onWarning });
      new RedisSaveHandler({ redis: node6.client, onWarning });
      expect(told).toHaveLength(3);
      for (const setting of [
        'PSB_CLIENT_SETTINGS',
        'enableOfflineQueue: false',
        'autoResendUnfulfilledCommands: false',
        'maxRetriesPerRequest: 0',
        'commandTimeout',
      ]) {
        expect(told[0]).toContain(setting);
      }
      expect(told[1]).toContain('disableOfflineQueue: true, commandOptions: { timeout }');
      // Version 6 has a time limit of its own.
      expect(told[2]).toMatch(/disableOfflineQueue: true(?!, commandOptions)/);
    } finally {
      await Promise.all([careless.end(), node5.end(), node6.end()]);
      await server.stop();
    }
  });
});
