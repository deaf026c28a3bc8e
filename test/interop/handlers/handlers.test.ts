/** Every serialize handler: PHP and Koa share a login both ways, and PHP finds its own bytes. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeSession, PhpObject, type SessionHandlerName } from '../../../src/codec/index.ts';
import { phpSession } from '../../../src/koa/index.ts';
import { cookieJar, fetchWith } from '../../services/cookie-jar.ts';
import { type PhpService, startPhp } from '../../services/php.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';
import { type RedisMonitor, redisMonitor } from '../../services/redis-monitor.ts';

const HANDLERS = ['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'] as const;

/** All that a login may hold and that both sides must keep: numbers, empty and equal arrays, objects. */
const LOGIN = `
session_start();
$_SESSION['userid'] = 7;
$_SESSION['username'] = '이다은';
$_SESSION['score'] = 12.0;
$_SESSION['flash'] = ['old' => [], 'new' => []];
$item = ['name' => '사과', 'price' => 1000, 'weight' => 0.5];
$_SESSION['cart'] = [$item, $item];
$_SESSION['owner'] = (object) ['id' => 7, 'roles' => ['admin', 'editor']];
$_SESSION['cart_owner'] = $_SESSION['owner'];
$_SESSION['bytes'] = "\\xff\\xfe";
echo session_id();
`;
const READ =
  'session_start(); echo json_encode([$_SESSION["userid"], $_SESSION["username"] ?? null, $_SESSION["score"] ?? null, $_SESSION["visits"] ?? null, $_SESSION["cart"] ?? null, ($_SESSION["owner"] ?? 1) === ($_SESSION["cart_owner"] ?? 2)], JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION);';

let redis: RedisService;
let monitor: RedisMonitor;
let php: PhpService<SessionHandlerName>;
const servers: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  redis = await startRedis();
  monitor = await redisMonitor(redis);
  const ini = { 'session.save_handler': 'redis', 'session.save_path': redis.savePath() };
  const pool = (handler: string) => ({ ini: { ...ini, 'session.serialize_handler': handler } });
  php = await startPhp({
    pools: {
      php: pool('php'),
      php_binary: pool('php_binary'),
      php_serialize: pool('php_serialize'),
      igbinary: pool('igbinary'),
      msgpack: pool('msgpack'),
    },
  });
});

afterAll(async () => {
  for (const server of servers) await server.stop();
  monitor?.stop();
  await php?.stop();
  await redis?.stop();
});

async function startKoa(serializeHandler: SessionHandlerName): Promise<string> {
  const app = new Koa();
  const session = phpSession({ savePath: redis.savePath(), serializeHandler, gcMaxlifetime: 1440 });
  app.use(session);
  app.use((ctx) => {
    const variables = ctx.session as Record<string, unknown>;
    switch (ctx.path) {
      case '/read':
        ctx.body = { userid: variables['userid'], username: variables['username'] };
        break;
      case '/visit':
        variables['visits'] = ((variables['visits'] as number | undefined) ?? 0) + 1;
        ctx.body = variables['visits'];
        break;
      case '/login':
        variables['userid'] = 8;
        variables['username'] = '김하늘';
        variables['score'] = 1.5;
        variables['flash'] = { old: [], new: [] };
        variables['owner'] = new PhpObject('stdClass', { id: 8 });
        variables['cart_owner'] = variables['owner'];
        ctx.body = 'welcome';
        break;
      default:
        ctx.session = null;
        ctx.body = 'bye';
    }
  });
  const server: Server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push({
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await session.sessions.close();
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.each(HANDLERS)('session.serialize_handler = %s', (handler) => {
  let koa: string;
  beforeAll(async () => {
    koa = await startKoa(handler);
  });

  /** What Redis is asked when PHP opens the session and only reads it. */
  async function readByPhp(jar: ReturnType<typeof cookieJar>) {
    let body = '';
    const seen = await monitor.during(async () => {
      const answer = await php.pools[handler].run(READ, { jar });
      expect(answer.stderr).toBe('');
      body = answer.body;
    });
    return { body: JSON.parse(body), commands: seen.map(({ command }) => command) };
  }

  it('Koa knows who logged in at PHP, and leaves every byte', async () => {
    const jar = cookieJar();
    const id = (await php.pools[handler].run(LOGIN, { jar })).body;
    const key = `PHPREDIS_SESSION:${id}`;
    const before = await redis.client.getBuffer(key);
    expect(Object.keys(decodeSession(before as Buffer, { handler }))).toHaveLength(8);

    expect(await (await fetchWith(jar, `${koa}/read`)).json()).toEqual({
      userid: 7,
      username: '이다은',
    });
    expect(await redis.client.getBuffer(key)).toEqual(before);
  });

  it('PHP finds what Koa wrote exactly as it would have written it', async () => {
    const jar = cookieJar();
    await php.pools[handler].run(LOGIN, { jar });
    expect(await (await fetchWith(jar, `${koa}/visit`)).text()).toBe('1');
    expect(await (await fetchWith(jar, `${koa}/visit`)).text()).toBe('2');

    const { body, commands } = await readByPhp(jar);
    const item = { name: '사과', price: 1000, weight: 0.5 };
    expect(body).toEqual([7, '이다은', 12.0, 2, [item, item], true]);
    // Lazy write: PHP encodes what it read, and finds it unchanged.
    expect(commands).toContain('EXPIRE');
    expect(commands).not.toContain('SETEX');
  });

  it('PHP knows who logged in at Koa', async () => {
    const jar = cookieJar();
    expect(await (await fetchWith(jar, `${koa}/login`)).text()).toBe('welcome');
    const { body, commands } = await readByPhp(jar);
    expect(body).toEqual([8, '김하늘', 1.5, null, null, true]);
    expect(commands).toContain('EXPIRE');
    expect(commands).not.toContain('SETEX');
  });

  it('a logout at Koa is one at PHP', async () => {
    const jar = cookieJar();
    const id = (await php.pools[handler].run(LOGIN, { jar })).body;
    await fetchWith(jar, `${koa}/logout`);
    expect(await redis.client.exists(`PHPREDIS_SESSION:${id}`)).toBe(0);
  });
});
