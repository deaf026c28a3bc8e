import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { type OpenRequestOptions, openRequest } from '../../src/http/request-session.ts';
import { signIn } from '../../src/testing.ts';
import { RecordingSaveHandler } from './recording-save-handler.ts';

let store: RecordingSaveHandler;
let sessions: SessionManager;

function use(options: Omit<SessionManagerOptions, 'saveHandler'> = {}): void {
  store = new RecordingSaveHandler(options);
  sessions = new SessionManager({ ...options, saveHandler: store });
}

beforeEach(() => use());

async function signedIn(variables = { userid: 'kky', cart: ['apple'] } as object) {
  const cookie = await signIn(sessions, { ...variables });
  store.take();
  return { cookie, id: cookie.replace(/^\w+=/, '') };
}

const open = (cookie?: string, options?: OpenRequestOptions) =>
  openRequest(sessions, { cookie }, options);

const NOTHING = { setCookie: [], headers: {} };

/** What the store holds under an id, read by somebody else. */
async function stored(id: string) {
  const session = await sessions.open(id, { readOnly: true });
  return session.exists ? session.variables : null;
}

describe('no command, no header more than needed', () => {
  test('without a cookie, and nothing to store: nothing at all', async () => {
    const request = await open();
    expect(request.variables).toEqual({});
    expect(await request.commit()).toEqual(NOTHING);
    expect(store.take()).toEqual([]);
  });

  test('a cookie that is no id asks nobody', async () => {
    for (const value of ['../../x', 'x'.repeat(5000), `${'x'.repeat(32)}_LOCK`, '', '%00']) {
      const request = await open(`PHPSESSID=${value}`);
      expect(await request.commit()).toEqual(NOTHING);
    }
    expect(store.take()).toEqual([]);
  });

  test('a session that is ignored: one read that refreshes the TTL, no decoding', async () => {
    const id = 'undecodable0123456789012';
    await store.write(id, Buffer.from('\0not a session'));
    store.take();
    const request = await open(`PHPSESSID=${id}`);
    expect(await request.commit()).toEqual(NOTHING);
    expect(store.take()).toEqual(['read+refresh']);
  });

  test('a session that is only read: one read', async () => {
    const { cookie } = await signedIn();
    const request = await open(cookie);
    expect(request.variables['userid']).toBe('kky');
    expect(await request.commit()).toEqual(NOTHING);
    expect(store.take()).toEqual(['read+refresh']);
  });

  test('a changed session: a read and a conditional write, no cookie', async () => {
    const { cookie, id } = await signedIn();
    const request = await open(cookie);
    request.variables['visits'] = 1;
    expect(await request.commit()).toEqual(NOTHING);
    expect(store.take()).toEqual(['read+refresh', 'writeIf']);
    expect(await stored(id)).toEqual({ userid: 'kky', cart: ['apple'], visits: 1 });
  });

  test('read-only: one read that refreshes nothing', async () => {
    const { cookie } = await signedIn();
    const request = await open(cookie, { readOnly: true });
    expect(request.variables['userid']).toBe('kky');
    expect(await request.commit()).toEqual(NOTHING);
    expect(store.take()).toEqual(['read']);
  });

  test('an unknown id that nobody uses: one read, and the cookie is left alone', async () => {
    const request = await open(`PHPSESSID=${'0'.repeat(32)}`);
    expect(await request.commit()).toEqual(NOTHING);
    expect(store.take()).toEqual(['read+refresh']);
  });
});

