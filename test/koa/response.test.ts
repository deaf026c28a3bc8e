/** What becomes of a response, and of the session and its lock, when a handler does not just return. */
import { request as httpRequest } from 'node:http';
import { inspect } from 'node:util';
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
const down = new StoreError('ERR_PSB_STORE', 'the store is down');
const never = () => new Promise<void>(() => {});

describe.each(versions)('%s', (_version, Koa) => {
  let store: RecordingSaveHandler;
  let sessions: SessionManager;
  let errors: unknown[];

  beforeEach(() => {
    store = new RecordingSaveHandler({ lockRetries: 1, lockWaitTime: 1_000 });
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

  const idOf = (cookie: string | undefined) => (cookie ?? '').replace(/^\w+=/, '');

  async function stored(id: string) {
    const session = await sessions.open(id, { readOnly: true });
    return session.exists ? session.variables : null;
  }

  describe('an error after ctx.res.writeHead(200)', () => {
    const failing: Handler = (ctx) => {
      ctx.session['tries'] = 1;
      ctx.res.writeHead(200, 'All Well', {
        'Cache-Control': 'public, max-age=600',
        'X-Own': 'yes',
      });
      throw new Error('boom');
    };

    test.each([
      ['', {}],
      ['commitOnError: false', { commitOnError: false }],
    ])('does not leave as a success. %s', async (_, options) => {
      const url = await start(failing, options);
      const response = await fetch(url);
      expect([response.status, response.statusText]).toEqual([500, 'Internal Server Error']);
      expect(await response.text()).toBe('Internal Server Error');
      expect(response.headers.get('x-own')).toBeNull();
      expect(String(response.headers.get('cache-control'))).not.toContain('public');
    });

    test('an error handler above has the response to itself', async () => {
      const url = await start(failing, {}, async (ctx, next) => {
        ctx.set('X-Outer', '1');
        await next().catch(() => {
          ctx.status = 418;
          ctx.body = 'teapot';
        });
      });
      const { status, body, headers, cookie } = await get(url);
      expect([status, body]).toEqual([418, 'teapot']);
      expect(headers.get('x-own')).toBeNull();
      expect(headers.get('x-outer')).toBe('1');
      expect(headers.get('cache-control')).toBe('private, no-store');
      expect(await stored(idOf(cookie))).toEqual({ tries: 1 });
    });

    test('one whose end was said leaves as it was said, as in Koa alone', async () => {
      const url = await start((ctx) => {
        ctx.res.writeHead(201).end('done');
        throw new Error('boom');
      });
      expect(await get(url)).toMatchObject({ status: 201, body: 'done' });
      expect(errors).toEqual([expect.objectContaining({ message: 'boom' })]);
    });

    test('the same for a first byte that has not left', async () => {
      let release = () => {};
      store.beforeWrite = () =>
        new Promise((resolve) => {
          release = resolve;
        });
      const told = vi.fn();
      const url = await start((ctx) => {
        ctx.session['tries'] = 1;
        ctx.res.writeHead(200, { 'Cache-Control': 'public' });
        ctx.res.write('first', told);
        throw new Error('boom');
      });
      const answer = get(url);
      await vi.waitFor(() => expect(store.calls).toContain('writeIf'));
      release();
      expect(await answer).toMatchObject({ status: 500, body: 'Internal Server Error' });
      expect(told.mock.calls).toEqual([[expect.objectContaining({ message: 'boom' })]]);
    });
  });

  test('what ctx.res.writeHead() throws reaches the handler', async () => {
    const url = await start((ctx) => {
      ctx.res.writeHead(302, { Location: '/search?q=검색' });
      ctx.res.end();
    });
    expect((await get(url)).status).toBe(500);
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_INVALID_CHAR' })]);
  });

  test('a new session has its cookie when the handler streams by hand', async () => {
    const url = await start((ctx) => {
      ctx.respond = false;
      ctx.session['streamed'] = 1;
      ctx.res.write('a');
      setTimeout(() => ctx.res.end('b'), 20);
    });
    const { body, cookie } = await get(url);
    expect(body).toBe('ab');
    expect(await stored(idOf(cookie))).toEqual({ streamed: 1 });
  });

  test('and when it begins while the session is being stored at its end', async () => {
    store.beforeWrite = () => new Promise((resolve) => setTimeout(resolve, 30));
    const url = await start((ctx) => {
      ctx.respond = false;
      ctx.session['streamed'] = 1;
      setTimeout(() => ctx.res.write('a'), 10);
      setTimeout(() => ctx.res.end('b'), 50);
    });
    const { body, cookie } = await get(url);
    expect(body).toBe('ab');
    expect(await stored(idOf(cookie))).toEqual({ streamed: 1 });
  });

  describe('a store that fails while the handler runs on', () => {
    beforeEach(() => {
      store.failing = { call: 'writeIf', error: down };
    });

    test.each<[string, (ctx: Koa3.Context) => unknown]>([
      ['the first byte', (ctx) => ctx.res.write('a')],
      ['the end', (ctx) => ctx.res.end('a')],
    ])('after %s: the client has its answer', async (_, say) => {
      const url = await start((ctx) => {
        ctx.respond = false;
        ctx.session['a'] = 1;
        say(ctx);
        return never();
      });
      expect(await get(url)).toMatchObject({ status: 503, body: 'Service Unavailable' });
      expect(errors).toEqual([down]);
    });
  });

  describe('a client that has left', () => {
    beforeEach(() => {
      sessions = new SessionManager({
        saveHandler: store,
        concurrency: 'lock',
        lockRetries: 1,
        lockWaitTime: 1_000,
        onWarning: () => {},
      });
    });

    async function leave(handler: Handler) {
      const cookie = await signIn(sessions, { userid: 'kky' });
      let isRunning = false;
      let closed = () => {};
      const gone = new Promise<void>((resolve) => {
        closed = resolve;
      });
      const url = await start((ctx) => {
        ctx.res.once('close', closed);
        isRunning = true;
        return handler(ctx);
      });
      const request = httpRequest(url, { headers: { cookie } }).on('error', () => {});
      request.end();
      await vi.waitFor(() => expect(isRunning).toBe(true));
      return { id: idOf(cookie), request, gone };
    }

    const busy = (id: string) =>
      store.lock(id).then(
        (lock) => lock.release().then(() => false),
        () => true,
      );

    test('and a handler that never settles: after a grace the session ends', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout'] });
      try {
        const { id, request, gone } = await leave((ctx) => {
          ctx.session['visits'] = 1;
          return never();
        });
        request.destroy();
        await gone;
        await vi.advanceTimersByTimeAsync(4_000);
        expect(await stored(id)).toEqual({ userid: 'kky' });
        await vi.advanceTimersByTimeAsync(1_500);
        expect(await stored(id)).toEqual({ userid: 'kky', visits: 1 });
        vi.useRealTimers();
        expect(await busy(id)).toBe(false);
      } finally {
        vi.useRealTimers();
      }
    });

    test('one that is there has all the time it wants', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout'] });
      try {
        const { id, request } = await leave((ctx) => {
          ctx.respond = false;
          ctx.res.write('event');
          return never();
        });
        await vi.advanceTimersByTimeAsync(3_600_000);
        vi.useRealTimers();
        expect(await busy(id)).toBe(true);
        request.destroy();
      } finally {
        vi.useRealTimers();
      }
    });
  });

  describe('two bridges with one cookie name', () => {
    const other = () => new SessionManager({ saveHandler: new MemorySaveHandler() });

    async function both(second: SessionManager, paths: [string, string]) {
      const app = new Koa();
      app.on('error', (error) => errors.push(error));
      const on = (path: string, middleware: Koa3.Middleware): Koa3.Middleware =>
        function routed(ctx, next) {
          return ctx.path.startsWith(path) ? middleware(ctx, next) : next();
        };
      app.use(on(paths[0], phpSession(sessions)));
      app.use(on(paths[1], phpSession(second, { property: 'admin' })));
      app.use((ctx) => {
        ctx.body = 'ok';
      });
      return serve(app.callback());
    }

    test('over one request', async () => {
      const url = await both(other(), ['/', '/']);
      for (let at = 0; at < 2; at++) expect((await get(url)).status).toBe(500);
      expect(errors).toHaveLength(2);
      expect(errors[0]).toMatchObject({ code: 'ERR_PSB_OPTIONS' });
      expect((errors[0] as Error).message).toContain('"PHPSESSID"');
    });

    test('over one application', async () => {
      const url = await both(other(), ['/a', '/b']);
      expect((await get(`${url}/a`)).status).toBe(200);
      expect((await get(`${url}/b`)).status).toBe(500);
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_PSB_OPTIONS' })]);
    });

    test('one manager may stand on several routes, but not twice over one request', async () => {
      const url = await both(sessions, ['/a', '/b']);
      expect((await get(`${url}/a`)).status).toBe(200);
      expect((await get(`${url}/b`)).status).toBe(200);
      expect(errors).toEqual([]);
      expect((await get(await both(sessions, ['/', '/']))).status).toBe(500);
    });
  });

  test('a cookie that browsers take only when it is secure is secure', async () => {
    sessions = new SessionManager({ saveHandler: store, name: '__Host-id', partitioned: true });
    const url = await start((ctx) => {
      if (ctx.path === '/out') ctx.session = null;
      else ctx.session['userid'] = 'kky';
      ctx.body = 'ok';
    });
    const { setCookie, cookie } = await get(url);
    expect(setCookie).toEqual([
      expect.stringMatching(
        /^__Host-id=\w{32}; path=\/; secure; HttpOnly; SameSite=Lax; Partitioned$/,
      ),
    ]);
    expect((await get(`${url}/out`, cookie)).setCookie).toEqual([
      expect.stringMatching(/=deleted; .*; path=\/; secure; HttpOnly; SameSite=Lax; Partitioned$/),
    ]);
  });

  test('the middleware shows no secret', () => {
    const middleware = phpSession({ savePath: 'tcp://127.0.0.1:1?auth[pass]=hunter2&prefix=P:' });
    for (const shown of [inspect(middleware), inspect({ middleware }), `${middleware}`]) {
      expect(shown).not.toContain('hunter2');
    }
    expect(JSON.stringify({ middleware })).not.toContain('hunter2');
  });
});
