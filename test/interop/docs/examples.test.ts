import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import WebSocket from 'ws';
import { example, run } from '../../docs/examples.ts';
import { type CookieJar, cookieJar, fetchWith } from '../../services/cookie-jar.ts';
import { type PhpService, startPhp } from '../../services/php.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';

const LOGIN =
  'session_start(); $_SESSION["userid"] = "kky"; $_SESSION["username"] = "홍길동"; echo session_id();';
const SHOW = 'session_start(); echo json_encode((object) $_SESSION, JSON_UNESCAPED_UNICODE);';
const LOGOUT = 'session_start(); session_destroy();';

let redis: RedisService;
let php: PhpService<'shop'>;
let jar: CookieJar;
const listening: Server[] = [];

beforeAll(async () => {
  redis = await startRedis();
  php = await startPhp({
    pools: {
      shop: {
        ini: { 'session.save_handler': 'redis', 'session.save_path': redis.savePath() },
      },
    },
  });
});

afterAll(async () => {
  await php?.stop();
  await redis?.stop();
});

beforeEach(() => {
  jar = cookieJar();
});

afterEach(() => {
  for (const server of listening.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  process.removeAllListeners('SIGTERM');
});

/** Runs the block with the Redis of this test; returns the address if it listens. */
async function start(file: string, text: string) {
  const found = example(file, text);
  const replace: Record<string, string> = {};
  if (found.code.includes('tcp://')) replace['tcp://127.0.0.1:6379'] = redis.savePath();
  if (found.code.includes('redis://')) {
    replace['redis://127.0.0.1:6379'] = `redis://${redis.host}:${redis.port}`;
  }
  // No test waits five seconds for a look at the session.
  if (found.code.includes('5_000')) replace['5_000'] = '50';
  const [listen] = /\w+\.listen\(3000\)/.exec(found.code) ?? [];
  if (listen) replace[listen] = `keep(${listen.replace('3000', "0, '127.0.0.1'")})`;
  let server: Server | undefined;
  const keep = (started: Server) => {
    server = started;
    listening.push(started);
    return started;
  };
  const exports = await run(found, { replace, given: { keep } });
  if (server && !server.listening) {
    await new Promise<void>((resolve) => server?.once('listening', resolve));
  }
  const port = (server?.address() as AddressInfo | undefined)?.port;
  return { exports, url: `http://127.0.0.1:${port}` };
}

const page = async (source: string) => (await php.pools.shop.run(source, { jar })).body;
const shown = async () => JSON.parse(await page(SHOW));

describe('README.md', () => {
  test('share a login with Koa', async () => {
    const { url } = await start('README.md', "from 'php-session-bridge/koa'");
    expect((await fetch(url)).status).toBe(401);
    await page(LOGIN);
    expect(await (await fetchWith(jar, url)).text()).toBe('kky has 1 things in the cart');
    expect(await shown()).toMatchObject({ userid: 'kky', cart: ['book'] });
  });
});

describe('docs/koa.md', () => {
  test('the first example', async () => {
    const { url } = await start('docs/koa.md', "'Please log in'");
    expect(await (await fetch(url)).text()).toBe('Please log in');
    await page(LOGIN);
    expect(await (await fetchWith(jar, url)).text()).toBe('Hello 홍길동');
  });

  test('streaming by hand', async () => {
    const { url } = await start('docs/koa.md', 'text/event-stream');
    expect(await (await fetchWith(jar, url)).text()).toBe('data: hello\n\n');
    expect(await shown()).toEqual({ watching: 'news' });
  });

  test('a shared manager, closed at SIGTERM', async () => {
    await start('docs/koa.md', 'await sessions.close()');
    const [server] = listening;
    process.emit('SIGTERM');
    await vi.waitFor(() => expect(server?.listening).toBe(false));
  });
});

describe('docs/koa-session.md', () => {
  test('the first example', async () => {
    const { url } = await start('docs/koa-session.md', "'Please log in'");
    expect(await (await fetch(url)).text()).toBe('Please log in');
    await page(LOGIN);
    expect(await (await fetchWith(jar, url)).text()).toBe('Hello 홍길동');
  });

  test('from JSON to PHP, ids and lifetimes kept', async () => {
    const key = 'PHPREDIS_SESSION:json0123456789abcdefghijkl';
    await redis.client.set(key, '{"userid":"kky","cart":["사과"]}', 'EX', 500);
    await start('docs/koa-session.md', 'redis.scan');
    expect(await redis.client.get(key)).toBe('userid|s:3:"kky";cart|a:1:{i:0;s:6:"사과";}');
    expect(await redis.client.ttl(key)).toBeGreaterThan(490);
    jar.set('PHPSESSID', 'json0123456789abcdefghijkl');
    expect(await shown()).toEqual({ userid: 'kky', cart: ['사과'] });
  });
});

describe('docs/recipes.md', () => {
  test('plain functions, as for Next.js', async () => {
    type Functions = {
      readVariables(cookie: string | null): Promise<Record<string, unknown>>;
      POST(request: Request): Promise<Response>;
    };
    const { exports } = await start('docs/recipes.md', 'withSession');
    const { readVariables, POST } = exports as unknown as Functions;
    const post = (cookie: string) =>
      POST(
        new Request('https://shop.example/api/cart', {
          method: 'POST',
          body: '{"item":"tea"}',
          headers: cookie ? { cookie } : {},
        }),
      );
    const first = await post('');
    const [setCookie = ''] = first.headers.getSetCookie();
    expect(setCookie).toMatch(/^PHPSESSID=\w{32}; path=\/; secure; HttpOnly; SameSite=Lax$/);
    jar.take([setCookie]);
    expect(await (await post(jar.header())).json()).toEqual(['tea', 'tea']);
    expect(await readVariables(jar.header())).toEqual({ cart: ['tea', 'tea'] });
    expect(await readVariables(null)).toEqual({});
    expect(await shown()).toEqual({ cart: ['tea', 'tea'] });
    Reflect.deleteProperty(globalThis, 'phpSessions');
  });

  test('plain Node', async () => {
    const { url } = await start('docs/recipes.md', 'openSession(sessions, req, res);');
    expect(await (await fetchWith(jar, url)).text()).toBe('Visit 1');
    expect(await (await fetchWith(jar, url)).text()).toBe('Visit 2');
    expect(await shown()).toEqual({ visits: 2 });
  });

  test('jobs', async () => {
    const { exports } = await start('docs/recipes.md', 'paymentArrived');
    const job = exports['paymentArrived'] as (job: object) => Promise<void>;
    const sessionId = await page(`${LOGIN} $_SESSION["cart"] = ["tea"];`);
    await job({ sessionId, userid: 'kky' });
    expect(await shown()).toEqual({
      userid: 'kky',
      username: '홍길동',
      notice: 'Thank you, your payment has arrived.',
    });
    await job({ sessionId: 'unknown0123456789abcdefg', userid: 'kky' });
    expect(await redis.client.exists('PHPREDIS_SESSION:unknown0123456789abcdefg')).toBe(0);
  });

  test('WebSockets follow a logout', async () => {
    const { url } = await start('docs/recipes.md', 'followLogout');
    const address = url.replace('http', 'ws');
    const refused = new WebSocket(address);
    await new Promise<void>((resolve) => refused.once('error', () => resolve()));

    await page(LOGIN);
    const client = new WebSocket(address, { headers: { cookie: jar.header() } });
    const hello = await new Promise((resolve) => client.once('message', resolve));
    expect(String(hello)).toBe('Hello 홍길동');
    const closed = new Promise((resolve) => client.once('close', resolve));
    await page(LOGOUT);
    expect(await closed).toBe(4401);
  });
});