describe('the cookie', () => {
  test('of a new session', async () => {
    const request = await open();
    request.variables['userid'] = 'kky';
    const { setCookie } = await request.commit();
    expect(setCookie).toEqual([`PHPSESSID=${request.session.id}; path=/; HttpOnly; SameSite=Lax`]);
    expect(await stored(request.session.id)).toEqual({ userid: 'kky' });
    expect(store.take()).toEqual(['writeIf', 'read']);
  });

  test('is secure on a secure request', async () => {
    const request = await openRequest(sessions, { cookie: undefined, secure: true });
    request.variables['userid'] = 'kky';
    expect((await request.commit()).setCookie[0]).toContain('; secure;');
  });

  test('strict mode: an unknown id is not adopted', async () => {
    const planted = '0'.repeat(32);
    const request = await open(`PHPSESSID=${planted}`);
    request.variables['userid'] = 'kky';
    const { setCookie } = await request.commit();
    expect(setCookie).toHaveLength(1);
    expect(request.session.id).not.toBe(planted);
    expect(await stored(planted)).toBeNull();
  });

  test('without strict mode it is, as in PHP, and needs no cookie', async () => {
    use({ useStrictMode: false });
    const planted = '0'.repeat(32);
    const request = await open(`PHPSESSID=${planted}`);
    request.variables['userid'] = 'kky';
    expect((await request.commit()).setCookie).toEqual([]);
    expect(await stored(planted)).toEqual({ userid: 'kky' });
  });

  test('who missed the new cookie of a move gets another, with and without strict mode', async () => {
    for (const useStrictMode of [true, false]) {
      use({ useStrictMode, gcMaxlifetime: 100, revokedTtl: 100 });
      const { cookie } = await signedIn();
      const moved = await open(cookie);
      await moved.session.regenerate();
      await moved.commit();
      // Only looked at, nothing is said: a neighbour's answer with the new cookie may be on its way.
      expect((await (await open(cookie)).commit()).setCookie).toEqual([]);
      const request = await open(cookie);
      request.variables['userid'] = 'lde';
      const { setCookie } = await request.commit();
      expect(setCookie).toEqual([
        `PHPSESSID=${request.session.id}; path=/; HttpOnly; SameSite=Lax`,
      ]);
      expect(await stored(request.session.id)).toEqual({ userid: 'lde' });
      expect(await stored(moved.session.id)).toEqual({ userid: 'kky', cart: ['apple'] });
    }
  });

  test('after regenerate() the new id, and the old one is dead', async () => {
    const { cookie, id } = await signedIn();
    const request = await open(cookie);
    await request.session.regenerate();
    const { setCookie } = await request.commit();
    expect(setCookie).toEqual([`PHPSESSID=${request.session.id}; path=/; HttpOnly; SameSite=Lax`]);
    expect(await stored(id)).toBeNull();
    expect(await stored(request.session.id)).toEqual({ userid: 'kky', cart: ['apple'] });
  });

  test('after destroy() its end', async () => {
    const { cookie, id } = await signedIn();
    const request = await open(cookie);
    await request.session.destroy();
    const { setCookie } = await request.commit();
    expect(setCookie).toEqual([
      'PHPSESSID=deleted; expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; path=/; HttpOnly; SameSite=Lax',
    ]);
    expect(await stored(id)).toBeNull();
  });

  test('is not slid along by default, even with a lifetime, as in PHP', async () => {
    use({ cookieLifetime: 3600 });
    const { cookie } = await signedIn();
    const request = await open(cookie);
    expect(request.variables['userid']).toBe('kky');
    expect((await request.commit()).setCookie).toEqual([]);
  });

  test('rolling: is, for every request that has a session', async () => {
    use({ cookieLifetime: 3600, rolling: true });
    const { cookie, id } = await signedIn();
    expect((await (await open(cookie)).commit()).setCookie[0]).toMatch(
      new RegExp(`^PHPSESSID=${id}; expires=.*; Max-Age=3600;`),
    );
    expect((await (await open()).commit()).setCookie).toEqual([]);
  });

  test('an id with a comma goes out as %2C and comes back', async () => {
    // 256 characters of 64 kinds: one id in 56 has no comma.
    use({ sidBitsPerCharacter: 6, sidLength: 256 });
    let request = await open();
    while (!request.session.id.includes(',')) request = await open();
    request.variables['userid'] = 'kky';
    const [setCookie] = (await request.commit()).setCookie;
    expect(setCookie).toContain('%2C');
    const cookie = setCookie?.split(';')[0] as string;
    expect(cookie).not.toContain(',');
    expect((await open(cookie)).variables['userid']).toBe('kky');
  });

  test('has the configured name', async () => {
    use({ name: 'shop' });
    const { cookie } = await signedIn();
    expect(cookie).toMatch(/^shop=/);
    expect((await open(cookie)).variables['userid']).toBe('kky');
    expect((await open(cookie.replace('shop', 'PHPSESSID'))).session.isNew).toBe(true);
  });
});

