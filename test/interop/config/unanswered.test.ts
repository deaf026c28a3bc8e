/**
 * Commands that got no answer: what is known of them. A read has a known outcome in any case, a
 * write if it surely was not sent.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5';
import * as redis6 from 'redis';
import * as redis5 from 'redis5';
import { afterEach, describe, expect, test } from 'vitest';
import { type BorrowedClient, borrow } from '../../../src/save-handler/redis/borrowed-client.ts';
import type { RedisClient } from '../../../src/save-handler/redis/client.ts';
import { connectCluster, type IoredisModule } from '../../../src/save-handler/redis/connect.ts';
import { parseSavePath } from '../../../src/save-handler/redis/save-path.ts';
import { READ, TOUCH, WRITE } from '../../../src/save-handler/redis/scripts.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';
import { ownAllSlots, startNode } from './whole-cluster.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const write = (one: RedisClient) => one.script(WRITE, ['k'], ['', '', '*', 60_000, '0', 'v']);
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'served',
    (error: { code: string }) => error.code,
  );

const VERSIONS: readonly (readonly [string, () => Promise<IoredisModule>])[] = [
  ['ioredis 6', () => import('ioredis')],
  ['ioredis 5', async () => (await import('ioredis5')) as unknown as IoredisModule],
];

function clusterOf(node: RedisService, load: () => Promise<IoredisModule>): RedisClient {
  const savePath = parseSavePath(`seed[]=127.0.0.1:${node.port}`, 'rediscluster');
  if (savePath.handler !== 'rediscluster') throw new Error('not a pool');
  const made = connectCluster(savePath, {}, load);
  ends.push(() => made.close());
  return made;
}

/** A cluster of one node that does not know its own address, and so names no node to anybody. */
async function nameless(): Promise<RedisService> {
  const node = await startNode({ 'cluster-announce-ip': '' });
  ends.push(() => node.stop());
  await ownAllSlots(node);
  return node;
}

const SAFE = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: 300,
};

interface IoredisClient {
  on(event: 'error', listener: () => void): unknown;
  disconnect(): void;
}

function ioredis(client: IoredisClient): RedisClient {
  client.on('error', () => {});
  ends.push(() => client.disconnect());
  return borrow(client as unknown as BorrowedClient, () => {});
}

describe('a server that does not answer', () => {
  test.each([
    ['ioredis 6', Redis],
    ['ioredis 5', Redis5],
  ])('%s: reads time out, writes are unknown', async (_, Client) => {
    const server = await startRedis();
    ends.push(() => server.stop());
    const one = ioredis(new (Client as typeof Redis)(server.port, SAFE));
    await expect.poll(() => codeOf(write(one))).toBe('served');
    server.pause();
    const codes = await Promise.all(
      [
        one.command('GET', ['k']),
        one.command('GETEX', ['k', 'PX', 1000]),
        one.script(READ, ['k'], [1000, '0']),
        one.script(TOUCH, ['k'], [1000, '0']),
        one.command('PEXPIRE', ['k', 1000]),
        write(one),
      ].map(codeOf),
    );
    expect(codes.slice(0, 4)).toEqual(Array(4).fill('ERR_PSB_STORE_TIMEOUT'));
    expect(codes.slice(4)).toEqual(Array(2).fill('ERR_PSB_STORE_UNKNOWN_OUTCOME'));
    server.resume();
  });
});

describe('a client that has no connection: nothing was sent', () => {
  test.each([
    ['ioredis 6', Redis],
    ['ioredis 5', Redis5],
  ])('%s', async (_, Client) => {
    const one = ioredis(new (Client as typeof Redis)(1, SAFE));
    expect(await codeOf(write(one))).toBe('ERR_PSB_STORE_UNREACHABLE');
  });

  test.each([
    ['node-redis 6', redis6.createClient],
    ['node-redis 5', redis5.createClient as unknown as typeof redis6.createClient],
  ])('%s', async (_, createClient) => {
    const client = createClient({ disableOfflineQueue: true, socket: { port: 1 } });
    client.on('error', () => {});
    const one = borrow(client as unknown as BorrowedClient, () => {});
    expect(await codeOf(write(one))).toBe('ERR_PSB_STORE_UNREACHABLE');
    void client.connect().catch(() => {});
    expect(await codeOf(write(one))).toBe('ERR_PSB_STORE_UNREACHABLE');
    client.destroy();
  });

  test.each([
    ['ioredis 6', Cluster],
    ['ioredis 5', Cluster5],
  ])("%s, a cluster that names no node: Cluster isn't ready", async (_, Client) => {
    const node = await nameless();
    const seeds = [{ host: '127.0.0.1', port: node.port }];
    // Its own defaults, but for the queue.
    const client = new (Client as typeof Cluster)(seeds, { enableOfflineQueue: false });
    const one = ioredis(client);
    for (let at = 0; at < 40; at++) {
      const error = await write(one).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        code: 'ERR_PSB_STORE_UNREACHABLE',
        cause: { message: expect.stringContaining("Cluster isn't ready") },
      });
      await sleep(10);
    }
    expect(await node.client.dbsize()).toBe(0);
  });

  test.each(VERSIONS)('our own connections to a cluster, %s', async (_, load) => {
    const node = await startNode();
    ends.push(() => node.stop());
    await ownAllSlots(node);
    const one = clusterOf(node, load);
    // Several at once on a connection that nobody has used yet.
    expect(await Promise.all([write(one), write(one), write(one)])).toEqual([0, 0, 0]);
    await node.kill();
    await expect.poll(() => codeOf(write(one))).toBe('ERR_PSB_STORE_UNREACHABLE');
    await node.restart();
    await expect.poll(() => codeOf(write(one)), { timeout: 5000 }).toBe('served');
  });

  test.each(VERSIONS)(
    'our own connections to a cluster that names no node, %s',
    async (_, load) => {
      const one = clusterOf(await nameless(), load);
      const start = performance.now();
      for (let at = 0; at < 5; at++) {
        const codes = await Promise.all([1, 2, 3].map(() => codeOf(write(one))));
        expect(new Set(codes)).toEqual(new Set(['ERR_PSB_STORE_UNREACHABLE']));
      }
      expect(performance.now() - start).toBeLessThan(1000);
    },
  );
});
