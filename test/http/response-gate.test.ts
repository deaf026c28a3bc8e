import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import onHeaders from 'on-headers';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { SessionManager } from '../../src/config/session-manager.ts';
import { StoreError } from '../../src/errors.ts';
import { openSession } from '../../src/http/index.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import type { Session } from '../../src/session/session.ts';
import { signIn } from '../../src/testing.ts';
import { RecordingSaveHandler } from './recording-save-handler.ts';
import { type Answer, get, serve } from './server.ts';

let store: RecordingSaveHandler;
let sessions: SessionManager;
let errors: unknown[];
let warnings: string[];

const down = new StoreError('ERR_PSB_STORE', 'the store is down');

beforeEach(() => {
  store = new RecordingSaveHandler();
  warnings = [];
  sessions = new SessionManager({
    saveHandler: store,
    onWarning: (code) => void warnings.push(code),
  });
  errors = [];
});

type Handler = (session: Session, res: ServerResponse, req: IncomingMessage) => unknown;

async function app(handler: Handler): Promise<string> {
  return serve(async (req, res) => {
    const onError = (error: unknown) => errors.push(error);
    const session = await openSession(sessions, req, res, { onError });
    await handler(session, res, req);
  });
}

async function stored(answer: Answer): Promise<unknown> {
  const session = await sessions.open((answer.cookie as string).slice(10), { readOnly: true });
  return session.exists ? session.variables : null;
}

const later = (ms = 20) => new Promise((resolve) => setTimeout(resolve, ms));

describe('what fails when the held back response goes out', () => {
  const failing: [name: string, handler: Handler, code: string][] = [
    [
      'trailers without chunks',
      (_, res) => res.writeHead(200, { Trailer: 'X-Sum', 'Content-Length': '2' }).end('ok'),
      'ERR_HTTP_TRAILER_INVALID',
    ],
    [
      'a body that is not as long as it says',
      (_, res) => {
        Object.assign(res, { strictContentLength: true });
        res.writeHead(200, { 'Content-Length': '7' });
        res.end('ok');
      },
      'ERR_HTTP_CONTENT_LENGTH_MISMATCH',
    ],
  ];
  test.each(failing)('%s: onError is told, the client does not wait', async (_, handler, code) => {
    const url = await app((session, res, req) => {
      session.variables['a'] = 1;
      return handler(session, res, req);
    });
    const answer = await get(url).catch(() => undefined);
    if (answer) expect(answer.status).toBe(500);
    expect(errors).toEqual([expect.objectContaining({ code })]);
  });

  test('a listener for headers that throws, of a layer around', async () => {
    const url = await serve(async (req, res) => {
      onHeaders(res, () => {
        throw new Error('no');
      });
      const session = await openSession(sessions, req, res, {
        onError: (error) => errors.push(error),
      });
      session.variables['a'] = 1;
      res.setHeader('Cache-Control', 'public');
      res.writeHead(200, { 'X-Own': '1' }).end('ok');
    });
    const { status, body, headers } = await get(url);
    expect([status, body]).toEqual([500, 'Internal Server Error']);
    expect(headers.get('x-own')).toBeNull();
    expect(headers.get('cache-control')).toBe('private, no-store');
    expect(errors).toEqual([new Error('no')]);
  });

  test('a failed commit takes back status, reason and headers of writeHead()', async () => {
    store.failing = { call: 'writeIf', error: down };
    const url = await app((session, res) => {
      session.variables['a'] = 1;
      res.writeHead(201, 'Made', { 'X-Own': '1', 'Cache-Control': 'public' }).end('ok');
    });
    const response = await fetch(url);
    expect([response.status, response.statusText]).toEqual([503, 'Service Unavailable']);
    expect(response.headers.get('x-own')).toBeNull();
    expect(response.headers.get('cache-control')).toBeNull();
  });

  test('the callback of the end is told, and a second end from the application is not heard', async () => {
    store.failing = { call: 'writeIf', error: down };
    const called = vi.fn();
    const url = await app(async (session, res) => {
      session.variables['a'] = 1;
      res.end('ok', called);
      await later();
      res.write('more');
      res.end('again');
    });
    expect((await get(url)).status).toBe(503);
    await later(40);
    expect(called).toHaveBeenCalledExactlyOnceWith(down);
  });
});