describe('logging out by null', () => {
  test('destroys the session and ends the cookie', async () => {
    const { cookie, id } = await signedIn();
    const request = await open(cookie);
    request.variables = null;
    expect(request.variables).toEqual({});
    expect((await request.commit()).setCookie[0]).toMatch(/^PHPSESSID=deleted;/);
    expect(await stored(id)).toBeNull();
    expect(store.take()).toEqual(['read+refresh', 'destroyIf', 'read']);
  });

  test('without a session it costs nothing', async () => {
    const request = await open();
    request.variables = null;
    expect(await request.commit()).toEqual(NOTHING);
    expect(store.take()).toEqual([]);
  });

  test('a stale cookie is ended, too', async () => {
    const request = await open(`PHPSESSID=${'0'.repeat(32)}`);
    request.variables = null;
    expect((await request.commit()).setCookie[0]).toMatch(/^PHPSESSID=deleted;/);
  });

  test('what is assigned afterwards is a new session under a new id: no fixation', async () => {
    const { cookie, id } = await signedIn();
    const request = await open(cookie);
    request.variables = null;
    request.variables['notice'] = 'bye';
    const { setCookie } = await request.commit();
    expect(setCookie).toHaveLength(1);
    expect(setCookie[0]).toMatch(`PHPSESSID=${request.session.id};`);
    expect(request.session.id).not.toBe(id);
    expect(await stored(id)).toBeNull();
    expect(await stored(request.session.id)).toEqual({ notice: 'bye' });
  });

  test('so is what is assigned after destroy()', async () => {
    const { cookie, id } = await signedIn();
    const request = await open(cookie);
    await request.session.destroy();
    request.variables['notice'] = 'bye';
    const { setCookie } = await request.commit();
    expect(setCookie).toEqual([expect.stringContaining(`PHPSESSID=${request.session.id};`)]);
    expect(request.session.id).not.toBe(id);
    expect(await stored(id)).toBeNull();
    expect(await stored(request.session.id)).toEqual({ notice: 'bye' });
  });

  test.each([new Map([['a', 1]]), Promise.resolve({}), new Date(), [1], 'text', 5])(
    'what is no session is refused after it, too: %o',
    async (value) => {
      const { cookie } = await signedIn();
      const request = await open(cookie);
      request.variables = null;
      expect(() => {
        request.variables = value as never;
      }).toThrow(expect.objectContaining({ code: 'ERR_PSB_CODEC_VALUE' }));
    },
  );

  test.each(['commit', 'abort'] as const)('also when the session is over: %s()', async (end) => {
    const { cookie, id } = await signedIn();
    const request = await open(cookie);
    await request.session[end]();
    request.variables = null;
    expect((await request.commit()).setCookie[0]).toMatch(/^PHPSESSID=deleted;/);
    expect(await stored(id)).toBeNull();
  });

  test('null, object, null is a logout', async () => {
    const { cookie, id } = await signedIn();
    const request = await open(cookie);
    request.variables = null;
    request.variables = { again: true };
    request.variables = null;
    expect((await request.commit()).setCookie[0]).toMatch(/^PHPSESSID=deleted;/);
    expect(await stored(id)).toBeNull();
  });
});

describe('replacing by an object', () => {
  test('keeps the id, needs no cookie', async () => {
    const { cookie, id } = await signedIn();
    const request = await open(cookie);
    request.variables = { language: 'ko' };
    expect(await request.commit()).toEqual(NOTHING);
    expect(await stored(id)).toEqual({ language: 'ko' });
  });

  test.each([
    ['a string', 'x'],
    ['an array', []],
    ['undefined', undefined],
  ])('refuses %s', async (_, value) => {
    const request = await open();
    expect(() => {
      request.variables = value as unknown as null;
    }).toThrow(expect.objectContaining({ code: 'ERR_PSB_CODEC_VALUE' }));
  });
});

