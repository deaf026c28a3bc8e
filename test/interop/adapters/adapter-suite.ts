import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SessionManagerOptions } from '../../../src/index.ts';
import { type CookieJar, cookieJar, fetchWith } from '../../services/cookie-jar.ts';
import { type PhpService, startPhp } from '../../services/php.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';
import { type RedisMonitor, redisMonitor } from '../../services/redis-monitor.ts';
import type { AdapterUnderTest, RunningAdapter } from './adapter-under-test.ts';
import { routes } from './routes.ts';

const LOGIN =
  'session_start(); session_regenerate_id(true);' +
  '$_SESSION["userid"] = "kky"; $_SESSION["username"] = "홍길동"; echo session_id();';
const SHOW = 'session_start(); echo json_encode((object) $_SESSION, JSON_UNESCAPED_UNICODE);';
const LOGOUT =
  'session_start(); $_SESSION = []; session_destroy(); setcookie(session_name(), "", 1, "/");';

type Options = Omit<SessionManagerOptions, 'prefix'> & { readonly prefix?: string };

/** Every adapter must pass this, against real PHP with phpredis and a real Redis. */
export function describeAdapter(adapter: AdapterUnderTest): void {
  describe(adapter.name, () => {
    let redis: RedisService;
    let php: PhpService<'plain' | 'strict' | 'other' | 'serialize'>;
    let monitor: RedisMonitor;
    let jar: CookieJar;
    const running = new Map<string, RunningAdapter>();

    beforeAll(async () => {
      redis = await startRedis();
      monitor = await redisMonitor(redis);
      const ini = { 'session.save_handler': 'redis', 'session.save_path': redis.savePath() };
      const cookie = { 'session.cookie_httponly': true, 'session.cookie_samesite': 'Lax' };
      php = await startPhp({
        pools: {
          plain: { ini: { ...ini, ...cookie } },
          strict: { ini: { ...ini, ...cookie, 'session.use_strict_mode': true } },
          other: { ini: { ...ini, 'session.save_path': redis.savePath('prefix=session:') } },
          serialize: { ini: { ...ini, 'session.serialize_handler': 'php_serialize' } },
        },
      });
    });

    afterAll(async () => {
      for (const { close } of running.values()) await close();
      monitor?.stop();
      await php?.stop();
      await redis?.stop();
    });

    beforeEach(() => {
      jar = cookieJar();
    });

    /** The adapter with these options; started once for each. */
    async function start({ prefix, ...options }: Options = {}): Promise<RunningAdapter> {
      const key = JSON.stringify([prefix, options]);
      let found = running.get(key);
      if (!found) {
        const savePath = redis.savePath(prefix && `prefix=${prefix}`);
        found = await adapter.start({ gcMaxlifetime: 1440, savePath, ...options }, routes);
        running.set(key, found);
      }
      return found;
    }

    async function node(path: string, options: Options = {}): Promise<Response> {
      const { url } = await start(options);
      return fetchWith(jar, url + path);
    }

    const json = async (path: string, options?: Options) => (await node(path, options)).json();

    const page = async (source: string, pool: keyof typeof php.pools = 'plain') => {
      const { body, stderr } = await php.pools[pool].run(source, { jar });
      expect(stderr).toBe('');
      return body;
    };

    const shown = async (pool?: keyof typeof php.pools) => JSON.parse(await page(SHOW, pool));
    const stored = (id: string, prefix = 'PHPREDIS_SESSION:') =>
      redis.client.getBuffer(prefix + id).then((bytes) => bytes?.toString() ?? null);
    const id = () => decodeURIComponent(jar.get('PHPSESSID') ?? '');

    /** The commands that reached Redis, scripts named as one. */
    async function commands(work: () => Promise<unknown>): Promise<string[]> {
      const seen = await monitor.during(work);
      return seen.filter(({ client }) => client !== 'lua').map(({ command }) => command);
    }

    describe('one login', () => {
      test('PHP logs in, Node knows and adds to the cart, PHP shows it, Node logs out', async () => {
        const session = await page(LOGIN);
        expect(await json('/show')).toEqual({ userid: 'kky', username: '홍길동' });
        expect(await json('/buy?item=사과')).toEqual(['사과']);
        expect(id()).toBe(session);
        expect(await shown()).toEqual({ userid: 'kky', username: '홍길동', cart: ['사과'] });
        expect(await json('/logout')).toEqual([]);
        expect(jar.get('PHPSESSID')).toBeUndefined();
        expect(await stored(session)).toBeNull();
        jar.set('PHPSESSID', session);
        expect(await shown()).toEqual({});
      });

      test('Node logs in, PHP knows and logs out, Node knows nobody', async () => {
        const session = String(await json('/login?userid=lde'));
        expect(id()).toBe(session);
        expect(await shown()).toEqual({ userid: 'lde' });
        await page(LOGOUT);
        expect(await stored(session)).toBeNull();
        jar.set('PHPSESSID', session);
        expect(await json('/show')).toEqual({});
      });

      test('PHP regenerates the id, Node follows', async () => {
        const before = await page(LOGIN);
        await page('session_start(); session_regenerate_id(true);');
        expect(id()).not.toBe(before);
        expect(await json('/show')).toMatchObject({ userid: 'kky' });
      });

      test('under another prefix', async () => {
        await page(LOGIN, 'other');
        const options = { prefix: 'session:' };
        expect(await json('/show', options)).toMatchObject({ userid: 'kky' });
        await json('/buy?item=tea', options);
        expect(await shown('other')).toMatchObject({ userid: 'kky', cart: ['tea'] });
        expect(await stored(id(), 'session:')).toContain('cart|a:1:');
        expect(await stored(id())).toBeNull();
      });

      test('under php_serialize', async () => {
        await page(LOGIN, 'serialize');
        const options = { serializeHandler: 'php_serialize' } as const;
        await json('/buy?item=차', options);
        expect(await shown('serialize')).toEqual({
          userid: 'kky',
          username: '홍길동',
          cart: ['차'],
        });
      });

      test('replacing all variables keeps the id', async () => {
        const session = await page(LOGIN);
        const response = await node('/replace');
        expect(response.headers.getSetCookie()).toEqual([]);
        expect(id()).toBe(session);
        expect(await shown()).toEqual({ only: 'this' });
      });
    });

    describe('bytes', () => {
      const FRAMEWORKS =
        'session_start(); $_SESSION = ["_token" => "abc", "_sf2_attributes" => ["_csrf/x" => "y"],' +
        '"__ci_last_regenerate" => 5, "list" => [10 => "b", 9 => "a"], "price" => 12.0, "none" => []];';

      test('keys of PHP frameworks, order, floats survive a write', async () => {
        await page(FRAMEWORKS);
        const before = await stored(id());
        await json('/set?added=홍길동');
        expect(await stored(id())).toBe(`${before}added|s:9:"홍길동";`);
      });

      test('nothing changed: the bytes stay, the TTL is gcMaxlifetime again', async () => {
        await page(FRAMEWORKS);
        const before = await stored(id());
        await redis.client.expire(`PHPREDIS_SESSION:${id()}`, 100);
        await json('/show');
        expect(await stored(id())).toBe(before);
        expect(await redis.client.ttl(`PHPREDIS_SESSION:${id()}`)).toBeGreaterThan(1400);
      });

      test('after a change PHP finds its own bytes: it sends EXPIRE, not SETEX', async () => {
        await page(FRAMEWORKS);
        await json('/set?added=1');
        const seen = await commands(() => page(SHOW));
        expect(seen).toContain('EXPIRE');
        expect(seen).not.toContain('SETEX');
      });

      test('an empty session of PHP is one, and is filled under its id', async () => {
        await page('session_start();');
        const session = id();
        expect(await stored(session)).toBe('');
        expect(await json('/show')).toEqual({});
        const response = await node('/set?a=1');
        expect(response.headers.getSetCookie()).toEqual([]);
        expect(await stored(session)).toBe('a|s:1:"1";');
      });
    });

    describe('ids and cookies', () => {
      const PLANTED = 'planted0123456789abcdefgh';

      test('the cookie of a new session is the one PHP sends', async () => {
        const response = await node('/set?a=1');
        const ours = response.headers.getSetCookie();
        jar.clear();
        const theirs = (await php.pools.plain.run(SHOW)).setCookies;
        const anonymous = (text: string) => text.replace(/=[\w,%-]+;/, '=…;');
        expect(ours.map(anonymous)).toEqual(theirs.map(anonymous));
      });

      test('an unknown id: strict mode gives a new one, as in PHP', async () => {
        jar.set('PHPSESSID', PLANTED);
        await page('session_start();', 'strict');
        expect(id()).not.toBe(PLANTED);
        jar.set('PHPSESSID', PLANTED);
        await json('/set?a=1');
        expect(id()).not.toBe(PLANTED);
        expect(await stored(PLANTED)).toBeNull();
      });

      test('an unknown id: without strict mode it is adopted, as in PHP', async () => {
        const options = { useStrictMode: false };
        jar.set('PHPSESSID', PLANTED);
        const response = await node('/set?a=1', options);
        expect(response.headers.getSetCookie()).toEqual([]);
        expect(await shown()).toEqual({ a: '1' });
        expect(id()).toBe(PLANTED);
        await redis.client.del(`PHPREDIS_SESSION:${PLANTED}`);
      });

      test('fixation: an id that was planted before the login is dead after it', async () => {
        jar.set('PHPSESSID', PLANTED);
        await page('session_start(); $_SESSION["seen"] = 1;');
        expect(id()).toBe(PLANTED);
        await json('/login?userid=kky');
        expect(id()).not.toBe(PLANTED);
        expect(await stored(PLANTED)).toBeNull();
        const attacker = await php.pools.strict.run(SHOW, { cookie: { PHPSESSID: PLANTED } });
        expect(attacker.body).toBe('{}');
        expect(await shown()).toMatchObject({ userid: 'kky' });
      });

      test('of duplicate cookies both take the first', async () => {
        await page('session_start(); $_SESSION["who"] = "first";');
        const first = id();
        jar.clear();
        await page('session_start(); $_SESSION["who"] = "second";');
        const cookie = `PHPSESSID=${first}; PHPSESSID=${id()}`;
        const { url } = await start();
        expect(await (await fetch(`${url}/show`, { headers: { cookie } })).json()).toEqual({
          who: 'first',
        });
        expect((await php.pools.plain.run(SHOW, { cookie })).json()).toEqual({ who: 'first' });
      });

      test('an id with a comma is %2C on the wire, both ways', async () => {
        await page('session_id("comma,0123456789-abcdefgh"); session_start(); $_SESSION["a"] = 1;');
        expect(jar.get('PHPSESSID')).toBe('comma%2C0123456789-abcdefgh');
        expect(await json('/show')).toEqual({ a: 1 });
        await json('/set?b=2');
        expect(await shown()).toEqual({ a: 1, b: '2' });
      });

      test('Node ids with commas are taken by PHP', async () => {
        const options = { sidBitsPerCharacter: 6, sidLength: 256 } as const;
        do {
          jar.clear();
          await json('/set?a=1', options);
        } while (!id().includes(','));
        expect(jar.get('PHPSESSID')).not.toContain(',');
        expect(await shown('strict')).toEqual({ a: '1' });
      });
    });

    describe('a handler that fails', () => {
      test('has its session stored, as in PHP', async () => {
        await page(LOGIN);
        expect((await node('/throw')).status).toBe(500);
        expect(await shown()).toMatchObject({ userid: 'kky', tries: 1 });
      });

      test('after regenerate(): the new id reaches the client, the old one is dead', async () => {
        const before = await page(LOGIN);
        expect((await node('/throw?regenerate')).status).toBe(500);
        expect(id()).not.toBe(before);
        expect(await stored(before)).toBeNull();
        expect(await shown()).toMatchObject({ userid: 'kky', tries: 1 });
      });

      test('with something that is no error', async () => {
        expect((await node('/throw?string')).status).toBe(500);
        expect(await shown()).toEqual({ tries: 1 });
      });
    });

    describe('responses that end by themselves', () => {
      test('what the client has seen to its end, PHP finds', async () => {
        await page(LOGIN);
        expect(await (await node('/stream')).text()).toBe('first last');
        expect(await shown()).toMatchObject({ userid: 'kky', streamed: 'yes' });
      });

      test('a new session, saved before the first byte', async () => {
        expect(await (await node('/stream?save')).text()).toBe('first last');
        expect(await shown()).toEqual({ streamed: 'yes' });
      });

      test('a new session that nobody saved: the first byte waits for its cookie', async () => {
        const response = await node('/stream');
        expect(response.headers.getSetCookie()).toHaveLength(1);
        expect(response.headers.get('cache-control')).toBe('private, no-store');
        expect(await response.text()).toBe('first last');
        expect(await shown()).toEqual({ streamed: 'yes' });
      });

      test('a second answer does not change the first', async () => {
        expect(await (await node('/twice')).text()).toBe('first');
        expect(await shown()).toEqual({ answered: 'once' });
      });

      test('a head that Node refuses is an error of the handler, not a client that waits', async () => {
        expect((await node('/redirect-nowhere')).status).toBe(500);
        expect(await shown()).toEqual({ tries: 1 });
      });

      test('headers sent: no session is created, the connection is cut', async () => {
        const seen = await commands(async () => {
          // Cut before or after the client saw the headers, as the network has it.
          await expect(node('/late').then((response) => response.text())).rejects.toThrow();
        });
        expect(seen).toEqual([]);
      });

      test('headers sent: regenerate() is refused, the session stays', async () => {
        const session = await page(LOGIN);
        expect(await (await node('/late-regenerate')).text()).toBe('first ERR_PSB_HEADERS_SENT');
        expect(id()).toBe(session);
        expect(await shown()).toMatchObject({ userid: 'kky' });
      });

      test('the client leaves in mid-request: what the handler still does is stored', async () => {
        const session = await page(LOGIN);
        const { url } = await start();
        const request = httpRequest(`${url}/slow`, { headers: { cookie: jar.header() } });
        request.on('error', () => {}).end();
        await new Promise((resolve) => setTimeout(resolve, 100));
        request.destroy();
        await vi.waitFor(async () => expect(await stored(session)).toContain('finished'), 3_000);
      });
    });

    describe('commands to Redis, and headers, for each kind of request', () => {
      async function costs(path: string) {
        let headers: string[] = [];
        const seen = await commands(async () => {
          const response = await node(path);
          await response.arrayBuffer();
          headers = response.headers.getSetCookie().map((text) => text.split('=')[0] as string);
        });
        return { commands: seen, cookies: headers };
      }

      const SCRIPT = 'EVALSHA';

      test.each([
        ['no cookie, session ignored', '', '/ignore', [], []],
        ['no cookie, session read', '', '/show', [], []],
        ['no cookie, logout', '', '/logout', [], []],
        ['nonsense for an id', '../../x', '/show', [], []],
        ['a lock for an id', 'known_LOCK', '/show', [], []],
        ['no cookie, session created', '', '/set?a=1', [SCRIPT], ['PHPSESSID']],
        ['known, ignored', 'known', '/ignore', [SCRIPT], []],
        ['known, read', 'known', '/show', [SCRIPT], []],
        ['known, changed', 'known', '/set?a=2', [SCRIPT, SCRIPT], []],
        ['known, set to what it is', 'known', '/set?a=1', [SCRIPT], []],
        ['known, logged out', 'known', '/logout', [SCRIPT, SCRIPT], ['PHPSESSID']],
        ['unknown, read', 'unknown', '/show', [SCRIPT], []],
      ])('%s', async (_, cookie, path, expected, cookies) => {
        // The script is loaded, and the connection is up, before the count begins.
        await json('/set?a=1');
        if (cookie === '') jar.clear();
        else if (cookie === 'unknown') jar.set('PHPSESSID', '0'.repeat(32));
        else if (cookie !== 'known') jar.set('PHPSESSID', cookie.replace('known', id()));
        expect(await costs(path)).toEqual({ commands: expected, cookies });
      });
    });
  });
}
