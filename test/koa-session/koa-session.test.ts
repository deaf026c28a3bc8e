import Koa from 'koa';
import session from 'koa-session';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { encodeSession } from '../../src/codec/session.ts';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { StoreError } from '../../src/errors.ts';
import {
  type KoaSessionOptions,
  type PhpKoaSession,
  phpSessionOptions,
} from '../../src/koa-session/index.ts';
import { signIn } from '../../src/testing.ts';
import { RecordingSaveHandler } from '../http/recording-save-handler.ts';
import { get, serve } from '../http/server.ts';

let store: RecordingSaveHandler;
let sessions: SessionManager;
let errors: unknown[];

function use(options: Omit<SessionManagerOptions, 'saveHandler'> = {}): void {
  store = new RecordingSaveHandler(options);
  sessions = new SessionManager({ ...options, saveHandler: store });
  errors = [];
}

beforeEach(() => use());

type Handler = (session: PhpKoaSession, ctx: Koa.Context) => unknown;

async function start(handler: Handler, options: KoaSessionOptions = {}) {
  const app = new Koa();
  app.on('error', (error) => errors.push(error));
  app.use(session(phpSessionOptions(sessions, options), app));
  app.use(async (ctx) => {
    await handler(ctx.session as unknown as PhpKoaSession, ctx);
    ctx.body ??= 'ok';
  });
  return { app, url: await serve(app.callback()) };
}

async function signedIn(variables: object = { userid: 'kky' }) {
  const cookie = await signIn(sessions, { ...variables });
  store.take();
  return { cookie, id: idOf(cookie) };
}

async function stored(id: string) {
  const found = await sessions.open(id, { readOnly: true });
  const variables = found.exists ? { ...found.variables } : null;
  await found.abort();
  store.calls.pop();
  return variables;
}

function idOf(cookie: string | undefined): string {
  return (cookie ?? '').replace(/^\w+=/, '');
}

describe('the whole $_SESSION is ctx.session.php', () => {
  test('reads with one command, and sends no cookie', async () => {
    const { cookie } = await signedIn({ userid: 'kky', _token: 'x', _sf2_attributes: { a: 1 } });
    const { url } = await start(({ php }, ctx) => {
      ctx.body = php;
    });
    const { body, setCookie } = await get(url, cookie);
    expect(JSON.parse(body)).toEqual({ userid: 'kky', _token: 'x', _sf2_attributes: { a: 1 } });
    expect(setCookie).toEqual([]);
    expect(store.take()).toEqual(['read+refresh']);
  });

  test("onUnreadable 'new': koa-session begins a session of its own, the bytes stay", async () => {
    use({ onUnreadable: 'new', onWarning: () => {} });
    const id = sessions.createId();
    await store.write(id, Buffer.from('a:1:{s:1:"a";i:1;}'));
    const { url } = await start((session) => {
      session.php = { userid: 'kky' };
    });
    const { status, cookie } = await get(url, `PHPSESSID=${id}`);
    expect(status).toBe(200);
    expect(idOf(cookie)).not.toBe(id);
    expect(await stored(idOf(cookie))).toEqual({ userid: 'kky' });
    expect(String(await store.read(id))).toBe('a:1:{s:1:"a";i:1;}');
    expect(errors).toEqual([]);
  });

  test('writes without losing names that begin with _, or adding any', async () => {
    const { cookie, id } = await signedIn({ _token: 'x', _expire: 5, maxAge: 7, length: 1 });
    const { url } = await start(({ php }) => {
      if (php) php['cart'] = ['사과'];
    });
    await get(url, cookie);
    expect(await stored(id)).toEqual({
      _token: 'x',
      _expire: 5,
      maxAge: 7,
      length: 1,
      cart: ['사과'],
    });
    expect(store.take()).toEqual(['read+refresh', 'writeIf']);
  });

  test('without a cookie: nothing is asked, nothing sent', async () => {
    const { url } = await start(({ php, isNew }, ctx) => {
      ctx.body = [php === undefined, isNew];
    });
    expect(await get(url)).toMatchObject({ body: '[true,true]', setCookie: [] });
    expect(store.take()).toEqual([]);
  });

  test('creates with the cookie as PHP has it', async () => {
    const { url } = await start((s) => {
      s.php = { userid: 'kky' };
    });
    const { setCookie, cookie } = await get(url);
    expect(setCookie).toEqual([
      expect.stringMatching(/^PHPSESSID=\w{32}; path=\/; samesite=lax; httponly$/),
    ]);
    expect(await stored(idOf(cookie))).toEqual({ userid: 'kky' });
    expect(store.take()).toEqual(['writeIf']);
  });

  test('an empty session of PHP is a session', async () => {
    const id = 'empty0123456789012345678';
    await store.write(id, Buffer.alloc(0));
    store.take();
    const { url } = await start(({ php, isNew }, ctx) => {
      ctx.body = [php, isNew];
      if (php && ctx.path === '/write') php['userid'] = 'kky';
    });
    expect((await get(url, `PHPSESSID=${id}`)).body).toBe('[{},false]');
    expect(store.take()).toEqual(['read+refresh']);
    await get(`${url}/write`, `PHPSESSID=${id}`);
    expect(await stored(id)).toEqual({ userid: 'kky' });
  });

  test('names beside php are refused, not lost', async () => {
    const { cookie, id } = await signedIn();
    const { url } = await start((s) => {
      (s as unknown as Record<string, unknown>)['passport'] = { user: 1 };
    });
    expect((await get(url, cookie)).status).toBe(500);
    expect(String(errors[0])).toContain('ctx.session.php');
    expect(await stored(id)).toEqual({ userid: 'kky' });
  });

  test('replacing and emptying it', async () => {
    const { cookie, id } = await signedIn();
    const { url } = await start((s, ctx) => {
      if (ctx.path === '/replace') s.php = { language: 'ko' };
      else delete s.php;
    });
    await get(`${url}/replace`, cookie);
    expect(await stored(id)).toEqual({ language: 'ko' });
    await get(`${url}/empty`, cookie);
    expect(await stored(id)).toEqual({});
  });

  test('an equal replacement sends no write', async () => {
    const { cookie } = await signedIn();
    const { url } = await start((s) => {
      s.php = { userid: 'kky' };
    });
    await get(url, cookie);
    expect(store.take()).toEqual(['read+refresh']);
  });
});