describe('the first byte of a new session', () => {
  test.each<[string, Handler]>([
    [
      'write()',
      (_, res) => {
        res.write('a');
        res.end('b');
      },
    ],
    [
      'write() and a later end()',
      async (_, res) => {
        res.write('a');
        await later();
        res.end('b');
      },
    ],
    ['pipeline()', (_, res) => pipeline(Readable.from(['a', 'b']), res)],
    [
      'flushHeaders()',
      async (_, res) => {
        res.flushHeaders();
        await later();
        res.end('ab');
      },
    ],
    [
      'writeHead(), write()',
      (_, res) => {
        res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Set-Cookie': 'own=1' });
        res.write('a');
        res.end('b');
      },
    ],
  ])('brings its cookie: %s', async (_, handler) => {
    const url = await app((session, res, req) => {
      session.variables['a'] = 1;
      return handler(session, res, req);
    });
    const answer = await get(url);
    expect(answer.body).toBe('ab');
    expect(answer.cookie).toMatch(/^PHPSESSID=/);
    expect(answer.headers.get('cache-control')).toBe('private, no-store');
    expect(await stored(answer)).toEqual({ a: 1 });
    expect(errors).toEqual([]);
  });

  test('what comes after it is stored as well', async () => {
    const url = await app(async (session, res) => {
      session.variables['a'] = 1;
      res.write('a');
      session.variables['b'] = 2;
      await later();
      session.variables['c'] = 3;
      res.end('b');
    });
    expect(await stored(await get(url))).toEqual({ a: 1, b: 2, c: 3 });
  });

  test('of a request that has a session already waits for nothing', async () => {
    const cookie = await signIn(sessions, { a: 1 });
    store.take();
    let sent: unknown;
    const url = await app((session, res) => {
      session.variables['a'] = 2;
      res.write('a');
      sent = [res.headersSent, store.take()];
      res.end('b');
    });
    await get(url, cookie);
    expect(sent).toEqual([true, ['read+refresh']]);
  });

  test('behind compression, which keeps the listeners of drain to itself', async () => {
    const url = await serve(async (req, res) => {
      // What compression does until it has a stream: they are for that one.
      const { on } = res;
      res.on = function kept(this: ServerResponse, event: string, listener: () => void) {
        return event === 'drain' ? this : on.call(this, event, listener);
      } as typeof res.on;
      const session = await openSession(sessions, req, res);
      session.variables['a'] = 1;
      Readable.from(['a', 'b', 'c']).pipe(res);
    });
    expect((await get(url)).body).toBe('abc');
  });

  test('a logout goes before it, too', async () => {
    const cookie = await signIn(sessions, { a: 1 });
    const url = await app(async (session, res) => {
      await session.destroy();
      res.write('bye');
      res.end();
    });
    expect((await get(url, cookie)).setCookie).toEqual([expect.stringMatching(/=deleted;/)]);
  });

  test('an id that changes when it is on its way is refused', async () => {
    store.beforeWrite = () => later().then(() => {});
    const url = await app(async (session, res) => {
      session.variables['a'] = 1;
      res.write('a');
      await later(5);
      res.end(await session.regenerate().catch((error) => error.code));
    });
    const answer = await get(url);
    expect(answer.body).toBe('aERR_PSB_HEADERS_SENT');
    expect(await stored(answer)).toEqual({ a: 1 });
  });

  describe('cannot be stored', () => {
    beforeEach(() => {
      store.failing = { call: 'writeIf', error: down };
    });

    test('the client gets the error, at once', async () => {
      const url = await app((session, res) => {
        session.variables['a'] = 1;
        res.setHeader('Cache-Control', 'public, max-age=600');
        res.writeHead(200, { 'Content-Type': 'text/event-stream' });
        res.write('a');
      });
      const answer = await get(url);
      expect([answer.status, answer.body]).toEqual([503, 'Service Unavailable']);
      expect(answer.headers.get('cache-control')).toBeNull();
      expect(errors).toEqual([down]);
    });

    test('a stream that is piped into it comes to its end', async () => {
      let settled = false;
      const source = new Readable({ read() {} });
      const url = await app(async (session, res) => {
        session.variables['a'] = 1;
        source.push('a');
        await pipeline(source, res).catch(() => {});
        settled = true;
      });
      expect((await get(url)).status).toBe(503);
      await vi.waitFor(() => expect(settled).toBe(true));
    });

    test('a handler that goes on does no harm, and the manager does not wait for it', async () => {
      const codes: unknown[] = [];
      const url = await app(async (session, res) => {
        session.variables['a'] = 1;
        res.write('a', (error) => codes.push((error as { code?: string } | null)?.code));
        await later();
        res.write('b', (error) => codes.push((error as { code?: string } | null)?.code));
        res.flushHeaders();
        res.end('c', () => codes.push('ended'));
      });
      expect((await get(url)).status).toBe(503);
      await vi.waitFor(() => expect(codes).toEqual(['ERR_PSB_STORE', 'ERR_PSB_STORE', 'ended']));
      const started = performance.now();
      await sessions.close();
      expect(performance.now() - started).toBeLessThan(1_000);
    });

    test('values that PHP cannot hold are an error before anything is sent', async () => {
      store.failing = undefined;
      const url = await app((session, res) => {
        session.variables['a'] = () => {};
        res.write('a');
        res.end();
      });
      expect((await get(url)).status).toBe(500);
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_PSB_CODEC_VALUE' })]);
    });
  });
});

