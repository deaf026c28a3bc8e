import Koa from 'koa';
import { KoaPassport } from 'koa-passport';
import session from 'koa-session';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { phpSession } from '../../../src/koa/index.ts';
import { type PhpKoaSession, phpSessionOptions } from '../../../src/koa-session/index.ts';
import { type CookieJar, cookieJar, fetchWith } from '../../services/cookie-jar.ts';
import { type PhpService, startPhp } from '../../services/php.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';
import { type RedisMonitor, redisMonitor } from '../../services/redis-monitor.ts';
import type { RunningAdapter } from '../adapters/adapter-under-test.ts';
import { listen } from '../adapters/adapters.ts';

const LOGIN =
  'session_start(); $_SESSION = ["_token" => "x", "_sf2_attributes" => ["a" => 1.0],' +
  '"userid" => "kky", "username" => "홍길동", "none" => []]; echo session_id();';
const SHOW = 'session_start(); echo json_encode((object) $_SESSION, JSON_UNESCAPED_UNICODE);';
const LOGOUT = 'session_start(); session_destroy();';

let redis: RedisService;
let php: PhpService<'shop'>;
let monitor: RedisMonitor;
let jar: CookieJar;

beforeAll(async () => {
  redis = await startRedis();
  monitor = await redisMonitor(redis);
  php = await startPhp({
    pools: {
      shop: {
        ini: {
          'session.save_handler': 'redis',
          'session.save_path': redis.savePath(),
          'session.use_strict_mode': true,
        },
      },
    },
  });
});

afterAll(async () => {
  monitor?.stop();
  await php?.stop();
  await redis?.stop();
});

beforeEach(() => {
  jar = cookieJar();
});

const page = async (source: string) => (await php.pools.shop.run(source, { jar })).body;
const shown = async () => JSON.parse(await page(SHOW));
const stored = (id: string) => redis.client.get(`PHPREDIS_SESSION:${id}`);

describe('koa-session', () => {
  let app: RunningAdapter;
  type Handler = (session: PhpKoaSession, ctx: Koa.Context) => unknown;
  const handlers: Record<string, Handler> = {
    '/show': ({ php: variables }) => ({ ...variables }),
    '/buy': ({ php: variables }) => {
      if (variables) variables['cart'] = ['사과'];
    },
    '/login': async (s) => {
      s.php = { ...s.php, userid: 'lde' };
      await s.regenerate();
    },
    '/fill': ({ php: variables }) => {
      Object.assign(variables?.['none'] as object, { name: 1 });
    },
    '/logout': (_, ctx) => {
      (ctx as unknown as { session: null }).session = null;
    },
  };

  beforeAll(async () => {
    const koa = new Koa();
    const options = phpSessionOptions({ savePath: redis.savePath(), gcMaxlifetime: 1440 });
    koa.use(session(options, koa));
    koa.use(async (ctx) => {
      const answer = await handlers[ctx.path]?.(ctx['session'] as unknown as PhpKoaSession, ctx);
      ctx.body = JSON.stringify(answer ?? 'ok');
    });
    app = await listen(koa.callback(), () => options.store.sessions.close());
  });

  afterAll(() => app.close());

  const node = (path: string) => fetchWith(jar, app.url + path);

  test('one login, from PHP to koa-session and back, nothing dropped, nothing added', async () => {
    const id = await page(LOGIN);
    const before = await stored(id);
    expect(await (await node('/show')).json()).toMatchObject({ userid: 'kky', _token: 'x' });
    await node('/buy');
    expect(await stored(id)).toBe(`${before}cart|a:1:{i:0;s:6:"사과";}`);
    expect(await shown()).toMatchObject({ userid: 'kky', cart: ['사과'], _token: 'x' });
    await node('/logout');
    expect(await stored(id)).toBeNull();
    expect(jar.get('PHPSESSID')).toBeUndefined();
  });

  test('PHP logs out, koa-session knows nobody', async () => {
    await page(LOGIN);
    await page(LOGOUT);
    expect(await (await node('/show')).json()).toEqual({});
  });

  test('a login in Node is one in PHP', async () => {
    await node('/login');
    expect(jar.get('PHPSESSID')).toMatch(/^\w{32}$/);
    expect(await shown()).toEqual({ userid: 'lde' });
  });

  test('a name set on an empty PHP array arrives', async () => {
    await page(LOGIN);
    await node('/fill');
    expect(await shown()).toMatchObject({ none: { name: 1 } });
  });

  test('reading refreshes the TTL and costs one command', async () => {
    const id = await page(LOGIN);
    await node('/show');
    await redis.client.expire(`PHPREDIS_SESSION:${id}`, 100);
    const seen = await monitor.during(() => node('/show'));
    const sent = seen.filter(({ client }) => client !== 'lua');
    expect(sent.map(({ command }) => command)).toEqual(['EVALSHA']);
    expect(await redis.client.ttl(`PHPREDIS_SESSION:${id}`)).toBeGreaterThan(1400);
  });
});

describe('koa-passport over ctx.session', () => {
  let app: RunningAdapter;

  beforeAll(async () => {
    const passport = new KoaPassport();
    passport.serializeUser<string>((user, done) => done(null, (user as { id: string }).id));
    passport.deserializeUser<string>((id, done) => done(null, { id }));
    const koa = new Koa();
    const sessions = phpSession({ savePath: redis.savePath(), sessionMethods: true });
    koa.use(sessions);
    koa.use(passport.initialize());
    koa.use(passport.session());
    koa.use(async (ctx) => {
      const keep = { keepSessionInfo: true } as object;
      if (ctx.path === '/login') await ctx.login({ id: 'kky' }, keep);
      if (ctx.path === '/logout') await ctx.logout();
      ctx.body = { user: ctx.state['user'] ?? null };
    });
    app = await listen(koa.callback(), () => sessions.sessions.close());
  });

  afterAll(() => app.close());

  const node = async (path: string) => (await fetchWith(jar, app.url + path)).json();

  test('logs in and out, and PHP sees it', async () => {
    const anonymous = await page(
      'session_start(); $_SESSION["cart"] = ["tea"]; echo session_id();',
    );
    expect(await node('/login')).toEqual({ user: { id: 'kky' } });
    expect(jar.get('PHPSESSID')).not.toBe(anonymous);
    expect(await stored(anonymous)).toBeNull();
    expect(await shown()).toEqual({ passport: { user: 'kky' }, cart: ['tea'] });
    expect(await node('/')).toEqual({ user: { id: 'kky' } });
    expect(await node('/logout')).toEqual({ user: null });
    expect(await shown()).toEqual({});
    expect(await node('/')).toEqual({ user: null });
  });

  test('PHP ends what passport began', async () => {
    await node('/login');
    await page(LOGOUT);
    expect(await node('/')).toEqual({ user: null });
  });
});
