import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { SessionManager } from '../../src/config/session-manager.ts';
import { StoreError } from '../../src/errors.ts';
import { openSession, readSession } from '../../src/http/index.ts';
import type { Session } from '../../src/session/session.ts';
import { signIn } from '../../src/testing.ts';
import { RecordingSaveHandler } from './recording-save-handler.ts';
import { get, serve } from './server.ts';

let store: RecordingSaveHandler;
let sessions: SessionManager;
let errors: unknown[];

beforeEach(() => {
  store = new RecordingSaveHandler();
  sessions = new SessionManager({ saveHandler: store });
  errors = [];
});

type Handler = (session: Session, res: ServerResponse, req: IncomingMessage) => unknown;

function app(handler: Handler): Promise<string> {
  return serve(async (req, res) => {
    const session = await openSession(sessions, req, res, {
      onError: (error) => errors.push(error),
    });
    await handler(session, res, req);
  });
}

async function signedIn(variables: object = { userid: 'kky' }) {
  const cookie = await signIn(sessions, { ...variables });
  const id = cookie.replace(/^\w+=/, '');
  store.take();
  return { cookie, id };
}

async function stored(id: string) {
  const session = await sessions.open(id, { readOnly: true });
  return session.exists ? session.variables : null;
}

const down = new StoreError('ERR_PSB_STORE', 'the store is down');

