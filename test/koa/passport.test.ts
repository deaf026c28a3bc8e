import Koa from 'koa';
import { KoaPassport } from 'koa-passport';
import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager } from '../../src/config/session-manager.ts';
import { phpSession } from '../../src/koa/index.ts';
import { MemorySaveHandler, signIn } from '../../src/testing.ts';
import { get, serve } from '../http/server.ts';

interface User {
  readonly id: string;
}

let sessions: SessionManager;

beforeEach(() => {
  sessions = new SessionManager({ saveHandler: new MemorySaveHandler() });
});

async function stored(cookie: string | undefined) {
  const id = (cookie ?? '').replace(/^\w+=/, '');
  const session = await sessions.open(id, { readOnly: true });
  return session.exists ? session.variables : null;
}

describe('koa-passport', () => {
  async function start() {
    const passport = new KoaPassport();
    passport.serializeUser<string>((user, done) => done(null, (user as User).id));
    passport.deserializeUser<string>((id, done) => done(null, { id }));
    const app = new Koa();
    app.silent = true;
    app.use(phpSession(sessions, { sessionMethods: true }));
    app.use(passport.initialize());
    app.use(passport.session());
    app.use(async (ctx) => {
      if (ctx.path === '/login') {
        await ctx.login({ id: 'kky' }, { keepSessionInfo: ctx.query['keep'] === '1' } as object);
      }
      if (ctx.path === '/logout') await ctx.logout();
      ctx.body = { user: ctx.state['user'] ?? null, session: ctx.session };
    });
    return serve(app.callback());
  }

  test('logs in under a new id, is recognised, and logs out', async () => {
    const url = await start();
    const anonymous = await signIn(sessions, { cart: ['apple'] });

    const login = await get(`${url}/login`, anonymous);
    expect(JSON.parse(login.body)).toMatchObject({ user: { id: 'kky' } });
    expect(login.cookie).toMatch(/^PHPSESSID=/);
    expect(login.cookie).not.toBe(anonymous);
    // The anonymous id is dead: nobody who planted it is logged in now.
    expect(await stored(anonymous)).toBeNull();
    // passport starts a fresh session; what shall survive is asked for by keepSessionInfo.
    expect(await stored(login.cookie)).toEqual({ passport: { user: 'kky' } });

    expect(JSON.parse((await get(url, login.cookie)).body).user).toEqual({ id: 'kky' });

    const logout = await get(`${url}/logout`, login.cookie);
    expect(JSON.parse(logout.body)).toEqual({ user: null, session: {} });
    expect(await stored(login.cookie)).toBeNull();
    expect(JSON.parse((await get(url, logout.cookie)).body).user).toBeNull();
    expect(await stored(logout.cookie)).toEqual({});
  });

  test('keepSessionInfo carries the session over, and no method is stored', async () => {
    const url = await start();
    const anonymous = await signIn(sessions, { cart: ['apple'], userid: 'php' });
    const login = await get(`${url}/login?keep=1`, anonymous);
    expect(await stored(login.cookie)).toEqual({
      passport: { user: 'kky' },
      cart: ['apple'],
      userid: 'php',
    });
  });

  test('logs in without any session before', async () => {
    const url = await start();
    const login = await get(`${url}/login`);
    expect(await stored(login.cookie)).toEqual({ passport: { user: 'kky' } });
    expect(JSON.parse((await get(url, login.cookie)).body).user).toEqual({ id: 'kky' });
  });
});

describe('sessionMethods', () => {
  type Methods = Record<
    'save' | 'regenerate' | 'destroy' | 'reload',
    (callback?: (error?: unknown) => void) => Promise<void> | undefined
  >;

  async function start(handler: (ctx: Koa.Context, methods: Methods) => unknown) {
    const app = new Koa();
    app.use(phpSession(sessions, { sessionMethods: true }));
    app.use(async (ctx) => {
      await handler(ctx, ctx.session as Methods);
      ctx.body ??= 'ok';
    });
    return serve(app.callback());
  }

  test('are invisible to everything that walks the variables', async () => {
    const cookie = await signIn(sessions, { userid: 'kky' });
    const url = await start((ctx) => {
      ctx.body = [Object.keys(ctx.session), ctx.session, { ...ctx.session }];
    });
    expect((await get(url, cookie)).body).toBe('[["userid"],{"userid":"kky"},{"userid":"kky"}]');
    expect(await stored(cookie)).toEqual({ userid: 'kky' });
  });

  test('a session variable of such a name wins, read or assigned', async () => {
    const cookie = await signIn(sessions, { save: 'as draft' });
    const url = await start((ctx) => {
      ctx.body = ctx.session['save'];
      ctx.session['reload'] = 'later';
    });
    expect((await get(url, cookie)).body).toBe('as draft');
    expect(await stored(cookie)).toEqual({ save: 'as draft', reload: 'later' });
  });

  test('work with callbacks', async () => {
    const url = await start(async (ctx, methods) => {
      ctx.session['n'] = 1;
      await new Promise<void>((resolve, reject) => {
        methods.save((error) => (error ? reject(error) : resolve()));
      });
      ctx.session['n'] = 2;
      await new Promise<void>((resolve, reject) => {
        methods.reload((error) => (error ? reject(error) : resolve()));
      });
      ctx.body = ctx.session;
    });
    expect((await get(url)).body).toBe('{"n":1}');
  });

  test('hand errors to callbacks', async () => {
    const cookie = await signIn(sessions, { userid: 'kky' });
    const url = await start(async (ctx, methods) => {
      await sessions.destroy(ctx.phpSession.id);
      ctx.session['n'] = 1;
      const error = await new Promise((resolve) => methods.save(resolve));
      ctx.body = (error as { code: string }).code;
    });
    expect((await get(url, cookie)).body).toBe('ERR_PSB_SESSION_GONE');
  });

  test('destroy, then a new life', async () => {
    const cookie = await signIn(sessions, { userid: 'kky' });
    const url = await start(async (ctx, methods) => {
      await methods.destroy();
      ctx.session['notice'] = 'bye';
      await (ctx.session as Methods).save();
    });
    const answer = await get(url, cookie);
    expect(await stored(cookie)).toBeNull();
    expect(answer.cookie).not.toBe(cookie);
    expect(await stored(answer.cookie)).toEqual({ notice: 'bye' });
  });
});
