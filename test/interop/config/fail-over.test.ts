/**
 * A fail-over behind one address (a VIP, a DNS name, a proxy): the old master becomes a replica and
 * keeps its sockets. Nothing of the service has to be restarted.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { SessionManager } from '../../../src/config/session-manager.ts';
import { borrow } from '../../../src/save-handler/redis/borrowed-client.ts';
import type { RedisClient } from '../../../src/save-handler/redis/client.ts';
import {
  type ConnectOptions,
  connect,
  connectCluster,
  type IoredisModule,
} from '../../../src/save-handler/redis/connect.ts';
import { parseSavePath } from '../../../src/save-handler/redis/save-path.ts';
import { READ, WRITE } from '../../../src/save-handler/redis/scripts.ts';
import { example } from '../../docs/examples.ts';
import { type MovingAddress, startMovingAddress } from '../../services/moving-address.ts';
import {
  type RedisConfig,
  type RedisService,
  serverIsBefore,
  startRedis,
} from '../../services/redis.ts';
import { announcePort, shareSlots, startNode } from './whole-cluster.ts';

const VERSIONS: readonly (readonly [string, () => Promise<IoredisModule>])[] = [
  ['ioredis 6', () => import('ioredis')],
  ['ioredis 5', async () => (await import('ioredis5')) as unknown as IoredisModule],
];

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function redis(config: RedisConfig = {}): Promise<RedisService> {
  const service = await startRedis({ config: { 'repl-diskless-sync-delay': 0, ...config } });
  ends.push(() => service.stop());
  return service;
}

async function addressOf(service: RedisService): Promise<MovingAddress> {
  const address = await startMovingAddress(service.port);
  ends.push(() => address.stop());
  return address;
}

/** What an old master is: a replica, of whomever, that keeps its sockets and what it had. */
async function demote(old: RedisService): Promise<void> {
  await old.client.replicaof('127.0.0.1', 1);
}

/** Until the replica has what its master has. */
async function follow(replica: RedisService, master: RedisService): Promise<void> {
  await replica.client.replicaof('127.0.0.1', master.port);
  await expect
    .poll(() => replica.client.info('replication'), { timeout: 10_000 })
    .toContain('master_link_status:up');
}

/** Milliseconds until `attempt` succeeds, asked every few milliseconds as requests would. */
async function untilServed(attempt: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  for (;;) {
    try {
      await attempt();
      return performance.now() - start;
    } catch (error) {
      if (performance.now() - start > 10_000) throw error;
      await sleep(5);
    }
  }
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'served',
    (error: { code: string }) => error.code,
  );