describe('when the headers are out', () => {
  const sent = { headersSent: () => true };
  const code = 'ERR_PSB_HEADERS_SENT';

  test('a session is not created: nothing is written', async () => {
    const request = await open(undefined, sent);
    request.variables['userid'] = 'kky';
    await expect(request.commit()).rejects.toMatchObject({ code, status: 500 });
    expect(store.take()).toEqual([]);
  });

  test('nor by save() or update()', async () => {
    const request = await open(undefined, sent);
    request.variables['userid'] = 'kky';
    await expect(request.session.save()).rejects.toMatchObject({ code });
    await expect(
      request.session.update((variables) => {
        variables['n'] = 1;
      }),
    ).rejects.toMatchObject({ code });
    expect(store.take()).toEqual([]);
  });

  test('regenerate() throws, and the session stays as it was', async () => {
    const { cookie, id } = await signedIn();
    const request = await open(cookie, sent);
    await expect(request.session.regenerate()).rejects.toMatchObject({ code });
    expect(store.take()).toEqual(['read+refresh']);
    expect(request.session.id).toBe(id);
  });

  test('an existing session is written', async () => {
    const { cookie, id } = await signedIn();
    const request = await open(cookie, sent);
    request.variables['visits'] = 1;
    await request.commit();
    expect(await stored(id)).toMatchObject({ visits: 1 });
  });

  test('a logout destroys; a new session after it fails before anything is destroyed', async () => {
    const { cookie, id } = await signedIn();
    const failing = await open(cookie, sent);
    failing.variables = null;
    failing.variables['notice'] = 'bye';
    await expect(failing.commit()).rejects.toMatchObject({ code });
    expect(await stored(id)).toMatchObject({ userid: 'kky' });

    const request = await open(cookie, sent);
    request.variables = null;
    await request.commit();
    expect(await stored(id)).toBeNull();
  });
});

describe('lost sessions are told to onLost, and the response goes out', () => {
  const lost: string[] = [];
  beforeEach(() => {
    lost.length = 0;
    use({ identity: ['userid'], onLost: (error) => lost.push(error.code) });
  });

  test('logged out by somebody else meanwhile', async () => {
    const { cookie, id } = await signedIn();
    const request = await open(cookie);
    request.variables['visits'] = 1;
    await store.destroy(id);
    expect(await request.commit()).toEqual(NOTHING);
    expect(lost).toEqual(['ERR_PSB_SESSION_GONE']);
    expect(await stored(id)).toBeNull();
  });

  test('another user logged in under the same id', async () => {
    const { cookie, id } = await signedIn();
    const request = await open(cookie);
    request.variables['visits'] = 1;
    await sessions.run(id, (session) => {
      session.variables = { userid: 'lde' };
    });
    expect(await request.commit()).toEqual(NOTHING);
    expect(lost).toEqual(['ERR_PSB_SESSION_REPLACED']);
    expect(await stored(id)).toEqual({ userid: 'lde' });
  });

  test("onLockFailure 'readonly' without onLost: one warning, and only for changes", async () => {
    const warnings: string[] = [];
    use({
      concurrency: 'lock',
      onLockFailure: 'readonly',
      lockRetries: 1,
      lockWaitTime: 1_000,
      onWarning: (code) => warnings.push(code),
    });
    const { cookie, id } = await signedIn();
    const lock = await store.lock(id);
    warnings.length = 0;
    const looking = await open(cookie);
    expect(looking.variables['userid']).toBe('kky');
    await looking.commit();
    expect(warnings).toEqual([]);
    for (let visit = 0; visit < 2; visit++) {
      const request = await open(cookie);
      request.variables['userid'] = 'lde';
      await request.commit();
    }
    expect(warnings).toEqual(['PSB_LOCK_BUSY']);
    await lock.release();
    expect(await stored(id)).toEqual({ userid: 'kky', cart: ['apple'] });
  });

  test("onLockFailure 'readonly': changes of a session whose lock was busy", async () => {
    use({
      concurrency: 'lock',
      onLockFailure: 'readonly',
      lockRetries: 1,
      lockWaitTime: 1000,
      onLost: (error) => lost.push(error.code),
      onWarning: () => {},
    });
    const { cookie, id } = await signedIn();
    const lock = await store.lock(id);
    const reader = await open(cookie);
    expect(reader.variables['userid']).toBe('kky');
    await reader.commit();
    expect(lost).toEqual([]);
    const writer = await open(cookie);
    writer.variables['visits'] = 1;
    await writer.commit();
    expect(lost).toEqual(['ERR_PSB_LOCK_BUSY']);
    await lock.release();
    expect(await stored(id)).not.toHaveProperty('visits');
  });
});

