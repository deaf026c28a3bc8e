/**
 * The weighted pool: for every id the very server that phpredis picks, and logins shared by two PHP-FPM
 * and Koa over two servers.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SessionManager } from '../../../src/config/session-manager.ts';
import { selectMember } from '../../../src/save-handler/redis/pool.ts';
import { parseSavePath } from '../../../src/save-handler/redis/save-path.ts';
import { createSessionId } from '../../../src/save-handler/session-id.ts';
import { cookieJar, fetchWith } from '../../services/cookie-jar.ts';
import { startPhp } from '../../services/php.ts';
import { runPhp } from '../../services/php-cli.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';
import { koa3 } from '../adapters/adapters.ts';
import { routes } from '../adapters/routes.ts';

/** Writes one session per id through phpredis's own handler; answers the ids it could not write. */
const WRITE = `
ini_set('session.use_cookies', '0'); ini_set('session.cache_limiter', '');
[$path, $ids] = json_decode(file_get_contents('php://stdin'), true);
ini_set('session.save_handler', 'redis'); ini_set('session.save_path', $path);
$failed = [];
foreach ($ids as $id) {
  session_id($id);
  if (!@session_start()) { $failed[] = $id; continue; }
  $_SESSION['id'] = $id; session_write_close();
}
echo json_encode($failed);
`;

/** Ids of every alphabet; below four bytes phpredis 5.3 reads whatever lies behind the id. */
function randomId(): string {
  const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-,';
  const length = randomInt(8) === 0 ? randomInt(4, 22) : randomInt(22, 65);
  return [...randomBytes(length)].map((byte) => alphabet[byte & 63]).join('');
}

describe('the weighted pool', () => {
  let servers: RedisService[];
  beforeAll(async () => {
    servers = await Promise.all(Array.from({ length: 5 }, () => startRedis()));
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });

  test('2,000 random ids over 1 to 5 servers with random weights: the same server as phpredis', async () => {
    let ids = 0;
    for (let round = 0; round < 20; round++) {
      const members = servers
        .slice(0, 1 + (round % 5))
        .map((server) => ({ server, weight: randomInt(1, 8) }));
      const path = members
        .map(({ server, weight }) =>
          server.savePath(weight === 1 && round % 2 ? '' : `weight=${weight}`),
        )
        .join(round % 3 ? ',' : ' , ');
      const wanted = Array.from({ length: 100 }, randomId);
      ids += wanted.length;
      expect(runPhp(WRITE, { input: JSON.stringify([path, wanted]) }).toString()).toBe('[]');
      const parsed = parseSavePath(path);
      if (parsed.handler !== 'redis') throw new Error('not a cluster');
      const port = (id: string): unknown => {
        const { address } = selectMember(parsed.members, id);
        return 'port' in address && address.port;
      };
      const expected = new Map(wanted.map((id) => [id, port(id)]));
      const actual = new Map<string, number>();
      for (const { server } of members) {
        for (const key of await server.client.keys('PHPREDIS_SESSION:*')) {
          actual.set(key.slice('PHPREDIS_SESSION:'.length), server.port);
        }
        await server.client.flushall();
      }
      expect(Object.fromEntries(actual)).toEqual(Object.fromEntries(expected));
    }
    expect(ids).toBe(2000);
  });

  test('two PHP-FPM and Koa share logins over two servers', async () => {
    const [one, two] = servers as [RedisService, RedisService];
    const savePath = `${one.savePath('weight=2')}, ${two.savePath('weight=3')}`;
    const ini = { 'session.save_handler': 'redis', 'session.save_path': savePath };
    const [user, task] = await Promise.all([
      startPhp({ pools: { user: { ini } } }),
      startPhp({ pools: { task: { ini } } }),
    ]);
    const koa = await koa3.start({ savePath }, routes);
    const LOGIN = 'session_start(); session_regenerate_id(true); $_SESSION["userid"] = "kky";';
    const SHOW = 'session_start(); echo json_encode($_SESSION);';
    const pages = [user.pools.user, task.pools.task] as const;
    try {
      const used = [0, 0];
      for (let login = 0; login < 24; login++) {
        const [first, second] = login % 2 ? pages : [pages[1], pages[0]];
        const jar = cookieJar();
        const node = async (path: string): Promise<unknown> =>
          (await fetchWith(jar, koa.url + path)).json();
        // Every third login is Koa's own.
        if (login % 3) await first.run(LOGIN, { jar });
        else await node('/login?userid=kky');
        expect(await node('/show')).toEqual({ userid: 'kky' });
        expect(await node('/buy?item=pear')).toEqual(['pear']);
        const change = SHOW.replace('echo', '$_SESSION["cart"][] = "apple"; echo');
        expect((await first.run(change, { jar })).json()).toEqual({
          userid: 'kky',
          cart: ['pear', 'apple'],
        });
        expect(await node('/buy?item=fig')).toEqual(['pear', 'apple', 'fig']);
        expect((await second.run(SHOW, { jar })).json()).toEqual({
          userid: 'kky',
          cart: ['pear', 'apple', 'fig'],
        });
        const id = decodeURIComponent(jar.get('PHPSESSID') ?? '');
        const held = await Promise.all(
          [one, two].map(({ client }) => client.exists(`PHPREDIS_SESSION:${id}`)),
        );
        expect([...held].sort(), 'servers that hold the session').toEqual([0, 1]);
        used[held.indexOf(1)]!++;
        if (login % 4) continue;
        // A logout on either side is one on all.
        if (login % 8) await node('/logout');
        else await second.run('session_start(); $_SESSION = []; session_destroy();', { jar });
        jar.set('PHPSESSID', id);
        expect(await node('/show')).toEqual({});
        expect((await first.run(SHOW, { jar })).json()).toEqual([]);
      }
      expect(Math.min(...used), 'sessions on each server').toBeGreaterThan(0);
    } finally {
      await koa.close();
      await Promise.all([user.stop(), task.stop()]);
    }
  });

  test('a server that is down fails its own sessions, and no other', async () => {
    const [one, two] = [await startRedis(), await startRedis()];
    const savePath = `${one.savePath()}, ${two.savePath()}`;
    const sessions = new SessionManager({ savePath });
    try {
      const members = [
        { server: one, weight: 1 },
        { server: two, weight: 1 },
      ];
      await one.kill();
      const outcomes = { failed: 0, opened: 0 };
      for (let at = 0; at < 40; at++) {
        const id = createSessionId();
        const onDead = selectMember(members, id).server === one;
        const outcome = await sessions.open(id).then(
          async (session) => {
            await session.abort();
            return 'opened' as const;
          },
          (error: { code: string }) => {
            expect(error.code).toBe('ERR_PSB_STORE_UNREACHABLE');
            return 'failed' as const;
          },
        );
        expect(outcome).toBe(onDead ? 'failed' : 'opened');
        outcomes[outcome]++;
      }
      expect(outcomes.failed).toBeGreaterThan(0);
      expect(outcomes.opened).toBeGreaterThan(0);
      await one.restart();
      await expect
        .poll(
          () =>
            sessions.open('abcd'.repeat(8)).then(
              (session) => session.abort().then(() => true),
              () => false,
            ),
          { timeout: 5000 },
        )
        .toBe(true);
    } finally {
      await sessions.close();
      await Promise.all([one.stop(), two.stop()]);
    }
  });
});