describe.each(VERSIONS)('a fail-over behind one address, %s', (_title, load) => {
  const client = (path: string, options: ConnectOptions = {}): RedisClient => {
    const savePath = parseSavePath(path);
    if (savePath.handler !== 'redis') throw new Error('not a cluster');
    const made = connect(savePath.members[0]!, options, load);
    ends.push(() => made.close());
    return made;
  };

  const write = (one: RedisClient, value: string) =>
    one.script(WRITE, ['k'], ['', '', '*', 60_000, '0', value]);

  test('the first request that hears READONLY is the only one: the next reaches the new master', async () => {
    const [old, next] = [await redis(), await redis()];
    const address = await addressOf(old);
    await follow(next, old);
    const one = client(`tcp://127.0.0.1:${address.port}`);
    expect(await write(one, 'before')).toBe(0);
    await expect.poll(() => next.client.get('k')).toBe('before');

    address.moveTo(next.port);
    await next.client.replicaof('NO', 'ONE');
    await old.client.replicaof('127.0.0.1', next.port);
    expect(await codeOf(write(one, 'lost'))).toBe('ERR_PSB_STORE');
    expect(await untilServed(() => write(one, 'after'))).toBeLessThan(2000);
    expect(await next.client.get('k')).toBe('after');
    expect(address.connections).toBeLessThan(5);
  });

  test.for([
    ['GETEX', (one: RedisClient) => one.command('GETEX', ['k', 'PX', 60_000])],
    ['the script that reads', (one: RedisClient) => one.script(READ, ['k'], [60_000, '0'])],
  ] as const)('%s is a write to Redis', async ([name, read], { skip }) => {
    skip(name === 'GETEX' && serverIsBefore(6, 2), 'Redis 6.2 is the first that has GETEX');
    const [old, next] = [await redis(), await redis()];
    const address = await addressOf(old);
    const one = client(`tcp://127.0.0.1:${address.port}`);
    await write(one, 'v');
    address.moveTo(next.port);
    await demote(old);
    expect(await codeOf(read(one))).toBe('ERR_PSB_STORE');
    expect(await untilServed(() => read(one))).toBeLessThan(2000);
  });

  test('while the address still leads to the replica: few connections, its own answer, and back within two seconds of the move', async () => {
    const [old, next] = [await redis(), await redis()];
    const address = await addressOf(old);
    const one = client(`tcp://127.0.0.1:${address.port}`);
    await write(one, 'v');
    await demote(old);
    const before = address.connections;
    const codes = new Set<string>();
    const end = performance.now() + 2500;
    while (performance.now() < end) {
      codes.add(await codeOf(write(one, 'lost')));
      // A replica reads for those who want nothing else: it is not cut off.
      codes.add(await codeOf(one.command('GET', ['k'])));
      await sleep(2);
    }
    expect([...codes].sort()).toEqual(['ERR_PSB_STORE', 'served']);
    // After 50, 100, 200, 400, 800 ms and then a second, less jitter.
    expect(address.connections - before).toBeLessThan(10);
    address.moveTo(next.port);
    expect(await untilServed(() => write(one, 'after'))).toBeLessThan(2000);
  });

  test('what is under way on the connection keeps its outcome', async () => {
    const [old, next] = [await redis(), await redis()];
    const address = await addressOf(old);
    const one = client(`tcp://127.0.0.1:${address.port}`);
    await write(one, 'v');
    address.moveTo(next.port);
    await demote(old);
    // The first answer ends the connection for those who come later, not for the others.
    const sent = [write(one, 'w'), ...Array.from({ length: 50 }, () => one.command('GET', ['k']))];
    const results = await Promise.allSettled(sent);
    expect(results[0]).toMatchObject({ status: 'rejected', reason: { code: 'ERR_PSB_STORE' } });
    for (const result of results.slice(1)) {
      expect(result).toEqual({ status: 'fulfilled', value: Buffer.from('v') });
    }
    const clients = async () => String(await old.client.client('LIST')).match(/cmd=get /g)?.length;
    expect(await clients()).toBe(1);
    expect(await untilServed(() => write(one, 'after'))).toBeLessThan(2000);
    // And is closed when nothing is under way on it any more.
    await expect.poll(clients).toBeUndefined();
  });

  test('a replica that lost its master (MASTERDOWN)', async () => {
    const [old, next] = [await redis({ 'replica-serve-stale-data': 'no' }), await redis()];
    const address = await addressOf(old);
    const one = client(`tcp://127.0.0.1:${address.port}`);
    await write(one, 'v');
    await demote(old);
    address.moveTo(next.port);
    await expect(one.command('GET', ['k'])).rejects.toThrow(/without a link to its master/);
    expect(await untilServed(() => write(one, 'after'))).toBeLessThan(2000);
  });

  test("an old master that is given the new one's data (LOADING)", async () => {
    const slow = {
      'key-load-delay': 20_000,
      ...(serverIsBefore(7) ? {} : { 'loading-process-events-interval-bytes': 1024 }),
    };
    const [old, next] = [await redis(slow), await redis()];
    const filler = next.client.pipeline();
    // Before Redis 7 a server that loads answers every 2 MB, of what it reads: nothing to compress.
    const value = serverIsBefore(7) ? randomBytes(64 * 1024) : 'x'.repeat(2000);
    for (let at = 0; at < 300; at++) filler.set(`filler:${at}`, value);
    await filler.exec();
    const address = await addressOf(old);
    const one = client(`tcp://127.0.0.1:${address.port}`);
    await write(one, 'v');
    await old.client.replicaof('127.0.0.1', next.port);
    const say = () =>
      one.command('GET', ['k']).then(
        () => 'served',
        ({ message }: Error) => message,
      );
    await expect.poll(say, { interval: 5, timeout: 10_000 }).toMatch(/still loading/);
    address.moveTo(next.port);
    expect(await untilServed(() => write(one, 'after'))).toBeLessThan(2000);
    await old.kill();
  });

  test('a server that demands a password now (NOAUTH), behind a proxy that keeps our connection', async () => {
    const [old, next] = [await redis(), await redis({ requirepass: 'sw0rdfish' })];
    const address = await addressOf(old);
    const given: string[] = [];
    const one = client(`tcp://127.0.0.1:${address.port}`, {
      credentials: (server) => {
        given.push(server);
        return { password: 'sw0rdfish', ...(given.length === 1 ? { username: 'default' } : {}) };
      },
    });
    await old.client.call('acl', 'setuser', 'default', '>sw0rdfish');
    await write(one, 'v');
    await address.divertTo(next.port);
    expect(await codeOf(write(one, 'w'))).toBe('ERR_PSB_STORE_AUTH');
    expect(await untilServed(() => write(one, 'after'))).toBeLessThan(2000);
    expect(given).toEqual(Array.from({ length: 2 }, () => `127.0.0.1:${address.port}`));
  });

  test('rights that were taken from our user (NOPERM): asked again who we are, once', async () => {
    const server = await redis();
    const address = await addressOf(server);
    const rights = (user: string, ...rules: string[]) =>
      server.client.call('acl', 'setuser', user, 'on', '>pw', '~*', ...rules);
    await rights('blue', '+@all');
    await rights('green', '+@all', '-del');
    let user = 'blue';
    const one = client(`tcp://127.0.0.1:${address.port}`, {
      credentials: async () => ({ username: user, password: 'pw' }),
    });
    await write(one, 'v');
    user = 'green';
    await rights('blue', '-@all');
    expect(await codeOf(write(one, 'w'))).toBe('ERR_PSB_STORE_PERMISSION');
    expect(await untilServed(() => write(one, 'after'))).toBeLessThan(2000);
    // What the user never had is no reason to come back with the same user.
    const before = address.connections;
    for (let at = 0; at < 20; at++) {
      expect(await codeOf(one.command('DEL', ['k']))).toBe('ERR_PSB_STORE_PERMISSION');
      await sleep(5);
    }
    expect(address.connections).toBe(before);
  });

  test('a cluster: READONLY of one node makes a new client, and the other nodes serve meanwhile', async () => {
    const nodes = [await startNode(), await startNode()] as const;
    for (const node of nodes) ends.push(() => node.stop());
    const address = await addressOf(nodes[0]);
    await announcePort(nodes[0], address.port);
    await shareSlots(nodes);
    const savePath = parseSavePath(`seed[]=127.0.0.1:${nodes[1].port}`, 'rediscluster');
    if (savePath.handler !== 'rediscluster') throw new Error('not a pool');
    const one = connectCluster(savePath, {}, load);
    ends.push(() => one.close());
    const [near, far] = (await nodes[0].client.cluster('KEYSLOT', 'k')) < 8192 ? 'ka' : 'ak';
    const put = (key = '') => one.script(WRITE, [key], ['', '', '*', 60_000, '0', 'v']);
    expect(await Promise.all([put(near), put(far)])).toEqual([0, 0]);

    // What a node says whose clients are not told of the fail-over, since a proxy hides it.
    const stale = await redis();
    await demote(stale);
    await address.divertTo(stale.port);
    const others: Promise<string>[] = [];
    for (let at = 0; at < 20; at++) {
      expect(await codeOf(put(near))).toBe('ERR_PSB_STORE');
      others.push(codeOf(put(far)));
    }
    expect(new Set(await Promise.all(others))).toEqual(new Set(['served']));
    address.moveTo(nodes[0].port);
    expect(await untilServed(() => put(near))).toBeLessThan(2000);
  });
});

