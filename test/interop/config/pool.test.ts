/**
 * The weighted pool: for every id the very server that phpredis picks, and logins shared by two PHP
 * services and the bridge over two servers.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SessionManager } from '../../../src/config/session-manager.ts';
import { selectMember } from '../../../src/save-handler/redis/pool.ts';
import { createSessionId } from '../../../src/save-handler/session-id.ts';
import { cookieJar } from '../../services/cookie-jar.ts';
import { startPhp } from '../../services/php.ts';
import { runPhp } from '../../services/php-cli.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';

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

/** Ids of every alphabet and length that phpredis lets in, the short ones below four bytes too. */
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
      const expected = new Map(wanted.map((id) => [id, selectMember(members, id).server.port]));
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

  test('two PHP services and the bridge share logins over two servers', async () => {
    const [one, two] = servers as [RedisService, RedisService];
    const savePath = `${one.savePath('weight=2')}, ${two.savePath('weight=3')}`;
    const ini = { 'session.save_handler': 'redis', 'session.save_path': savePath };
    const php = await startPhp({ pools: { user: { ini }, task: { ini } } });
    const sessions = new SessionManager({ savePath });
    try {
      const used = new Set<number>();
      for (let login = 0; login < 20; login++) {
        const jar = cookieJar();
        await php.pools.user.run('session_start(); $_SESSION["userid"] = "kky";', { jar });
        const [cookie] = /PHPSESSID=([^;]+)/.exec(jar.header())?.slice(1) ?? [];
        const id = decodeURIComponent(cookie ?? '');
        await sessions.run(id, (session) => {
          expect(session.variables['userid']).toBe('kky');
          session.variables['seen'] = ['node'];
        });
        const answer = await php.pools.task.run('session_start(); echo json_encode($_SESSION);', {
          jar,
        });
        expect(answer.json()).toEqual({ userid: 'kky', seen: ['node'] });
        for (const server of [one, two]) {
          if (await server.client.exists(`PHPREDIS_SESSION:${id}`)) used.add(server.port);
        }
      }
      expect(used.size).toBe(2);
    } finally {
      await sessions.close();
      await php.stop();
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