describe('the change check sees what JSON does not', () => {
  const ID = 'php0123456789012345678901';

  async function afterwards(bytes: string, change: (php: Record<string, unknown>) => void) {
    await store.write(ID, Buffer.from(bytes));
    store.take();
    const { url } = await start(({ php }) => change(php as Record<string, unknown>));
    const { status } = await get(url, `PHPSESSID=${ID}`);
    expect(status).toBe(200);
    const { calls } = store;
    return { calls: [...calls], bytes: String(await store.read(ID)) };
  }

  test('a name set on an empty PHP array', async () => {
    const { bytes } = await afterwards('cart|a:0:{}', (php) => {
      Object.assign(php['cart'] as object, { apple: 1 });
    });
    expect(bytes).toBe('cart|a:1:{s:5:"apple";i:1;}');
  });

  test('a 64-bit id, read and written', async () => {
    const big = 'id|i:9223372036854775807;';
    expect((await afterwards(big, () => {})).calls).toEqual(['read+refresh']);
    const { bytes } = await afterwards(big, (php) => {
      php['id'] = (php['id'] as bigint) - 1n;
    });
    expect(bytes).toBe('id|i:9223372036854775806;');
  });

  test('a float that becomes another value, and one that stays', async () => {
    expect((await afterwards('price|d:12;', () => {})).calls).toEqual(['read+refresh']);
    const { bytes } = await afterwards('price|d:12;', (php) => {
      php['price'] = 13;
    });
    expect(bytes).toBe('price|d:13;');
  });

  test('a float that becomes an int', async () => {
    const { bytes } = await afterwards('price|d:12;', (php) => {
      // A number would stay the float that the slot held; a bigint is an int for certain.
      php['price'] = 12n;
    });
    expect(bytes).toBe('price|i:12;');
  });

  test('bytes that PHP would write otherwise are not written by a reader', async () => {
    const { calls, bytes } = await afterwards('x|d:1.50;', () => {});
    expect(calls).toEqual(['read+refresh']);
    expect(bytes).toBe('x|d:1.50;');
  });

  test('a property that is not public, which JSON does not show', async () => {
    const user = 'O:4:"User":2:{s:1:"n";i:1;s:7:"\0*\0role";s:5:"guest";}';
    const before = `user|${user}`;
    const read = await afterwards(before, ({ user: shown }) => {
      expect(JSON.stringify(shown)).toBe('{"n":1}');
    });
    expect(read.bytes).toBe(before);
    expect(read.calls).toEqual(['read+refresh']);
    const { bytes } = await afterwards(before, (php) => {
      (php['user'] as Record<string, unknown>)['role'] = 'admin';
    });
    expect(bytes).toBe(before.replace('s:5:"guest"', 's:5:"admin"'));
    const guarded = before.replace(':2:{', ':3:{s:6:"toJSON";i:1;');
    const changed = await afterwards(guarded, (php) => {
      (php['user'] as Record<string, unknown>)['role'] = 'admin';
    });
    expect(changed.bytes).toBe(guarded.replace('s:5:"guest"', 's:5:"admin"'));
  });

  test('a session variable named toJSON', async () => {
    const { bytes } = await afterwards('toJSON|i:1;', (php) => {
      php['n'] = 1;
    });
    expect(bytes).toBe('toJSON|i:1;n|i:1;');
  });
});