describe('openSession', () => {
  test('end() creates the session, then sends its cookie', async () => {
    const url = await app((session, res) => {
      session.variables['userid'] = 'kky';
      res.end('ok');
    });
    const { body, setCookie, cookie } = await get(url);
    expect(body).toBe('ok');
    expect(setCookie).toEqual([
      expect.stringMatching(/^PHPSESSID=\w{32}; path=\/; HttpOnly; SameSite=Lax$/),
    ]);
    expect(await stored((cookie as string).slice(10))).toEqual({ userid: 'kky' });
  });

  test('so does writeHead() with headers, then end()', async () => {
    const url = await app((session, res) => {
      session.variables['userid'] = 'kky';
      res.writeHead(201, 'Made', { 'Set-Cookie': ['a=1', 'b=2'], 'X-Own': 'yes' }).end('ok');
    });
    const { status, headers, setCookie } = await get(url);
    expect(status).toBe(201);
    expect(headers.get('x-own')).toBe('yes');
    expect(setCookie).toEqual(['a=1', 'b=2', expect.stringMatching(/^PHPSESSID=/)]);
  });

  test('and with the headers as a flat array', async () => {
    const url = await app((session, res) => {
      session.variables['userid'] = 'kky';
      res.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']);
      res.end('ok');
    });
    expect((await get(url)).setCookie).toEqual([
      'a=1',
      'b=2',
      expect.stringMatching(/^PHPSESSID=/),
    ]);
  });

  test('a request that uses no session sends no header and no command', async () => {
    const url = await app((_, res) => res.end('ok'));
    const { setCookie, headers } = await get(url);
    expect(setCookie).toEqual([]);
    expect([...headers.keys()].sort()).toEqual([
      'connection',
      'content-length',
      'date',
      'keep-alive',
    ]);
    expect(store.take()).toEqual([]);
  });

  test('the client sees the end only when the session is stored', async () => {
    const { cookie, id } = await signedIn();
    let release = () => {};
    store.beforeWrite = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const url = await app(async (session, res) => {
      session.variables['visits'] = 1;
      res.write('part');
      res.end();
    });
    let done = false;
    const answer = get(url, cookie).then((value) => {
      done = true;
      return value;
    });
    await vi.waitFor(() => expect(store.calls).toContain('writeIf'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(done).toBe(false);
    release();
    expect((await answer).body).toBe('part');
    expect(await stored(id)).toMatchObject({ visits: 1 });
  });

  test('a piped body ends the request', async () => {
    const { cookie, id } = await signedIn();
    const url = await app(async (session, res) => {
      session.variables['visits'] = 1;
      await pipeline(Readable.from(['a', 'b', 'c']), res);
    });
    expect((await get(url, cookie)).body).toBe('abc');
    expect(await stored(id)).toMatchObject({ visits: 1 });
  });

  test('end() gives its callback, and a second end() does no harm', async () => {
    const called = vi.fn();
    const url = await app((session, res) => {
      session.variables['visits'] = 1;
      res.end('ok', called);
      res.end('again');
    });
    expect((await get(url)).body).toBe('ok');
    await vi.waitFor(() => expect(called).toHaveBeenCalled());
  });

  test('save() before streaming: the cookie goes with the first byte', async () => {
    const url = await app(async (session, res) => {
      session.variables['userid'] = 'kky';
      await session.save();
      res.write('a');
      session.variables['late'] = true;
      res.end('b');
    });
    const { body, cookie } = await get(url);
    expect(body).toBe('ab');
    expect(await stored((cookie as string).slice(10))).toEqual({ userid: 'kky', late: true });
  });

  test('flushHeaders() counts as sending', async () => {
    const url = await app(async (session, res) => {
      session.variables['userid'] = 'kky';
      await session.save();
      res.flushHeaders();
      expect(res.headersSent).toBe(true);
      res.end('ok');
    });
    expect((await get(url)).setCookie).toHaveLength(1);
  });

  test('a session that begins after the first byte cuts the connection, unwritten', async () => {
    const url = await app(async (session, res) => {
      res.write('a');
      session.variables['userid'] = 'kky';
      res.end('b');
    });
    await expect(get(url)).rejects.toThrow();
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_PSB_HEADERS_SENT' })]);
    expect(store.take()).toEqual([]);
  });

  test('a commit that fails before the headers are out is answered with its status', async () => {
    const { cookie } = await signedIn();
    store.failing = { call: 'writeIf', error: down };
    const url = await app((session, res) => {
      session.variables['visits'] = 1;
      res.writeHead(200, { 'Content-Type': 'text/html', 'Content-Length': 2 });
      res.end('ok');
    });
    const { status, body, headers } = await get(url, cookie);
    expect(status).toBe(503);
    expect(body).toBe('Service Unavailable');
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(errors).toEqual([down]);
  });

  test('one that fails when they are out cuts the connection', async () => {
    const { cookie } = await signedIn();
    store.failing = { call: 'writeIf', error: down };
    const url = await app((session, res) => {
      session.variables['visits'] = 1;
      res.write('part');
      res.end('end');
    });
    await expect(get(url, cookie)).rejects.toThrow();
    expect(errors).toEqual([down]);
  });

  test('without onError a failure becomes a warning', async () => {
    const warnings: string[] = [];
    sessions = new SessionManager({
      saveHandler: store,
      onWarning: (code, message) => warnings.push(`${code} ${message}`),
    });
    const { cookie } = await signedIn();
    store.failing = { call: 'writeIf', error: down };
    const url = await serve(async (req, res) => {
      const session = await openSession(sessions, req, res);
      session.variables['visits'] = 1;
      res.end();
    });
    expect((await get(url, cookie)).status).toBe(503);
    expect(warnings).toEqual([
      'PSB_COMMIT_FAILED a session could not be stored: the store is down',
    ]);
  });

  test('the client leaves in mid-request: the handler goes on, the session is stored', async () => {
    const { cookie, id } = await signedIn();
    let finished = false;
    const url = await app(async (session, res, req) => {
      await new Promise((resolve) => req.once('close', resolve));
      session.variables['visits'] = 1;
      res.end('nobody hears this');
      finished = true;
    });
    const request = httpRequest(url, { headers: { cookie } }).on('error', () => {});
    request.end();
    await vi.waitFor(() => expect(store.calls).toContain('read+refresh'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    request.destroy();
    await vi.waitFor(() => expect(finished).toBe(true));
    await vi.waitFor(async () => expect(await stored(id)).toMatchObject({ visits: 1 }));
  });

  test('and where the handler never ends the response, after a while', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    try {
      const { cookie, id } = await signedIn();
      const closed = new Promise<void>((resolve) => {
        void app((session, res) => {
          session.variables['visits'] = 1;
          res.once('close', resolve);
          res.write('part');
        }).then((url) => {
          const request = httpRequest(url, { headers: { cookie } }, (response) => {
            response.once('data', () => request.destroy());
            response.on('error', () => {});
          }).on('error', () => {});
          request.end();
        });
      });
      await closed;
      expect(await stored(id)).not.toHaveProperty('visits');
      await vi.advanceTimersByTimeAsync(5_000);
      expect(await stored(id)).toMatchObject({ visits: 1 });
    } finally {
      vi.useRealTimers();
    }
  });

  test('HTTP/2: the cookie goes out, with and without a body', async () => {
    const server = createHttp2Server(async (req, res) => {
      const session = await openSession(
        sessions,
        req as unknown as IncomingMessage,
        res as unknown as ServerResponse,
      );
      session.variables['userid'] = 'kky';
      if (req.url === '/body') res.end('ok');
      else res.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    for (const path of ['/body', '/']) {
      const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
        const stream = client.request({ ':path': path });
        stream.on('response', resolve).on('error', reject).resume().end();
      });
      expect(headers['set-cookie']).toEqual([expect.stringMatching(/^PHPSESSID=/)]);
    }
    client.close();
    server.close();
  });
});

describe('readSession', () => {
  test('reads once, refreshes nothing, writes nothing', async () => {
    const { cookie } = await signedIn();
    const url = await serve(async (req, res) => {
      const session = await readSession(sessions, req);
      res.end(JSON.stringify([session.exists, session.readOnly, session.variables]));
    });
    expect((await get(url, cookie)).body).toBe('[true,true,{"userid":"kky"}]');
    expect(store.take()).toEqual(['read']);
    expect((await get(url)).body).toBe('[false,true,{}]');
    expect(store.take()).toEqual([]);
  });
});
