import { Agent, request as httpRequest } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import Koa3 from 'koa';
import Koa2 from 'koa2';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { SessionManager } from '../../src/config/session-manager.ts';
import { StoreError } from '../../src/errors.ts';
import { type PhpSessionKoaOptions, phpSession } from '../../src/koa/index.ts';
import { MemorySaveHandler, signIn } from '../../src/testing.ts';
import { RecordingSaveHandler } from '../http/recording-save-handler.ts';
import { get, serve } from '../http/server.ts';

const versions: [version: string, Koa: typeof Koa3][] = [
  ['Koa 3', Koa3],
  ['Koa 2.16', Koa2 as unknown as typeof Koa3],
];

describe.each(versions)('%s', (_version, Koa) => {
  let store: RecordingSaveHandler;
  let sessions: SessionManager;
  let errors: unknown[];

  beforeEach(() => {
    store = new RecordingSaveHandler();
    sessions = new SessionManager({ saveHandler: store });
    errors = [];
  });

  type Handler = (ctx: Koa3.Context) => unknown;

  async function start(handler: Handler, options?: PhpSessionKoaOptions, before?: Koa3.Middleware) {
    const app = new Koa();
    app.on('error', (error) => errors.push(error));
    if (before) app.use(before);
    app.use(phpSession(sessions, options));
    app.use(handler as Koa3.Middleware);
    return serve(app.callback());
  }

  async function signedIn(variables: object = { userid: 'kky' }) {
    const cookie = await signIn(sessions, { ...variables });
    store.take();
    return { cookie, id: idOf(cookie) };
  }

  async function stored(id: string) {
    const session = await sessions.open(id, { readOnly: true });
    return session.exists ? session.variables : null;
  }

  const down = new StoreError('ERR_PSB_STORE', 'the store is down');

  describe('ctx.session', () => {
    test('reads', async () => {
      const { cookie } = await signedIn();
      const url = await start((ctx) => {
        ctx.body = ctx.session;
      });
      expect((await get(url, cookie)).body).toBe('{"userid":"kky"}');
      expect(store.take()).toEqual(['read+refresh']);
    });

    test('changes', async () => {
      const { cookie, id } = await signedIn();
      const url = await start((ctx) => {
        ctx.session['cart'] = ['사과'];
        ctx.body = 'ok';
      });
      expect((await get(url, cookie)).setCookie).toEqual([]);
      expect(await stored(id)).toEqual({ userid: 'kky', cart: ['사과'] });
    });

    test('creates', async () => {
      const url = await start((ctx) => {
        ctx.session['userid'] = 'kky';
        ctx.body = 'ok';
      });
      const { cookie, setCookie } = await get(url);
      expect(setCookie).toEqual([
        expect.stringMatching(/^PHPSESSID=\w{32}; path=\/; HttpOnly; SameSite=Lax$/),
      ]);
      expect(await stored(idOf(cookie))).toEqual({ userid: 'kky' });
    });

    test('= null logs out', async () => {
      const { cookie, id } = await signedIn();
      const url = await start((ctx) => {
        ctx.session = null;
        ctx.body = ctx.session;
      });
      const { body, setCookie } = await get(url, cookie);
      expect(body).toBe('{}');
      expect(setCookie).toEqual([
        expect.stringMatching(/^PHPSESSID=deleted; expires=Thu, 01 Jan 1970/),
      ]);
      expect(await stored(id)).toBeNull();
    });

    test('= object replaces everything under the same id', async () => {
      const { cookie, id } = await signedIn();
      const url = await start((ctx) => {
        ctx.session = { language: 'ko' };
        ctx.body = 'ok';
      });
      expect((await get(url, cookie)).setCookie).toEqual([]);
      expect(await stored(id)).toEqual({ language: 'ko' });
    });

    test('is not touched by a route that ignores it', async () => {
      const id = 'undecodable0123456789012';
      await store.write(id, Buffer.from('\0not a session'));
      store.take();
      const url = await start((ctx) => {
        ctx.body = 'ok';
      });
      const { headers } = await get(url, `PHPSESSID=${id}`);
      expect(store.take()).toEqual(['read+refresh']);
      expect([...headers.keys()].sort()).toEqual([
        'connection',
        'content-length',
        'content-type',
        'date',
        'keep-alive',
      ]);
    });

    test('that PHP could not read either is an error, and left as it was', async () => {
      const id = 'undecodable0123456789012';
      await store.write(id, Buffer.from('\0not a session'));
      store.take();
      const url = await start((ctx) => {
        ctx.body = ctx.session;
      });
      const { status, body } = await get(url, `PHPSESSID=${id}`);
      expect([status, body]).toEqual([500, 'Internal Server Error']);
      expect(store.take()).toEqual(['read+refresh']);
    });

    test('without a cookie costs nothing', async () => {
      const url = await start((ctx) => {
        ctx.body = ctx.session;
      });
      expect(await get(url)).toMatchObject({ body: '{}', setCookie: [] });
      expect(store.take()).toEqual([]);
    });
  });

  describe('ctx.phpSession', () => {
    test('regenerate() at login', async () => {
      const { cookie, id } = await signedIn({ cart: ['apple'] });
      const url = await start(async (ctx) => {
        await ctx.phpSession.regenerate();
        ctx.session['userid'] = 'kky';
        ctx.body = ctx.phpSession.id;
      });
      const answer = await get(url, cookie);
      expect(idOf(answer.cookie)).toBe(answer.body);
      expect(await stored(id)).toBeNull();
      expect(await stored(answer.body)).toEqual({ cart: ['apple'], userid: 'kky' });
    });

    test('save() before streaming by hand, as session_write_close()', async () => {
      const url = await start(async (ctx) => {
        ctx.session['userid'] = 'kky';
        await ctx.phpSession.save();
        ctx.respond = false;
        ctx.res.write('data: 1\n\n');
        ctx.res.end('data: 2\n\n');
      });
      const { body, cookie } = await get(url);
      expect(body).toBe('data: 1\n\ndata: 2\n\n');
      expect(await stored(idOf(cookie))).toEqual({ userid: 'kky' });
    });

    test('destroy()', async () => {
      const { cookie, id } = await signedIn();
      const url = await start(async (ctx) => {
        await ctx.phpSession.destroy();
        ctx.body = ctx.session;
      });
      const { body, setCookie } = await get(url, cookie);
      expect(body).toBe('{}');
      expect(setCookie[0]).toMatch(/^PHPSESSID=deleted/);
      expect(await stored(id)).toBeNull();
    });
  });

  describe('a handler that throws', () => {
    test('the session is committed all the same, as PHP does; Koa answers the error', async () => {
      const { cookie, id } = await signedIn();
      const url = await start((ctx) => {
        ctx.session['tries'] = 1;
        ctx.throw(403, 'no');
      });
      expect(await get(url, cookie)).toMatchObject({ status: 403, body: 'no' });
      expect(await stored(id)).toMatchObject({ tries: 1 });
    });

    test('the cookie of a new session survives the error response', async () => {
      const url = await start((ctx) => {
        ctx.session['tries'] = 1;
        ctx.set('X-Dropped', 'by Koa');
        throw new Error('boom');
      });
      const { status, cookie, headers } = await get(url);
      expect(status).toBe(500);
      expect(headers.has('x-dropped')).toBe(false);
      expect(await stored(idOf(cookie))).toEqual({ tries: 1 });
    });

    test('beside the headers that the error brings', async () => {
      const url = await start((ctx) => {
        ctx.session['tries'] = 1;
        throw Object.assign(new Error('boom'), {
          status: 401,
          expose: true,
          headers: { 'WWW-Authenticate': 'Basic', 'Set-Cookie': 'a=1' },
        });
      });
      const { headers, setCookie } = await get(url);
      expect(headers.get('www-authenticate')).toBe('Basic');
      expect(setCookie).toEqual(['a=1', expect.stringMatching(/^PHPSESSID=/)]);
    });

    test('after regenerate(): the client gets the new id', async () => {
      const { cookie, id } = await signedIn();
      const url = await start(async (ctx) => {
        await ctx.phpSession.regenerate();
        throw new Error('boom');
      });
      const answer = await get(url, cookie);
      expect(answer.status).toBe(500);
      expect(await stored(idOf(answer.cookie))).toEqual({ userid: 'kky' });
      expect(await stored(id)).toBeNull();
    });

    test('after a logout: the cookie is ended', async () => {
      const { cookie } = await signedIn();
      const url = await start((ctx) => {
        ctx.session = null;
        throw new Error('boom');
      });
      expect((await get(url, cookie)).setCookie[0]).toMatch(/^PHPSESSID=deleted/);
    });

    test.each([
      ['a string', 'boom'],
      ['null', null],
      ['undefined', undefined],
    ])('something odd: %s', async (_, thrown) => {
      const url = await start((ctx) => {
        ctx.session['tries'] = 1;
        throw thrown;
      });
      const { cookie } = await get(url);
      expect(await stored(idOf(cookie))).toEqual({ tries: 1 });
    });

    test('an error handler above may answer for it', async () => {
      const url = await start(
        (ctx) => {
          ctx.session['tries'] = 1;
          throw new Error('boom');
        },
        {},
        async (ctx, next) => {
          try {
            await next();
          } catch {
            for (const name of ctx.res.getHeaderNames()) ctx.remove(name);
            ctx.status = 418;
            ctx.body = 'teapot';
          }
        },
      );
      const { status, cookie, setCookie } = await get(url);
      expect(status).toBe(418);
      expect(setCookie).toHaveLength(1);
      expect(await stored(idOf(cookie))).toEqual({ tries: 1 });
    });

    test('commitOnError: false drops what was not saved', async () => {
      const { cookie, id } = await signedIn();
      const url = await start(
        async (ctx) => {
          ctx.session['saved'] = true;
          await ctx.phpSession.save();
          ctx.session['tries'] = 1;
          throw new Error('boom');
        },
        { commitOnError: false },
      );
      expect((await get(url, cookie)).status).toBe(500);
      expect(await stored(id)).toEqual({ userid: 'kky', saved: true });
    });

    test('and a commit that fails, too: the first error is answered, the second one logged', async () => {
      const { cookie } = await signedIn();
      store.failing = { call: 'writeIf', error: down };
      const url = await start((ctx) => {
        ctx.session['tries'] = 1;
        ctx.throw(403, 'no');
      });
      expect(await get(url, cookie)).toMatchObject({ status: 403, body: 'no' });
      expect(errors).toContain(down);
    });
  });

  describe('a store in trouble', () => {
    test('a session that cannot be read is a 503, and the handler does not run', async () => {
      const { cookie } = await signedIn();
      store.failing = { call: 'read+refresh', error: down };
      const handler = vi.fn();
      const url = await start(handler);
      expect(await get(url, cookie)).toMatchObject({ status: 503, body: 'Service Unavailable' });
      expect(handler).not.toHaveBeenCalled();
      expect(errors).toEqual([down]);
    });

    test('one that cannot be written is a 503', async () => {
      const { cookie } = await signedIn();
      store.failing = { call: 'writeIf', error: down };
      const url = await start((ctx) => {
        ctx.session['visits'] = 1;
        ctx.body = 'stored!';
      });
      expect(await get(url, cookie)).toMatchObject({ status: 503, body: 'Service Unavailable' });
    });
  });

  describe('a response that ends by itself', () => {
    test('waits for the commit', async () => {
      const { cookie, id } = await signedIn();
      let release = () => {};
      store.beforeWrite = () =>
        new Promise((resolve) => {
          release = resolve;
        });
      let done = false;
      const url = await start((ctx) => {
        ctx.respond = false;
        ctx.session['visits'] = 1;
        ctx.res.end('ok');
      });
      const answer = get(url, cookie).then((value) => {
        done = true;
        return value;
      });
      await vi.waitFor(() => expect(store.calls).toContain('writeIf'));
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(done).toBe(false);
      release();
      expect((await answer).body).toBe('ok');
      expect(await stored(id)).toMatchObject({ visits: 1 });
    });

    test('even if the handler awaits that end', async () => {
      const { cookie, id } = await signedIn();
      const url = await start(async (ctx) => {
        ctx.respond = false;
        ctx.session['visits'] = 1;
        await pipeline(Readable.from(['a', 'b']), ctx.res);
      });
      expect((await get(url, cookie)).body).toBe('ab');
      expect(await stored(id)).toMatchObject({ visits: 1 });
    });

    test('without respond = false, too', async () => {
      const url = await start((ctx) => {
        ctx.session['visits'] = 1;
        ctx.res.writeHead(200, { 'Content-Type': 'text/plain' });
        ctx.res.end('ok');
      });
      expect(await get(url)).toMatchObject({
        status: 200,
        body: 'ok',
        setCookie: [expect.stringMatching(/^PHPSESSID=/)],
      });
    });

    test('a commit that fails before the headers went out is answered by Koa', async () => {
      const { cookie } = await signedIn();
      store.failing = { call: 'writeIf', error: down };
      const url = await start((ctx) => {
        ctx.respond = false;
        ctx.session['visits'] = 1;
        ctx.res.writeHead(200, { 'Content-Length': 2 });
        ctx.res.end('ok');
      });
      expect(await get(url, cookie)).toMatchObject({ status: 503, body: 'Service Unavailable' });
    });

    test('one that fails after they did cuts the connection', async () => {
      const { cookie } = await signedIn();
      store.failing = { call: 'writeIf', error: down };
      const url = await start((ctx) => {
        ctx.respond = false;
        ctx.session['visits'] = 1;
        ctx.res.write('part');
        ctx.res.end('end');
      });
      await expect(get(url, cookie)).rejects.toThrow();
      expect(errors).toContain(down);
    });

    test('a session that begins after the first byte cuts it as well, unwritten', async () => {
      const url = await start((ctx) => {
        ctx.respond = false;
        ctx.res.write('part');
        ctx.session['visits'] = 1;
        ctx.res.end('end');
      });
      await expect(get(url)).rejects.toThrow();
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_PSB_HEADERS_SENT' })]);
      expect(store.take()).toEqual([]);
    });

    test('a stream that outlives the handler: the session ends with the handler', async () => {
      const { cookie, id } = await signedIn();
      const source = new PassThrough();
      const url = await start((ctx) => {
        ctx.session['visits'] = 1;
        ctx.body = source;
      });
      const answer = get(url, cookie);
      await vi.waitFor(async () => expect(await stored(id)).toMatchObject({ visits: 1 }));
      source.end('late');
      expect((await answer).body).toBe('late');
    });
  });

  test('a client that leaves in mid-request: the handler finishes, the session is stored', async () => {
    const { cookie, id } = await signedIn();
    const url = await start(async (ctx) => {
      await new Promise((resolve) => ctx.req.once('close', resolve));
      ctx.session['visits'] = 1;
      ctx.body = 'nobody hears this';
    });
    const request = httpRequest(url, { headers: { cookie }, agent: new Agent() });
    request.on('error', () => {}).end();
    await vi.waitFor(() => expect(store.calls).toContain('read+refresh'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    request.destroy();
    await vi.waitFor(async () => expect(await stored(id)).toMatchObject({ visits: 1 }));
    expect(errors).toEqual([]);
  });

  describe("concurrency 'lock'", () => {
    beforeEach(() => {
      store = new RecordingSaveHandler({ lockRetries: 1, lockWaitTime: 1000 });
      sessions = new SessionManager({
        saveHandler: store,
        concurrency: 'lock',
        lockRetries: 1,
        lockWaitTime: 1000,
        onWarning: () => {},
      });
    });

    const set = (value: unknown): Handler => {
      return ({ session }) => {
        session['n'] = value;
      };
    };
    const logOut: Handler = (ctx) => {
      ctx.session = null;
    };
    const outcomes: [outcome: string, handler: Handler, status: number][] = [
      ['reads', ({ session }) => Object.keys(session), 404],
      ['changes', set(1), 404],
      ['logs out', logOut, 404],
      ['regenerates', ({ phpSession }) => phpSession.regenerate(), 404],
      ['aborts', ({ phpSession }) => phpSession.abort(), 404],
      ['throws', (ctx) => ctx.throw(403), 403],
      ['cannot be stored', set(() => {}), 500],
      ['ends by itself', ({ res }) => res.end('ok'), 404],
    ];
    test.each(outcomes)(
      'is held while the handler runs, and released after it: %s',
      async (_, handler, status) => {
        const { cookie, id } = await signedIn();
        let busy: unknown;
        let lastId = id;
        const url = await start(async (ctx) => {
          busy = await store.lock(id).catch((error) => error.code);
          try {
            await handler(ctx);
          } finally {
            lastId = ctx.phpSession.id;
          }
        });
        expect((await get(url, cookie)).status).toBe(status);
        expect(busy).toBe('ERR_PSB_LOCK_BUSY');
        for (const free of new Set([id, lastId])) {
          await vi.waitFor(async () => expect(await (await store.lock(free)).release()).toBe(true));
        }
      },
    );

    test('a busy lock is a 503', async () => {
      const { cookie, id } = await signedIn();
      const lock = await store.lock(id);
      const url = await start(() => {});
      expect((await get(url, cookie)).status).toBe(503);
      await lock.release();
    });
  });

  describe('options', () => {
    test('property renames both', async () => {
      const { cookie, id } = await signedIn();
      const url = await start(
        (ctx) => {
          ctx['shop'].visits = 1;
          ctx.body = ctx['phpShop'].id;
        },
        { property: 'shop' },
      );
      expect((await get(url, cookie)).body).toBe(id);
      expect(await stored(id)).toMatchObject({ visits: 1 });
    });

    test('several bridges in one application', async () => {
      const other = new SessionManager({
        saveHandler: new MemorySaveHandler(),
        name: 'ADMINID',
        cookiePath: '/admin',
      });
      const app = new Koa();
      app.use(phpSession(sessions));
      app.use(phpSession(other, { property: 'admin' }));
      app.use((ctx) => {
        ctx.session['userid'] = 'kky';
        (ctx as unknown as { admin: Record<string, unknown> }).admin['userid'] = 'lde';
        ctx.body = 'ok';
      });
      const { setCookie } = await get(await serve(app.callback()));
      expect(setCookie.sort()).toEqual([
        expect.stringMatching(/^ADMINID=\w+; path=\/admin;/),
        expect.stringMatching(/^PHPSESSID=\w+; path=\/;/),
      ]);
      const ids = setCookie.map((text) => /=(\w+)/.exec(text)?.[1] as string);
      expect(await stored(ids[1] as string)).toEqual({ userid: 'kky' });
    });

    test('two under one name are refused', async () => {
      const app = new Koa();
      app.on('error', (error) => errors.push(error));
      app.use(phpSession(sessions));
      app.use(phpSession(sessions));
      expect((await get(await serve(app.callback()))).status).toBe(500);
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_PSB_OPTIONS' })]);
    });

    test('the manager that was made is at .sessions', async () => {
      const made = phpSession({ saveHandler: store, name: 'shop' });
      expect(made.sessions).toBeInstanceOf(SessionManager);
      expect(made.sessions.webOptions.name).toBe('shop');
      expect(phpSession(sessions).sessions).toBe(sessions);
    });

    test.each([undefined, null, 'tcp://127.0.0.1:6379'])('no options: %s', (options) => {
      expect(() => phpSession(options as never)).toThrow(
        expect.objectContaining({ code: 'ERR_PSB_OPTIONS' }),
      );
    });

    test('wrong cookie options stop the start', () => {
      expect(() => phpSession({ saveHandler: store, name: 'a=b' })).toThrow(
        expect.objectContaining({ code: 'ERR_PSB_OPTIONS' }),
      );
      expect(() => phpSession(sessions, { property: '' })).toThrow(
        expect.objectContaining({ code: 'ERR_PSB_OPTIONS' }),
      );
    });

    test('cookies are secure behind a trusted proxy that says so', async () => {
      const app = new Koa({ proxy: true });
      app.use(phpSession(sessions));
      app.use((ctx) => {
        ctx.session['userid'] = 'kky';
        ctx.body = 'ok';
      });
      const url = await serve(app.callback());
      const response = await fetch(url, { headers: { 'x-forwarded-proto': 'https' } });
      expect(response.headers.getSetCookie()[0]).toContain('; secure;');
    });

    test('onCommit, onConflict and onLost are told', async () => {
      const seen: string[] = [];
      sessions = new SessionManager({
        saveHandler: store,
        onCommit: (result) => seen.push(`commit ${result.outcome}`),
        onConflict: (path, { ours, theirs }) => {
          seen.push(`conflict ${path}`);
          return Number(ours) + Number(theirs);
        },
        onLost: (error) => seen.push(error.code),
      });
      const { cookie, id } = await signedIn({ userid: 'kky', n: 1 });
      seen.length = 0;
      const url = await start(async (ctx) => {
        ctx.session['n'] = 10;
        if (ctx.path === '/gone') await store.destroy(id);
        else {
          const other = await sessions.open(id);
          other.variables['n'] = 5;
          await other.save();
        }
        ctx.body = 'ok';
      });
      expect((await get(url, cookie)).status).toBe(200);
      expect(seen).toEqual(['conflict n', 'commit merged']);
      expect(await stored(id)).toMatchObject({ n: 15 });
      seen.length = 0;
      expect((await get(`${url}/gone`, cookie)).status).toBe(200);
      expect(seen).toEqual(['ERR_PSB_SESSION_GONE']);
    });
  });
});

function idOf(cookie: string | undefined): string {
  return (cookie ?? '').replace(/^\w+=/, '');
}