describe('nothing lost', () => {
  test('what somebody else wrote meanwhile is merged', async () => {
    const { cookie, id } = await signedIn();
    const { url } = await start(async ({ php }) => {
      if (php) php['node'] = 1;
      await sessions.run(id, ({ variables }) => {
        variables['php'] = 2;
      });
    });
    await get(url, cookie);
    expect(await stored(id)).toEqual({ userid: 'kky', node: 1, php: 2 });
  });

  test('a logout meanwhile is not undone: onLost', async () => {
    const lost: string[] = [];
    use({ onLost: (error) => lost.push(error.code) });
    const { cookie, id } = await signedIn();
    const { url } = await start(async ({ php }) => {
      if (php) php['node'] = 1;
      await store.destroy(id);
    });
    expect((await get(url, cookie)).status).toBe(200);
    expect(lost).toEqual(['ERR_PSB_SESSION_GONE']);
    expect(await stored(id)).toBeNull();
  });

  test('the manager closes at once: no session stays open', async () => {
    const { cookie } = await signedIn();
    const { url } = await start(() => {});
    await get(url, cookie);
    const started = performance.now();
    await sessions.close();
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('a handler that throws', () => {
  test('the cookie of a new session survives the error response', async () => {
    const { url } = await start((s) => {
      s.php = { tries: 1 };
      throw new Error('boom');
    });
    const { status, cookie, setCookie } = await get(url);
    expect(status).toBe(500);
    expect(setCookie).toHaveLength(1);
    expect(await stored(idOf(cookie))).toEqual({ tries: 1 });
  });

  test('so does that of a regenerated one', async () => {
    const { cookie, id } = await signedIn();
    const { url } = await start(async (s) => {
      await s.regenerate();
      throw new Error('boom');
    });
    const answer = await get(url, cookie);
    expect(answer.setCookie).toHaveLength(1);
    expect(await stored(id)).toBeNull();
    expect(await stored(idOf(answer.cookie))).toEqual({ userid: 'kky' });
  });

  test('without an error it is sent once', async () => {
    const { url } = await start((s) => {
      s.php = { tries: 1 };
    });
    expect((await get(url)).setCookie).toHaveLength(1);
  });
});

describe('as the README of koa-session says', () => {
  test('ctx.session = null destroys the session and clears the cookie', async () => {
    const { cookie, id } = await signedIn();
    const { url } = await start((_, ctx) => {
      (ctx as unknown as { session: null }).session = null;
    });
    const { setCookie } = await get(url, cookie);
    expect(setCookie).toEqual([
      expect.stringMatching(/^PHPSESSID=; path=\/; expires=Thu, 01 Jan 1970/),
    ]);
    expect(await stored(id)).toBeNull();
    expect(store.take()).toEqual(['read+refresh', 'destroyIf']);
  });

  test('regenerate() moves everything to a new id', async () => {
    const { cookie, id } = await signedIn();
    const { url } = await start(async (s) => {
      await s.regenerate();
      if (s.php) s.php['late'] = true;
    });
    const answer = await get(url, cookie);
    expect(idOf(answer.cookie)).toMatch(/^\w{32}$/);
    expect(idOf(answer.cookie)).not.toBe(id);
    expect(await stored(id)).toBeNull();
    expect(await stored(idOf(answer.cookie))).toEqual({ userid: 'kky', late: true });
  });

  test('save() stores at once, also a session that is empty', async () => {
    const { url } = await start(async (s, ctx) => {
      await s.save();
      ctx.body = s.externalKey;
    });
    const { body, cookie } = await get(url);
    expect(idOf(cookie)).toBe(body);
    expect(await stored(body)).toEqual({});
  });

  test('autoCommit: false leaves it to manuallyCommit()', async () => {
    const { cookie, id } = await signedIn();
    const { url } = await start(
      async (s, ctx) => {
        if (s.php) s.php['n'] = 1;
        if (ctx.path === '/commit') await s.manuallyCommit();
      },
      { autoCommit: false },
    );
    await get(url, cookie);
    expect(await stored(id)).not.toHaveProperty('n');
    await get(`${url}/commit`, cookie);
    expect(await stored(id)).toHaveProperty('n', 1);
  });

  test('maxAge is the cookie’s, the session keeps PHP’s lifetime', async () => {
    const { url } = await start(
      (s) => {
        s.php = { userid: 'kky' };
      },
      { maxAge: 60_000 },
    );
    const { setCookie, cookie } = await get(url);
    const expires = Date.parse(/expires=([^;]+)/.exec(setCookie[0] ?? '')?.[1] ?? '');
    expect(Math.abs(expires - Date.now() - 60_000)).toBeLessThan(3_000);
    expect(await stored(idOf(cookie))).toEqual({ userid: 'kky' });
  });

  test("maxAge: 'session' is a cookie that ends with the browser", async () => {
    const { url } = await start(
      (s) => {
        s.php = { userid: 'kky' };
      },
      { maxAge: 'session' },
    );
    const { setCookie, cookie } = await get(url);
    expect(setCookie[0]).not.toContain('expires');
    expect(await stored(idOf(cookie))).toEqual({ userid: 'kky' });
  });

  test('ctx.session.maxAge = … sends the cookie again', async () => {
    const { cookie, id } = await signedIn();
    const { url } = await start((s) => {
      s.maxAge = 60_000;
    });
    const { setCookie } = await get(url, cookie);
    expect(setCookie).toEqual([expect.stringMatching(new RegExp(`^PHPSESSID=${id};.*expires=`))]);
    expect(await stored(id)).toEqual({ userid: 'kky' });
  });

  test('rolling sends it with every response, and still writes nothing', async () => {
    const { cookie } = await signedIn();
    const { url } = await start(() => {}, { rolling: true, maxAge: 60_000 });
    expect((await get(url, cookie)).setCookie).toHaveLength(1);
    expect(store.take()).toEqual(['read+refresh']);
  });

  test('valid() and beforeSave()', async () => {
    const { cookie, id } = await signedIn();
    const beforeSave = vi.fn();
    const { url } = await start(
      (s, ctx) => {
        ctx.body = [s.isNew];
        if (s.php) s.php['n'] = 1;
      },
      { valid: (ctx, data) => ctx.path !== '/invalid' && data.php.userid === 'kky', beforeSave },
    );
    expect((await get(`${url}/invalid`, cookie)).body).toBe('[true]');
    expect(await stored(id)).toEqual({ userid: 'kky' });
    expect((await get(url, cookie)).body).toBe('[false]');
    expect(beforeSave).toHaveBeenCalledOnce();
    expect(await stored(id)).toEqual({ userid: 'kky', n: 1 });
  });

  test('session:missed for an unknown id, which is not adopted', async () => {
    const { app, url } = await start((s) => {
      s.php = { userid: 'kky' };
    });
    const missed = vi.fn();
    app.on('session:missed', missed);
    const planted = '0'.repeat(32);
    const { cookie } = await get(url, `PHPSESSID=${planted}`);
    expect(idOf(cookie)).not.toBe(planted);
    expect(await stored(planted)).toBeNull();
    await vi.waitFor(() => expect(missed).toHaveBeenCalledOnce());
  });

  test('session:invalid', async () => {
    const { cookie } = await signedIn();
    const { app, url } = await start(() => {}, { valid: () => false });
    const invalid = vi.fn();
    app.on('session:invalid', invalid);
    await get(url, cookie);
    await vi.waitFor(() => expect(invalid).toHaveBeenCalledOnce());
  });
});

describe('ids', () => {
  test('nonsense never reaches the store', async () => {
    const { url } = await start(({ isNew }, ctx) => {
      ctx.body = [isNew];
    });
    for (const value of ['../../x', `${'x'.repeat(32)}_LOCK`, 'x'.repeat(5000), '%', '%00']) {
      expect((await get(url, `PHPSESSID=${value}`)).body).toBe('[true]');
    }
    expect(store.take()).toEqual([]);
  });

  test('with a comma, encoded as PHP sends them', async () => {
    const id = 'a,b-c0123456789ABCDEFGHIJ';
    await store.write(id, encodeSession({ userid: 'kky' }, { handler: 'php' }));
    const { url } = await start(({ php }) => {
      if (php) php['n'] = 1;
    });
    expect((await get(url, 'PHPSESSID=a%2Cb-c0123456789ABCDEFGHIJ')).cookie).toBe(
      'PHPSESSID=a%2Cb-c0123456789ABCDEFGHIJ',
    );
    expect(await stored(id)).toEqual({ userid: 'kky', n: 1 });
  });
});

describe('secure cookies and sent headers', () => {
  test('a secure cookie that cannot be sent fails before the session is stored', async () => {
    use({ cookieSecure: true });
    const { url } = await start((s) => {
      s.php = { userid: 'kky' };
    });
    expect((await get(url)).status).toBe(500);
    expect(store.take()).toEqual([]);
  });

  test('so does a session that begins after the headers went out', async () => {
    const { url } = await start((s, ctx) => {
      ctx.respond = false;
      ctx.res.write('part');
      s.php = { userid: 'kky' };
    });
    await fetch(url).then(
      (response) => response.body?.cancel(),
      () => {},
    );
    await vi.waitFor(() =>
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_PSB_HEADERS_SENT' })]),
    );
    expect(store.take()).toEqual([]);
  });
});

describe('what is refused at start', () => {
  test.each<[string, object]>([
    ['signed', { signed: true }],
    ['key', { key: 'koa.sess' }],
    ['store', { store: {} }],
    ['externalKey', { externalKey: { get() {}, set() {} } }],
    ['genid', { genid: () => 'x' }],
    ['renew', { renew: true }],
    ['encode', { encode: String }],
    ['sameSite', { sameSite: 'lax' }],
    ['lock', { concurrency: 'lock', onWarning: () => {} }],
    ['refreshAt', { refreshAt: 'commit' }],
    ['refresh', { refresh: 'used' }],
    ['cacheLimiter', { cacheLimiter: 'nocache' }],
  ])('%s', (name, options) => {
    const refused = expect.objectContaining({
      code: 'ERR_PSB_OPTIONS',
      message: expect.stringContaining(name),
    });
    expect(() => phpSessionOptions({ saveHandler: store, ...options })).toThrow(refused);
  });

  test.each([undefined, null, 'tcp://127.0.0.1:6379'])('no options: %s', (options) => {
    expect(() => phpSessionOptions(options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_PSB_OPTIONS' }),
    );
  });

  test('also when the manager brings it', () => {
    const locking = new SessionManager({
      saveHandler: store,
      concurrency: 'lock',
      onWarning: () => {},
    });
    expect(() => phpSessionOptions(locking)).toThrow(/lock/);
  });

  test('each call makes its own options: koa-session writes into them', () => {
    expect(phpSessionOptions(sessions)).not.toBe(phpSessionOptions(sessions));
    expect(phpSessionOptions(sessions).store.sessions).toBe(sessions);
  });
});

describe('the response that sets the cookie', () => {
  const login: Handler = (_, ctx) => {
    ctx.session = { php: { userid: 'kky' } } as unknown as typeof ctx.session;
  };

  test('is private, no-store; also the one that ends it', async () => {
    const { url } = await start((session, ctx) => {
      if (ctx.path === '/out') ctx.session = null as unknown as typeof ctx.session;
      else if (ctx.path === '/login') return login(session, ctx);
      return undefined;
    });
    const { headers, cookie } = await get(`${url}/login`);
    expect(headers.get('cache-control')).toBe('private, no-store');
    expect((await get(url, cookie)).headers.get('cache-control')).toBeNull();
    const out = await get(`${url}/out`, cookie);
    expect(out.setCookie[0]).toMatch(/^PHPSESSID=;/);
    expect(out.headers.get('cache-control')).toBe('private, no-store');
  });

  test('unless the application says otherwise; public warns once', async () => {
    const warnings: string[] = [];
    use({ onWarning: (code) => void warnings.push(code) });
    const { url } = await start((session, ctx) => {
      ctx.set('Cache-Control', 'public, max-age=60');
      return login(session, ctx);
    });
    for (let at = 0; at < 2; at++) {
      expect((await get(url)).headers.get('cache-control')).toBe('public, max-age=60');
    }
    expect(warnings).toEqual(['PSB_PUBLIC_COOKIE']);
  });

  test('carries the end of the cookie when the logout failed', async () => {
    const { cookie } = await signedIn();
    const { url } = await start((_, ctx) => {
      store.failing = { call: 'destroyIf', error: new StoreError('ERR_PSB_STORE', 'down') };
      ctx.session = null as unknown as typeof ctx.session;
    });
    const answer = await get(url, cookie);
    expect(answer.status).toBe(503);
    expect(answer.setCookie).toEqual([expect.stringMatching(/^PHPSESSID=deleted;/)]);
  });

  test('ends the cookie of a session that was logged out elsewhere', async () => {
    const { cookie, id } = await signedIn();
    await store.destroy(id);
    const open = sessions.open.bind(sessions);
    vi.spyOn(sessions, 'open').mockImplementation(async (...args) => {
      const session = await open(...args);
      if (args[0] === id) Object.defineProperty(session, 'revoked', { value: true });
      return session;
    });
    const { url } = await start((session, ctx) => {
      if (ctx.path === '/login') return login(session, ctx);
      return undefined;
    });
    expect((await get(url, cookie)).setCookie).toEqual([
      expect.stringMatching(/^PHPSESSID=deleted;/),
    ]);
    expect((await get(`${url}/login`, cookie)).setCookie).toEqual([
      expect.stringMatching(/^PHPSESSID=\w{32};/),
    ]);
  });

  describe('with revokedTtl', () => {
    beforeEach(() => use({ revokedTtl: 100_000, onWarning: () => {} }));

    const outcomes: [path: string, setCookie: unknown[]][] = [
      ['/login', []],
      ['/new-id', []],
      ['/logout', [expect.stringMatching(/^PHPSESSID=deleted;/)]],
    ];

    test.each(outcomes)('a request that comes after %s with the old id', async (path, expected) => {
      const { cookie, id } = await signedIn();
      const { url } = await start(async (session, ctx) => {
        if (ctx.path === '/new-id') await session.regenerate();
        if (ctx.path === '/login') {
          await session.regenerate();
          login(session, ctx);
        }
        if (ctx.path === '/logout') ctx.session = null as unknown as typeof ctx.session;
      });
      expect((await get(url + path, cookie)).status).toBe(200);
      expect(await store.read(id)).toBeNull();
      expect((await get(`${url}/late`, cookie)).setCookie).toEqual(expected);
    });
  });

  test.each<[Omit<SessionManagerOptions, 'saveHandler'>, object]>([
    [{ name: '__Host-id' }, { secure: true }],
    [{ name: '__Secure-id' }, { secure: true }],
    [{ cookieSamesite: 'None' }, { secure: true, sameSite: 'None' }],
    [{ partitioned: true }, { secure: true, partitioned: true }],
    [{ cookieSecure: true }, { secure: true }],
    [{ cookieSecure: false }, { secure: false }],
  ])('%o is %o for koa-session', (options, expected) => {
    use(options);
    expect(phpSessionOptions(sessions)).toMatchObject(expected);
  });

  test("with 'auto' koa-session follows the request", () => {
    expect(phpSessionOptions(sessions)).not.toHaveProperty('secure');
  });
});
