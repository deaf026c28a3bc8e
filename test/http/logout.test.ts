/** However a logout ends, the client must not come again with the id. */
import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { StoreError } from '../../src/errors.ts';
import { openRequest, openSession, type RequestSession } from '../../src/http/index.ts';
import type { Session } from '../../src/session/session.ts';
import { signIn } from '../../src/testing.ts';
import { RecordingSaveHandler } from './recording-save-handler.ts';
import { get, serve } from './server.ts';

const PATIENCE = { lockRetries: 3, lockWaitTime: 1_000 };
const ENDED = [expect.stringMatching(/^PHPSESSID=deleted; expires=Thu, 01 Jan 1970.*Max-Age=0/)];

let store: RecordingSaveHandler;
let sessions: SessionManager;
let cookie: string;
let id: string;

async function use(options: Omit<SessionManagerOptions, 'saveHandler'> = {}): Promise<void> {
  store = new RecordingSaveHandler(PATIENCE);
  sessions = new SessionManager({
    ...PATIENCE,
    ...options,
    saveHandler: store,
    onWarning: () => {},
  });
  cookie = await signIn(sessions, { userid: 'kky' });
  id = cookie.slice(10);
}

beforeEach(() => use());

const down = new StoreError('ERR_PSB_STORE', 'the store is down');
const ways: [name: string, logOut: (request: RequestSession) => unknown][] = [
  [
    'variables = null',
    (request) => {
      request.variables = null;
    },
  ],
  ['session.destroy()', ({ session }) => session.destroy().catch(() => {})],
];