test('a client of your own comes back by reconnectOnError, as docs/configuration.md has it', async () => {
  const [old, next] = [await redis(), await redis()];
  const address = await addressOf(old);
  const { code } = example('docs/configuration.md', 'reconnectOnError');
  const replace = { 'redis.example.net': '127.0.0.1', "host: '": `port: ${address.port}, host: '` };
  const script = Object.entries(replace).reduce((text, [from, to]) => text.replace(from, to), code);
  const options = /new Redis\((\{.*?\n\})\)/s.exec(script)?.[1];
  const client = new Redis(Function(`return (${options})`)());
  client.on('error', () => {});
  ends.push(async () => client.disconnect());
  const one = borrow(client, () => {});
  const write = () => one.script(WRITE, ['k'], ['', '', '*', 60_000, '0', 'v']);
  await write();
  await demote(old);
  address.moveTo(next.port);
  expect(await codeOf(write())).toBe('ERR_PSB_STORE');
  expect(await untilServed(write)).toBeLessThan(2000);
});

test('sessions: requests are served again within two seconds, and none is lost or made twice', async () => {
  const [old, next] = [await redis(), await redis()];
  const address = await addressOf(old);
  const sessions = new SessionManager({
    savePath: `tcp://127.0.0.1:${address.port}`,
    gcMaxlifetime: 1440,
  });
  ends.push(() => sessions.close());
  const made = await sessions.open();
  made.variables['count'] = 1;
  await made.save();
  await made[Symbol.asyncDispose]();
  await follow(next, old);
  address.moveTo(next.port);
  await next.client.replicaof('NO', 'ONE');
  await old.client.replicaof('127.0.0.1', next.port);
  const request = async () => {
    const session = await sessions.open(made.id);
    try {
      session.variables['count'] = Number(session.variables['count']) + 1;
      await session.save();
    } finally {
      await session[Symbol.asyncDispose]();
    }
  };
  expect(await untilServed(request)).toBeLessThan(2000);
  await request();
  expect(await next.client.get(`PHPREDIS_SESSION:${made.id}`)).toBe('count|i:3;');
});