describe('a client that leaves', () => {
  async function leaving(handler: Handler, when: 'head' | 'data' | 'at once'): Promise<void> {
    const url = await app(handler);
    const request = httpRequest(url).on('error', () => {});
    request.on('response', (response) => {
      response.on('error', () => {});
      if (when === 'head') request.destroy();
      else response.once('data', () => request.destroy());
    });
    request.end();
    if (when === 'at once') {
      await later();
      request.destroy();
    }
  }

  test('while its session is being stored, with the end held back', async () => {
    let release = () => {};
    store.beforeWrite = () => new Promise((resolve) => (release = resolve));
    const done = vi.fn();
    await leaving((session, res) => {
      session.variables['a'] = 1;
      res.end('ok', done);
    }, 'at once');
    await later(50);
    release();
    await later(50);
    expect(errors).toEqual([]);
    expect(store.calls.filter((call) => call === 'writeIf')).toHaveLength(1);
  });

  test('before its session is open: it is ended after the grace', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    try {
      let opened: Session | undefined;
      const url = await serve(async (req, res) => {
        const closed = once(res, 'close');
        res.socket?.destroy();
        await closed;
        opened = await openSession(sessions, req, res);
        opened.variables['a'] = 1;
      });
      await get(url).catch(() => {});
      await vi.waitFor(() => expect(opened).toBeDefined());
      expect(opened?.state).toBe('open');
      await vi.advanceTimersByTimeAsync(5_000);
      expect(opened?.state).toBe('closed');
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('two sessions in one response', () => {
  const other = () => new SessionManager({ saveHandler: new MemorySaveHandler(), name: 'OTHER' });

  test.each<[string, Handler]>([
    ['end()', (_, res) => res.end('ok')],
    ['writeHead() and end()', (_, res) => res.writeHead(200, { 'X-Own': '1' }).end('ok')],
    [
      'write() and end()',
      (_, res) => {
        res.write('o');
        res.end('k');
      },
    ],
    [
      'a second answer',
      (_, res) => {
        res.setHeader('Content-Length', '2').end('ok');
        expect([res.headersSent, res.writableEnded]).toEqual([true, true]);
        expect(() => res.setHeader('Content-Length', '3')).toThrow(
          expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' }),
        );
      },
    ],
  ])('both have their cookie: %s', async (_, handler) => {
    const second = other();
    const url = await serve(async (req, res) => {
      const onError = (error: unknown) => errors.push(error);
      const first = await openSession(sessions, req, res, { onError });
      const last = await openSession(second, req, res, { onError });
      first.variables['a'] = 1;
      last.variables['b'] = 2;
      await handler(first, res, req);
    });
    const answer = await get(url);
    expect(answer.body).toBe('ok');
    expect(answer.setCookie.map((text) => text.split('=')[0]).sort()).toEqual([
      'OTHER',
      'PHPSESSID',
    ]);
    expect(errors).toEqual([]);
  });

  test('of one cookie name are refused, and the first one goes on', async () => {
    const url = await serve(async (req, res) => {
      const session = await openSession(sessions, req, res);
      session.variables['a'] = 1;
      const error = await openSession(
        new SessionManager({ saveHandler: new MemorySaveHandler() }),
        req,
        res,
      ).catch((reason) => reason.code);
      res.end(error);
    });
    const answer = await get(url);
    expect(answer.body).toBe('ERR_PSB_OPTIONS');
    expect(await stored(answer)).toEqual({ a: 1 });
  });
});

describe('caching of a response that sets the session cookie', () => {
  const answer = async (headers: Record<string, string>) => {
    const url = await app((session, res) => {
      session.variables['a'] = 1;
      res.writeHead(200, headers).end('ok');
    });
    return (await get(url)).headers.get('cache-control');
  };

  test('private, no-store', async () => {
    expect(await answer({})).toBe('private, no-store');
    expect(warnings).toEqual([]);
  });

  test.each(['no-cache', 'private, max-age=60', 'max-age=60'])('its own: %s', async (own) => {
    expect(await answer({ 'Cache-Control': own })).toBe(own);
    expect(warnings).toEqual([]);
  });

  test.each(['public, max-age=60', 'Public', 'max-age=1, s-maxage=60'])(
    'warns, once: %s',
    async (own) => {
      expect(await answer({ 'Cache-Control': own })).toBe(own);
      expect(await answer({ 'Cache-Control': own })).toBe(own);
      expect(warnings).toEqual(['PSB_PUBLIC_COOKIE']);
    },
  );

  test('without a cookie to set nothing is said', async () => {
    const cookie = await signIn(sessions, { a: 1 });
    const url = await app((session, res) => {
      session.variables['a'] = 2;
      res.setHeader('Cache-Control', 'public').end('ok');
    });
    expect((await get(url, cookie)).headers.get('cache-control')).toBe('public');
    expect(warnings).toEqual([]);
  });
});

describe('HTTP/2 as without the gate', () => {
  type H2Handler = (res: ServerResponse, log: unknown[]) => unknown;
  const code = (work: () => unknown) => {
    try {
      work();
      return 'nothing thrown';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code;
    }
  };
  const state = (res: ServerResponse) => [res.headersSent, res.writableEnded, res.finished];
  const changes = (res: ServerResponse) => [
    code(() => res.setHeader('x-late', '1')),
    code(() => res.appendHeader('x-late', '1')),
    code(() => res.removeHeader('x-own')),
    code(() => res.writeHead(500)),
  ];
  const scenarios: [string, H2Handler][] = [
    ['end(text)', (res) => res.end('ok')],
    ['end()', (res) => res.end()],
    ['writeHead()', (res) => res.writeHead(201, { 'x-own': '1' }).end('ok')],
    [
      'writeHead(array)',
      (res) => res.writeHead(201, ['x-own', '1', 'set-cookie', 'a=1']).end('ok'),
    ],
    [
      'write()',
      (res) => {
        res.write('o');
        res.end('k');
      },
    ],
    ['a status of its own', (res) => Object.assign(res, { statusCode: 404 }).end('no')],
    ['pipeline()', (res) => pipeline(Readable.from(['a', 'b']), res)],
    [
      'end(callback)',
      (res, log) => new Promise<void>((done) => res.end('ok', done)).then(() => log.push('called')),
    ],
    [
      'what is known after writeHead()',
      (res, log) => {
        res.setHeader('x-own', '1');
        res.writeHead(200);
        log.push(state(res), changes(res));
        res.end('ok');
      },
    ],
    [
      'what is known after end()',
      (res, log) => {
        res.setHeader('x-own', '1');
        res.end('ok');
        log.push(state(res), changes(res));
      },
    ],
    [
      'what is known after write()',
      (res, log) => {
        res.setHeader('x-own', '1');
        res.write('o');
        log.push(state(res), changes(res));
        res.end('k');
      },
    ],
    [
      'wrong heads',
      (res, log) => {
        log.push(
          code(() => res.writeHead(1000)),
          code(() => res.writeHead(199)),
          code(() => res.writeHead(200, { a: undefined })),
        );
        Object.assign(res, { statusCode: 500 });
        res.end('an error page');
      },
    ],
    [
      'chunks that are none',
      (res, log) => {
        log.push(
          code(() => res.write({})),
          code(() => res.write(null)),
          code(() => res.end(5)),
        );
        res.end('ok');
      },
    ],
  ];

  async function run(handler: H2Handler, kind?: 'new' | 'known') {
    const log: unknown[] = [];
    let settled: Promise<unknown> = Promise.resolve();
    const cookie = kind === 'known' ? await signIn(sessions, { a: 1 }) : undefined;
    const server = createHttp2Server((req, res) => {
      const [request, response] = [req, res] as unknown as [IncomingMessage, ServerResponse];
      settled = (async () => {
        if (kind) {
          const onError = (error: unknown) => errors.push(error);
          const session = await openSession(sessions, request, response, { onError });
          session.variables['b'] = 1;
        }
        await handler(response, log);
      })();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onTestFinished(() => {
      client.destroy();
      server.close();
    });
    const stream = client.request({ ':path': '/', ...(cookie && { cookie }) });
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    let body = '';
    for await (const chunk of stream) body += chunk;
    await settled;
    const { date: _, 'set-cookie': cookies = [], 'cache-control': caching, ...rest } = headers;
    const own = (cookies as string[]).filter((text) => !text.startsWith('PHPSESSID='));
    if (kind === 'new') expect(cookies).toHaveLength(own.length + 1);
    return {
      headers: { ...rest, own, caching: kind === 'new' ? undefined : caching },
      body,
      log,
    };
  }

  describe.each(['new', 'known'] as const)('a %s session', (kind) => {
    test.each(scenarios)('%s', async (_, handler) => {
      expect(await run(handler, kind)).toEqual(await run(handler));
      expect(errors).toEqual([]);
    });
  });
});
