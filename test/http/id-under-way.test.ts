/** A first byte that is said while the session is on its way to an id that the client has to learn. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager } from '../../src/config/session-manager.ts';
import { openRequest, openSession } from '../../src/http/index.ts';
import type { Session } from '../../src/session/session.ts';
import { signIn } from '../../src/testing.ts';
import { SlowSaveHandler } from '../session/slow-save-handler.ts';
import { get, serve } from './server.ts';

const FRESH = [expect.stringMatching(/^PHPSESSID=\w{32};/)];

let store: SlowSaveHandler;
let sessions: SessionManager;
let cookie: string;
let id: string;

beforeEach(async () => {
  store = new SlowSaveHandler();
  sessions = new SessionManager({ saveHandler: store, onWarning: () => {} });
  cookie = await signIn(sessions, { userid: 'kky' });
  id = cookie.slice(10);
});

/** The answer to a request whose first byte comes after so many milliseconds of `work`. */
async function answerBeside(
  work: (session: Session) => Promise<unknown>,
  after: number,
  from?: string,
) {
  const failed: unknown[] = [];
  store.pause = () => sleep(10);
  const url = await serve(async (req, res) => {
    const session = await openSession(sessions, req, res);
    const worked = work(session).catch((error) => failed.push(error.code));
    if (after > 0) await sleep(after);
    res.write('first ');
    await worked;
    res.end('last');
  });
  const answer = await get(url, from);
  store.pause = () => {};
  return { ...answer, failed };
}

const idOf = (text: string | undefined) => (text ?? '').replace(/^\w+=/, '');
const stored = async (of: string) => (await store.read(of))?.toString() ?? null;

const count = (session: Session) =>
  session.update((variables) => {
    variables['n'] = 1;
  });

describe.each([0, 5, 25])('a first byte %i ms after', (after) => {
  test('regenerate(): it waits, and the client gets the id', async () => {
    const answer = await answerBeside((session) => session.regenerate(), after, cookie);
    expect(answer).toMatchObject({ status: 200, body: 'first last', failed: [] });
    expect(answer.setCookie).toEqual(FRESH);
    expect(await stored(id)).toBeNull();
    expect(await stored(idOf(answer.cookie))).toBe('userid|s:3:"kky";');
  });

  test('regenerate({ deleteOld: false })', async () => {
    const work = (session: Session) => session.regenerate({ deleteOld: false });
    const answer = await answerBeside(work, after, cookie);
    expect(answer.setCookie).toEqual(FRESH);
    expect(await stored(idOf(answer.cookie))).toBe('userid|s:3:"kky";');
  });
});

describe.each([0, 5])('a new session, a first byte %i ms after', (after) => {
  test.each<[string, (session: Session) => Promise<unknown>]>([
    ['update()', count],
    [
      'commit()',
      (session) => {
        session.variables['n'] = 1;
        return session.commit();
      },
    ],
  ])('%s: it waits, and the client gets the id', async (_, work) => {
    const answer = await answerBeside(work, after);
    expect(answer).toMatchObject({ status: 200, body: 'first last', failed: [] });
    expect(answer.setCookie).toEqual(FRESH);
    expect(await stored(idOf(answer.cookie))).toBe('n|i:1;');
  });
});

test('bytes that nobody can read, and an update() that begins a new session', async () => {
  sessions = new SessionManager({ saveHandler: store, onUnreadable: 'new', onWarning: () => {} });
  await store.write(id, Buffer.from('a:1:{s:1:"a";i:1;}'));
  const answer = await answerBeside(count, 5, cookie);
  expect(answer).toMatchObject({ setCookie: FRESH, failed: [] });
  expect(await stored(idOf(answer.cookie))).toBe('n|i:1;');
  expect(await stored(id)).toBe('a:1:{s:1:"a";i:1;}');
});

test.each([undefined, 'userid'])(
  'what is asked for after the first byte is refused. %s',
  async (known) => {
    store.pause = () => sleep(10);
    const url = await serve(async (req, res) => {
      const session = await openSession(sessions, req, res);
      session.variables['n'] = 1;
      const regenerated = session.regenerate();
      res.write('first ');
      const again = session.regenerate();
      await regenerated;
      res.end(await again.catch((error) => error.code));
    });
    const answer = await get(url, known && cookie);
    expect(answer.body).toBe('first ERR_PSB_HEADERS_SENT');
    expect(answer.setCookie).toEqual(FRESH);
    expect(await stored(idOf(answer.cookie))).toContain('n|i:1;');
  },
);

test('what changes no id delays nothing', async () => {
  let release = () => {};
  const url = await serve(async (req, res) => {
    const session = await openSession(sessions, req, res);
    session.variables['n'] = 1;
    store.pause = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const saved = session.save();
    expect(res.write('first ')).toBe(true);
    store.pause = () => {};
    setImmediate(() => release());
    await saved;
    res.end('last');
  });
  expect(await get(url, cookie)).toMatchObject({ body: 'first last', setCookie: [] });
});

test.each([{ deleteOld: true }, { deleteOld: false }])(
  'headers that go out under a move: refused before the old session goes. %j',
  async (options) => {
    let sent = false;
    const request = await openRequest(sessions, { cookie }, { headersSent: () => sent });
    const made: string[] = [];
    const write = store.writeIf.bind(store);
    store.writeIf = async (...args) => {
      made.push(args[0]);
      sent = args[0] !== id;
      return write(...args);
    };
    await expect(request.session.regenerate(options)).rejects.toMatchObject({
      code: 'ERR_PSB_HEADERS_SENT',
    });
    expect(request.session.id).toBe(id);
    expect(await stored(id)).toBe('userid|s:3:"kky";');
    expect(await stored(made.at(-1) as string)).toBeNull();
    expect((await request.commit()).setCookie).toEqual([]);
  },
);
