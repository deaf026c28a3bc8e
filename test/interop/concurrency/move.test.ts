/**
 * `regenerate()` over a connection that is cut at each of its commands, before the server got it and
 * after: the model's trace "the delete was carried out, its reply lost" on a real Redis.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SessionManager } from '../../../src/config/session-manager.ts';
import { createSessionId } from '../../../src/save-handler/session-id.ts';
import { type CuttingProxy, startCuttingProxy } from '../../services/cutting-proxy.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';
import { announcePort, ownAllSlots } from '../config/whole-cluster.ts';

const BASE = 'userid|s:3:"kky";';
const PHP_WROTE = `${BASE}php|b:1;`;

let redis: RedisService;
let proxy: CuttingProxy;
let sessions: SessionManager;

interface Place {
  readonly name: string;
  readonly cluster: boolean;
  readonly prefix: string;
  /** The key of the mover's mark. */
  marker(id: string): string;
}

const PLACES: readonly Place[] = [
  {
    name: 'one server',
    cluster: false,
    prefix: 'PHPREDIS_SESSION:',
    marker: (id) => `PSB_MOVED:PHPREDIS_SESSION:${id}`,
  },
  {
    name: 'a cluster, with a hash tag',
    cluster: true,
    prefix: '{app}:',
    marker: (id) => `PSB_MOVED:{app}:${id}`,
  },
  {
    name: 'a cluster, without one',
    cluster: true,
    prefix: 'PHPREDIS_CLUSTER_SESSION:',
    marker: (id) => `PSB_MOVED:{PHPREDIS_CLUSTER_SESSION:${id}}`,
  },
];

async function start(place: Place): Promise<void> {
  const config = { 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1' };
  redis = await startRedis(place.cluster ? { config } : {});
  proxy = await startCuttingProxy(redis);
  if (place.cluster) {
    // The nodes that the cluster names must be the proxy, or it would be gone round.
    await announcePort(redis, proxy.port);
    await ownAllSlots(redis);
  }
  const address = `127.0.0.1:${proxy.port}`;
  sessions = new SessionManager({
    ...(place.cluster
      ? { saveHandler: 'rediscluster', savePath: `seed[]=${address}&prefix=${place.prefix}` }
      : { savePath: `tcp://${address}?prefix=${place.prefix}` }),
    commandTimeout: 500,
    closeTimeout: 100,
    onWarning: () => {},
  });
}

async function stop(): Promise<void> {
  await sessions?.close();
  await proxy?.stop();
  await redis?.stop();
}

/** Once through everything: connected, the server knows the scripts, and a command is one chunk. */
async function warmUp(place: Place): Promise<void> {
  proxy.cutAt(-1, 'before');
  const session = await sessions.open(await existing(place));
  session.variables['a'] = 1;
  await session.regenerate();
  await session.commit();
  await redis.client.flushall();
}

async function existing({ prefix }: Place): Promise<string> {
  const id = createSessionId();
  await redis.client.setex(prefix + id, 1440, BASE);
  return id;
}

/** The keys of sessions, without locks and marks. */
async function sessionKeys(): Promise<string[]> {
  return (await redis.client.keys('*')).filter((key) => /^(?!PSB_).*[0-9a-f]$/.test(key));
}

describe.each(PLACES)('$name', (place) => {
  const cuts = (['before', 'after'] as const).flatMap((moment) =>
    ([1, 2, 3, 4] as const).map((chunk) => [chunk, moment] as const),
  );

  beforeAll(() => start(place));
  afterAll(stop);
  beforeEach(() => warmUp(place));

  test.each(cuts)('cut at command %i, %s the server got it', async (chunk, moment) => {
    const id = await existing(place);
    const session = await sessions.open(id);
    session.variables['userid'] = 'lde';
    // PHP has been faster, so the move goes twice: store, leave, store, leave.
    await redis.client.setex(place.prefix + id, 1440, PHP_WROTE);
    proxy.cutAt(chunk, moment);
    const outcome = await session.regenerate().then(
      () => 'moved',
      (error: { code: string }) => error.code,
    );
    proxy.cutAt(-1, 'before');
    if (chunk % 2 === 0) {
      expect(outcome).toBe('moved');
      expect(session.id).not.toBe(id);
      expect(await sessionKeys()).toEqual([place.prefix + session.id]);
      expect(await redis.client.get(place.prefix + session.id)).toBe('userid|s:3:"lde";php|b:1;');
      const left = await redis.client.pttl(place.marker(id));
      expect(left).toBeGreaterThan(50_000);
      expect(left).toBeLessThanOrEqual(60_000);
    } else {
      // The old one is whole, and nothing lives on under an id that nobody was told.
      expect(outcome).toBe('ERR_PSB_STORE_UNKNOWN_OUTCOME');
      expect(session.id).toBe(id);
      expect(await redis.client.get(place.prefix + id)).toBe(PHP_WROTE);
      await expect.poll(sessionKeys, { timeout: 2000 }).toEqual([place.prefix + id]);
    }
  });

  test('no key of a move is ever taken for a session', async () => {
    const id = await existing(place);
    await (await sessions.open(id)).regenerate();
    expect(await redis.client.exists(place.marker(id))).toBe(1);
    const strange = await sessions.open(place.marker(id).slice(place.prefix.length));
    expect(strange.requestedId).toBeUndefined();
  });
});

describe('nobody answers any more', () => {
  const [place] = PLACES as [Place];
  beforeAll(() => start(place));
  afterAll(stop);

  test('an error after a few seconds, and the session is not destroyed', async () => {
    await warmUp(place);
    const id = await existing(place);
    const session = await sessions.open(id);
    proxy.cutAt(2, 'after');
    const refused = expect(session.regenerate()).rejects.toMatchObject({
      code: 'ERR_PSB_STORE_UNKNOWN_OUTCOME',
      status: 503,
    });
    await expect.poll(() => proxy.seen, { timeout: 2000, interval: 1 }).toBeGreaterThanOrEqual(2);
    await proxy.stop();
    const started = performance.now();
    await refused;
    expect(performance.now() - started).toBeLessThan(8000);
    expect(await redis.client.get(place.prefix + id)).toBeNull();
    const [left] = await sessionKeys();
    expect(await redis.client.get(left as string)).toBe(BASE);
    expect(session.id).toBe(id);
  });
});