describe.each(ways)('%s', (_, logOut) => {
  test('another request holds the lock: 503, and the end of the cookie', async () => {
    const lock = await store.lock(id);
    const request = await openRequest(sessions, { cookie });
    await logOut(request);
    await request.commit().catch((error) => expect(error.code).toBe('ERR_PSB_LOCK_BUSY'));
    expect(request.response().setCookie).toEqual(ENDED);
    await lock.release();
  });

  test('the store is down: the end of the cookie', async () => {
    store.failing = { call: 'destroyIf', error: down };
    const request = await openRequest(sessions, { cookie });
    await logOut(request);
    await request.commit().catch((error) => expect(error).toBe(down));
    expect(request.response().setCookie).toEqual(ENDED);
  });

  test('with a lock of its own, which does not stay when it fails', async () => {
    await use({ concurrency: 'lock' });
    store.failing = { call: 'destroyIf', error: down };
    const request = await openRequest(sessions, { cookie });
    await logOut(request);
    await request.commit().catch(() => {});
    expect(request.response().setCookie).toEqual(ENDED);
    expect(await (await store.lock(id)).release()).toBe(true);
    const started = performance.now();
    await sessions.close();
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe("onLockFailure: 'readonly'", () => {
  beforeEach(() => use({ concurrency: 'lock', onLockFailure: 'readonly' }));

  test('a logout goes through once the other request is done', async () => {
    const lock = await store.lock(id);
    const request = await openRequest(sessions, { cookie });
    expect(request.session.readOnly).toBe(true);
    await lock.release();
    request.variables = null;
    const { setCookie } = await request.commit();
    expect(setCookie).toEqual(ENDED);
    expect(await store.read(id)).toBeNull();
  });

  test('and what is assigned afterwards is a new session', async () => {
    const lock = await store.lock(id);
    const request = await openRequest(sessions, { cookie });
    await lock.release();
    request.variables = null;
    request.variables['userid'] = 'lde';
    const { setCookie } = await request.commit();
    expect(setCookie).toEqual([expect.stringMatching(/^PHPSESSID=\w{32};/)]);
    expect(setCookie[0]).not.toContain(id);
    expect(await store.read(id)).toBeNull();
  });

  test('if the other one keeps the lock it is a 503, with the end of the cookie', async () => {
    const lock = await store.lock(id);
    const request = await openRequest(sessions, { cookie });
    request.variables = null;
    await expect(request.commit()).rejects.toMatchObject({
      code: 'ERR_PSB_LOCK_BUSY',
      status: 503,
    });
    expect(request.response().setCookie).toEqual(ENDED);
    await lock.release();
  });

  test('a request that only looks logs nobody out', async () => {
    const request = await openRequest(sessions, { cookie }, { readOnly: true });
    request.variables = null;
    await expect(request.commit()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_READ_ONLY' });
    expect(await store.read(id)).not.toBeNull();
  });
});

test('plain Node: the answer 503 carries the end of the cookie', async () => {
  store.failing = { call: 'destroyIf', error: down };
  const url = await serve(async (req, res) => {
    const session = await openSession(sessions, req, res, { onError: () => {} });
    await session.destroy().catch(() => {
      res.statusCode = 503;
    });
    res.end('try again');
  });
  const answer = await get(url, cookie);
  expect(answer.status).toBe(503);
  expect(answer.setCookie).toEqual(ENDED);
});

describe('a session that was logged out by somebody else, and that the store still knows of', () => {
  /** What a save handler that remembers logouts makes of the session. */
  function revoke(session: Session): void {
    Object.defineProperty(session, 'revoked', { value: true });
  }

  async function openRevoked(given = cookie): Promise<RequestSession> {
    await store.destroy(id);
    const request = await openRequest(sessions, { cookie: given });
    revoke(request.session);
    return request;
  }

  test('ends the cookie', async () => {
    const request = await openRevoked();
    expect((await request.commit()).setCookie).toEqual(ENDED);
  });

  test('unless a new session takes its place', async () => {
    const request = await openRevoked();
    request.variables['userid'] = 'kky';
    expect((await request.commit()).setCookie).toEqual([
      expect.stringMatching(/^PHPSESSID=\w{32}; path/),
    ]);
  });

  test('and not where there is none', async () => {
    const request = await openRevoked('');
    expect((await request.commit()).setCookie).toEqual([]);
  });
});

test('two who carry out one logout at once do it once', async () => {
  const request = await openRequest(sessions, { cookie });
  request.variables = null;
  request.variables['userid'] = 'lde';
  store.take();
  await Promise.all([request.settleLogout(), request.settleLogout(), request.commit()]);
  expect(store.take()).toEqual(['destroyIf', 'writeIf']);
});

test('what is assigned while a logout is carried out is stored', async () => {
  const request = await openRequest(sessions, { cookie });
  request.variables = null;
  const settled = request.settleLogout();
  const { variables } = request;
  variables['before'] = 1;
  await settled;
  variables['after'] = 2;
  const { setCookie } = await request.commit();
  const fresh = /=(\w{32});/.exec(setCookie[0] as string)?.[1] as string;
  expect((await sessions.open(fresh)).variables).toEqual({ before: 1, after: 2 });
});

describe('a destroy() that fails', () => {
  const fail = () => {
    store.failing = { call: 'destroyIf', error: down };
  };
  const recover = () => {
    store.failing = undefined;
    store.take();
  };

  test('ends the cookie also after a regenerate()', async () => {
    const request = await openRequest(sessions, { cookie });
    await request.session.regenerate();
    fail();
    await expect(request.session.destroy()).rejects.toBe(down);
    recover();
    expect((await request.commit()).setCookie).toEqual(ENDED);
  });

  test('also if both are under way at once', async () => {
    const request = await openRequest(sessions, { cookie });
    const regenerated = request.session.regenerate();
    const destroyed = request.session.destroy().catch((error) => error);
    await regenerated;
    fail();
    expect(await destroyed).toBe(down);
    expect((await request.commit()).setCookie).toEqual(ENDED);
  });

  test('writes nothing of what was changed before it, and prolongs nothing', async () => {
    await use({ refreshAt: 'commit' });
    const request = await openRequest(sessions, { cookie });
    request.variables['cart'] = 1;
    fail();
    await expect(request.session.destroy()).rejects.toBe(down);
    recover();
    expect((await request.commit()).setCookie).toEqual(ENDED);
    expect(store.take()).toEqual([]);
  });

  test('also if PHP cannot hold what was changed', async () => {
    const request = await openRequest(sessions, { cookie });
    request.variables['cart'] = () => {};
    fail();
    await expect(request.session.destroy()).rejects.toBe(down);
    recover();
    expect((await request.commit()).setCookie).toEqual(ENDED);
    expect(store.take()).toEqual([]);
  });

  test('what is assigned after it is written, and the cookie ends all the same', async () => {
    const request = await openRequest(sessions, { cookie });
    fail();
    await expect(request.session.destroy()).rejects.toBe(down);
    recover();
    request.variables['tried'] = true;
    expect((await request.commit()).setCookie).toEqual(ENDED);
    expect(String(await store.read(id))).toBe('userid|s:3:"kky";tried|b:1;');
  });

  test('a regenerate() after it is a session to go on with', async () => {
    const request = await openRequest(sessions, { cookie });
    fail();
    await expect(request.session.destroy()).rejects.toBe(down);
    recover();
    await request.session.regenerate();
    request.variables = { userid: 'lde' };
    const { setCookie } = await request.commit();
    expect(setCookie).toEqual([expect.stringMatching(/^PHPSESSID=\w{32};/)]);
    expect(String(await store.read(request.session.id))).toBe('userid|s:3:"lde";');
    expect(await store.read(id)).toBeNull();
  });
});