describe('the end of a request', () => {
  test('commit() is done once, and answers the same again', async () => {
    const request = await open();
    request.variables['n'] = 1;
    const first = await request.commit();
    expect(await request.commit()).toBe(first);
    expect(store.take()).toEqual(['writeIf']);
  });

  test('abort() writes nothing, but what was done before still needs its cookie', async () => {
    const { cookie } = await signedIn();
    const request = await open(cookie);
    await request.session.regenerate();
    request.variables['visits'] = 1;
    store.take();
    const { setCookie } = await request.abort();
    expect(setCookie[0]).toMatch(`PHPSESSID=${request.session.id};`);
    expect(store.take()).toEqual([]);
  });

  test('an error of the store comes out', async () => {
    const { cookie } = await signedIn();
    const request = await open(cookie);
    request.variables['visits'] = 1;
    store.failing = { call: 'writeIf', error: new Error('down') };
    await expect(request.commit()).rejects.toThrow('down');
  });

  test('response() knows what is due before the end: an early save()', async () => {
    const request = await open();
    request.variables['userid'] = 'kky';
    expect(request.response().setCookie).toEqual([]);
    await request.session.save();
    expect(request.response().setCookie[0]).toMatch(`PHPSESSID=${request.session.id};`);
  });
});

describe('cache limiter', () => {
  test('its headers go with a session that was used, and only with such', async () => {
    use({ cacheLimiter: 'nocache' });
    const { cookie } = await signedIn();
    const used = await open(cookie);
    expect(used.variables['userid']).toBe('kky');
    expect((await used.commit()).headers).toHaveProperty('Pragma', 'no-cache');
    expect((await (await open(cookie)).commit()).headers).toEqual({});
  });
});

describe('while the manager is being closed', () => {
  async function closing(work: (request: Awaited<ReturnType<typeof open>>) => unknown) {
    const { cookie, id } = await signedIn();
    const request = await open(cookie);
    const closed = sessions.close();
    await work(request);
    const answer = await request.commit();
    await closed;
    return { id, answer };
  }

  const raw = async (id: string) => (await store.read(id))?.toString() ?? null;

  test.each(['null', 'destroy()'])('a request that is under way logs out by %s', async (way) => {
    const { id, answer } = await closing(async (request) => {
      if (way === 'null') request.variables = null;
      else await request.session.destroy();
    });
    expect(answer.setCookie[0]).toMatch(/^PHPSESSID=deleted;/);
    expect(await raw(id)).toBeNull();
  });

  test('and begins a new session', async () => {
    const { id, answer } = await closing((request) => {
      request.variables = null;
      request.variables['fresh'] = 1;
    });
    expect(await raw(id)).toBeNull();
    const fresh = /^PHPSESSID=(\w+)/.exec(answer.setCookie[0] ?? '')?.[1] ?? '';
    expect(await raw(fresh)).toBe('fresh|i:1;');
  });
});

test('a request that outlived its manager fails if it has something to write', async () => {
  use({ closeTimeout: 1 });
  const { cookie, id } = await signedIn();
  const [writer, reader] = [await open(cookie), await open(cookie)];
  await sessions.close();
  writer.variables['n'] = 1;
  await expect(writer.commit()).rejects.toMatchObject({ code: 'ERR_PSB_MANAGER_CLOSED' });
  expect(reader.variables).toMatchObject({ userid: 'kky' });
  expect(await reader.commit()).toEqual(NOTHING);
  expect((await store.read(id))?.toString()).not.toContain('n|');
});
