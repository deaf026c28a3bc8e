/**
 * Every scenario runs twice over a real socket: by plain Node, and behind the gate. What the client
 * sees and what the handler is told must be the same, but for the session's own headers.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import onHeaders from 'on-headers';
import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager } from '../../src/config/session-manager.ts';
import { openSession } from '../../src/http/index.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import { signIn } from '../../src/testing.ts';
import { type RawAnswer, rawAnswers } from './raw-answer.ts';
import { serve } from './server.ts';

interface Visit {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** What the handler is told: return values, errors, events. */
  readonly log: unknown[];
  /** Does it, and logs the code of what it throws. */
  attempt(work: () => unknown): void;
}
type Handler = (visit: Visit) => unknown;

type Scenario = readonly [name: string, handler: Handler, head?: string];

const wrongHeads = (
  [
    ['a header name with a blank', (res) => res.writeHead(200, { 'a b': '1' })],
    ['a header value with CR LF', (res) => res.writeHead(200, { A: '1\r\nSet-Cookie: x=y' })],
    ['a Location beyond Latin-1', (res) => res.writeHead(302, { Location: '/search?q=검색' })],
    ['a header without a value', (res) => res.writeHead(200, { A: undefined })],
    ['a wrong header behind a good one', (res) => res.writeHead(200, { A: '1', B: '\n' })],
    ['a flat array of odd length', (res) => res.writeHead(200, ['A'])],
    ['a wrong value in an array', (res) => res.writeHead(200, ['A', '1', 'A', '\n'])],
    ['status 1000', (res) => res.writeHead(1000)],
    ['status 99', (res) => res.writeHead(99)],
    ['a status that is no number', (res) => res.writeHead(Number.NaN)],
    ['a reason with a line break', (res) => res.writeHead(200, 'a\nb')],
  ] as [string, (res: ServerResponse) => unknown][]
).flatMap(([name, writeHead]): Scenario[] => [
  [
    `${name}, alone`,
    ({ res, attempt }) => {
      attempt(() => writeHead(res));
      res.statusMessage = '';
      res.statusCode = 500;
      res.end('an error page');
    },
  ],
  [
    `${name}, after setHeader()`,
    ({ res, attempt }) => {
      res.setHeader('X-Own', '1');
      attempt(() => writeHead(res));
      for (const header of res.getHeaderNames()) res.removeHeader(header);
      res.statusMessage = '';
      res.statusCode = 500;
      res.end('an error page');
    },
  ],
]);

const state = ({ res, log }: Visit) =>
  log.push({ headersSent: res.headersSent, ended: res.writableEnded, finished: res.finished });

const changes: Handler = ({ res, attempt }) => {
  attempt(() => res.setHeader('Content-Length', '1'));
  attempt(() => res.appendHeader('X-Late', '1'));
  attempt(() => res.removeHeader('X-Own'));
  attempt(() => res.setHeaders(new Map([['X-Late', '1']])));
  attempt(() => res.writeHead(500, { 'X-Late': '1' }));
  res.statusCode = 500;
  res.statusMessage = 'Late';
};

const scenarios: readonly Scenario[] = [
  ['end(text)', ({ res }) => res.end('text')],
  ['end()', ({ res }) => res.end()],
  ['end(bytes)', ({ res }) => res.end(Buffer.from([0, 1, 255]))],
  ['end(text, encoding)', ({ res }) => res.end('é', 'latin1')],
  [
    'end(callback)',
    async ({ res, log }) => {
      await new Promise<void>((resolve) => res.end(() => resolve()));
      log.push('called');
    },
  ],
  [
    'end(text, callback), end(text, encoding, callback)',
    async ({ req, res, log }) => {
      await new Promise<void>((resolve) => {
        if (req.method === 'GET') res.end('a', resolve);
        else res.end('a', 'utf8', resolve);
      });
      log.push('called');
    },
  ],
  ['end() with a Content-Length', ({ res }) => res.setHeader('Content-Length', '2').end('ok')],
  ['a status', ({ res }) => Object.assign(res, { statusCode: 404 }).end('no')],
  [
    'a status and a reason',
    ({ res }) => Object.assign(res, { statusCode: 404, statusMessage: 'No' }).end('no'),
  ],
  ['writeHead(status)', ({ res }) => res.writeHead(201).end('made')],
  ['writeHead(status, reason)', ({ res }) => res.writeHead(201, 'Well Made').end('made')],
  ['writeHead(status, headers)', ({ res }) => res.writeHead(302, { Location: '/x' }).end()],
  [
    'writeHead(status, reason, headers)',
    ({ res }) => res.writeHead(201, 'Made', { 'X-Own': '1', 'Content-Length': 2 }).end('ok'),
  ],
  [
    'writeHead() over setHeader()',
    ({ res }) => res.setHeader('X-Own', '1').writeHead(200, { 'x-own': '2', 'X-B': '3' }).end('ok'),
  ],
  [
    'writeHead() with a flat array',
    ({ res }) => res.writeHead(200, ['X-A', '1', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']).end(),
  ],
  [
    'writeHead() with pairs',
    ({ res }) =>
      res
        .writeHead(200, [
          ['X-A', '1'],
          ['X-B', '2'],
        ] as never)
        .end(),
  ],
  [
    'headers that change after writeHead() took them',
    ({ res }) => {
      const headers = { 'X-Own': '1' };
      res.writeHead(200, headers);
      headers['X-Own'] = '2';
      res.end('ok');
    },
  ],
  ...wrongHeads,
  [
    'a wrong status without writeHead()',
    ({ res, attempt }) => {
      res.statusCode = 1000;
      attempt(() => res.end('x'));
      res.statusCode = 500;
      res.end('an error page');
    },
  ],
  [
    'a wrong status, and write()',
    ({ res, attempt }) => {
      res.statusCode = 1000;
      attempt(() => res.write('x'));
      attempt(() => res.flushHeaders());
      res.statusCode = 500;
      res.end('an error page');
    },
  ],
  [
    'a wrong reason without writeHead()',
    ({ res, attempt }) => {
      res.statusMessage = 'a\nb';
      attempt(() => res.end());
      res.statusMessage = '';
      res.end('ok');
    },
  ],
  [
    'chunks that are none',
    ({ res, attempt }) => {
      for (const chunk of [{}, 5, true, []]) attempt(() => res.end(chunk));
      for (const chunk of [null, undefined, {}, 5]) attempt(() => res.write(chunk));
      attempt(() => res.write('x', 'bogus' as 'utf8'));
      res.destroy();
    },
  ],
  ['end(0), which is no chunk', ({ res }) => res.end(0)],
  ['end(null)', ({ res }) => res.end(null)],
  ['end("")', ({ res }) => res.end('')],
  [
    'what is known after writeHead()',
    (visit) => {
      visit.res.setHeader('X-Own', '1');
      visit.res.writeHead(200);
      state(visit);
      changes(visit);
      visit.res.end('ok');
    },
  ],
  [
    'what is known after end()',
    (visit) => {
      visit.res.setHeader('X-Own', '1');
      visit.res.end('ok');
      state(visit);
      changes(visit);
    },
  ],
  [
    'what is known after write()',
    (visit) => {
      visit.res.setHeader('X-Own', '1');
      visit.res.write('o');
      state(visit);
      changes(visit);
      visit.res.end('k');
      state(visit);
    },
  ],
  [
    'what is known after flushHeaders()',
    (visit) => {
      visit.res.setHeader('X-Own', '1');
      visit.res.flushHeaders();
      state(visit);
      changes(visit);
      visit.res.end('ok');
    },
  ],
  [
    'a second answer that asks first',
    ({ res }) => {
      res.setHeader('Content-Length', '5').end('first');
      if (!res.headersSent) res.setHeader('Content-Length', '12').end('second answer');
    },
  ],
  [
    'a second answer that asks first, later',
    async ({ res }) => {
      res.setHeader('Content-Length', '5').end('first');
      await null;
      if (!res.headersSent) res.setHeader('Content-Length', '12').end('second answer');
    },
  ],
  [
    'a second end() with a callback',
    async ({ res, log }) => {
      res.end('ok');
      await new Promise<void>((resolve) => res.end(() => resolve()));
      log.push('called');
    },
  ],
  [
    'write() after end()',
    async ({ res, log, attempt }) => {
      res.on('error', () => {});
      res.end('ok');
      attempt(() => res.write({}));
      const error = await new Promise((resolve) => log.push(res.write('x', resolve)));
      log.push((error as NodeJS.ErrnoException).code);
    },
  ],
  [
    'write() twice, and callbacks in their order',
    async ({ res, log }) => {
      res.write('a', () => log.push('a'));
      res.write('b', 'utf8', () => log.push('b'));
      await new Promise<void>((resolve) => res.end('c', resolve));
      log.push('c');
    },
  ],
  [
    'writeHead(), write(), end()',
    ({ res }) => {
      res.writeHead(201, { 'X-Own': '1' });
      res.write('a');
      res.write(Buffer.from('b'));
      res.end();
    },
  ],
  [
    'write(), and end() a while later',
    async ({ res }) => {
      res.write('a');
      await new Promise((resolve) => setTimeout(resolve, 20));
      res.write('b');
      await new Promise((resolve) => setTimeout(resolve, 20));
      res.end('c');
    },
  ],
  [
    'flushHeaders(), twice, and end()',
    ({ res }) => {
      res.flushHeaders();
      res.flushHeaders();
      res.end('ok');
    },
  ],
  [
    'a status and a reason that change after the first byte',
    async ({ res }) => {
      res.statusCode = 202;
      res.write('a');
      res.statusCode = 500;
      await null;
      res.end('b');
    },
  ],
  ['HEAD', ({ res }) => res.end('nobody gets this'), 'HEAD / HTTP/1.1'],
  [
    'HEAD with a length, and write()',
    ({ res }) => {
      res.setHeader('Content-Length', '7');
      res.write('nothing');
      res.end();
    },
    'HEAD / HTTP/1.1',
  ],
  ['204', ({ res }) => res.writeHead(204).end('nothing')],
  ['304', ({ res }) => Object.assign(res, { statusCode: 304 }).end('nothing')],
  [
    '304 and write()',
    ({ res }) => {
      res.statusCode = 304;
      res.write('nothing');
      res.end();
    },
  ],
  ['HTTP/1.0', ({ res }) => res.end('ok'), 'GET / HTTP/1.0'],
  [
    'HTTP/1.0 and write()',
    ({ res }) => {
      res.write('a');
      res.end('b');
    },
    'GET / HTTP/1.0',
  ],
  ['no Date', ({ res }) => Object.assign(res, { sendDate: false }).end('ok')],
  [
    'writeContinue(), writeProcessing(), writeEarlyHints()',
    ({ res }) => {
      res.writeContinue();
      res.writeProcessing();
      res.writeEarlyHints({ link: '</style.css>; rel=preload' });
      res.end('ok');
    },
  ],
  [
    'trailers',
    ({ res }) => {
      res.writeHead(200, { Trailer: 'X-Sum' });
      res.write('a');
      res.addTrailers({ 'X-Sum': '1' });
      res.end('b');
    },
  ],
  [
    'wrong trailers',
    ({ res, attempt }) => {
      res.setHeader('Trailer', 'X-Sum');
      res.write('a');
      attempt(() => res.addTrailers({ 'X-Sum': '\n' }));
      res.end('b');
    },
  ],
  [
    'cork() and uncork()',
    async ({ res }) => {
      res.cork();
      res.write('a');
      res.write('b');
      await null;
      res.uncork();
      res.end('c');
    },
  ],
  [
    'a body that must wait for the client',
    async ({ res }) => {
      for (let at = 0; at < 20; at++) {
        if (!res.write('x'.repeat(500_000))) await once(res, 'drain');
      }
      res.end('end');
    },
  ],
  [
    'drain, when the first writes are small',
    async ({ res, log }) => {
      let chunk = 0;
      const more = () => {
        while (chunk < 50) {
          chunk += 1;
          if (!res.write('x'.repeat(1000))) {
            res.once('drain', more);
            return;
          }
        }
        res.end();
      };
      more();
      await once(res, 'finish');
      log.push(chunk);
    },
  ],
  ['pipe()', ({ res }) => void Readable.from(['a', 'b', 'c']).pipe(res)],
  ['pipeline()', ({ res }) => pipeline(Readable.from(['a', 'b', 'c']), res)],
  [
    'pipeline() from a generator',
    ({ res }) =>
      pipeline(async function* () {
        for (let at = 0; at < 100; at++) yield 'x'.repeat(10_000);
      }, res),
  ],
  [
    'pipeline() from a source that fails',
    async ({ res, attempt, log }) => {
      await pipeline(async function* () {
        yield 'a';
        // The first byte is on its way by then.
        await new Promise((resolve) => setTimeout(resolve, 30));
        throw new Error('the source failed');
      }, res).catch((error) => log.push(error.message));
      attempt(() => log.push(res.destroyed));
    },
  ],
  [
    'events',
    async ({ res, log }) => {
      res.on('finish', () => log.push('finish', res.writableFinished));
      res.on('close', () => log.push('close'));
      res.end('ok');
      await once(res, 'close');
    },
  ],
  [
    'destroy() instead of an end',
    async ({ res, log }) => {
      res.destroy();
      await once(res, 'close');
      log.push(res.writableEnded);
    },
  ],
  [
    'destroy() after write()',
    async ({ res }) => {
      res.write('a');
      res.destroy();
      await once(res, 'close');
    },
  ],
  [
    'a listener for headers from within',
    ({ res }) => {
      onHeaders(res, () => res.setHeader('X-Listened', String(res.statusCode)));
      res.writeHead(201, { 'X-Own': '1' });
      res.end('ok');
    },
  ],
  [
    'a listener for headers, and no writeHead()',
    ({ res }) => {
      onHeaders(res, () => res.setHeader('X-Listened', String(res.statusCode)));
      res.end('ok');
    },
  ],
  [
    'a listener for headers that changes the status, and write()',
    ({ res }) => {
      onHeaders(res, () => {
        res.statusCode = 418;
      });
      res.write('ok');
      res.end();
    },
  ],
  ['a transforming layer as compression has it', ({ res }) => transforming(res, 'ask')],
  ['one that looks at _header', ({ res }) => transforming(res, '_header')],
  ['one that ends at once', ({ res }) => transforming(res, 'ask', true)],
];

/** As the middleware compression works: it takes write() and end() over and answers later. */
function transforming(res: ServerResponse, how: 'ask' | '_header', atOnce = false): unknown {
  const write = res.write.bind(res) as (chunk: string) => boolean;
  const end = res.end.bind(res) as () => ServerResponse;
  const inner = res as ServerResponse & { _header: unknown; _implicitHeader(): void };
  onHeaders(res, () => {
    res.setHeader('Content-Encoding', 'shouting');
    res.removeHeader('Content-Length');
  });
  const begin = () => {
    if (how === 'ask' ? !res.headersSent : !inner._header) inner._implicitHeader();
  };
  let last = Promise.resolve();
  const later = (work: () => void) => {
    last = last.then(() => new Promise((resolve) => setTimeout(resolve, 5))).then(work);
  };
  res.write = ((chunk: string) => {
    begin();
    later(() => write(chunk.toUpperCase()));
    return true;
  }) as typeof res.write;
  res.end = ((chunk?: string) => {
    begin();
    if (chunk) later(() => write(chunk.toUpperCase()));
    later(() => void end());
    return res;
  }) as typeof res.end;
  res.setHeader('Content-Length', '6');
  if (atOnce) return res.end('abcdef');
  res.write('abc');
  return res.end('def');
}

const KINDS = ['ignored', 'known and changed', 'new', 'logged out'] as const;

let sessions: SessionManager;
let failures: unknown[];

beforeEach(() => {
  sessions = new SessionManager({ saveHandler: new MemorySaveHandler() });
  failures = [];
});

async function run(handler: Handler, head: string, kind?: (typeof KINDS)[number]) {
  const log: unknown[] = [];
  let settled: Promise<unknown> = Promise.resolve();
  const hasCookie = kind !== undefined && kind !== 'new';
  const cookie = hasCookie ? await signIn(sessions, { a: 1 }) : '';
  const url = await serve((req, res) => {
    settled = (async () => {
      if (kind !== undefined) {
        const session = await openSession(sessions, req, res, {
          onError: (error) => failures.push(error),
        });
        if (kind === 'known and changed' || kind === 'new') session.variables['b'] = 2;
        if (kind === 'logged out') await session.destroy();
      }
      const attempt = (work: () => unknown) => {
        try {
          work();
          log.push('nothing thrown');
        } catch (error) {
          log.push([(error as Error).name, (error as NodeJS.ErrnoException).code]);
        }
      };
      await handler({ req, res, log, attempt });
    })();
  });
  const version = head.includes('HTTP/1.0') ? '' : 'Connection: close\r\n';
  const send = `${head}\r\nHost: x\r\n${version}${cookie && `Cookie: ${cookie}\r\n`}\r\n`;
  const answers = await rawAnswers(url, send);
  await settled;
  return { answers, log };
}

/** Without what differs by the second, and what belongs to the session. */
function comparable(answers: readonly RawAnswer[]): RawAnswer[] {
  return answers.map((answer) => ({
    ...answer,
    headers: answer.headers
      .map((line) => line.replace(/^date: .*/, 'date'))
      .filter((line) => !/^set-cookie: PHPSESSID=|^cache-control: private, no-store/.test(line)),
  }));
}

const sessionCookies = (answers: readonly RawAnswer[]) =>
  answers.flatMap(({ headers }) => headers.filter((line) => line.includes('PHPSESSID=')));

describe.each(KINDS)('a session that is %s', (kind) => {
  test.each(scenarios.map(([name, handler, head]) => ({ name, handler, head })))(
    '$name',
    async ({ handler, head = 'GET / HTTP/1.1' }) => {
      const plain = await run(handler, head);
      const gated = await run(handler, head, kind);
      expect({ ...gated, answers: comparable(gated.answers) }).toEqual({
        ...plain,
        answers: comparable(plain.answers),
      });
      expect(failures).toEqual([]);
      // Every answer that there is carries the cookie that is due, once.
      const due = kind === 'new' || kind === 'logged out' ? gated.answers.length : 0;
      expect(sessionCookies(gated.answers)).toHaveLength(due);
    },
  );
});

test.each(KINDS)('requests that are pipelined on one connection, %s', async (kind) => {
  const answer = async (gated: boolean) => {
    const cookie = gated && kind !== 'new' ? await signIn(sessions, { a: 1 }) : '';
    const url = await serve(async (req, res) => {
      if (gated) {
        const session = await openSession(sessions, req, res);
        if (kind !== 'ignored') session.variables['b'] = req.url;
        if (kind === 'logged out') await session.destroy();
      }
      if (req.url === '/1') await new Promise((resolve) => setTimeout(resolve, 20));
      if (req.url === '/2') res.write('part ');
      if (req.url === '/3') res.writeHead(404);
      res.end(req.url);
    });
    const request = (path: string, connection: string) =>
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\n${cookie && `Cookie: ${cookie}\r\n`}\r\n`;
    return rawAnswers(
      url,
      request('/1', 'keep-alive') +
        request('/2', 'keep-alive') +
        request('/3', 'keep-alive') +
        request('/4', 'close'),
    );
  };
  const gated = await answer(true);
  expect(comparable(gated)).toEqual(comparable(await answer(false)));
  expect(gated.map(({ body }) => body)).toEqual(['/1', 'part /2', '/3', '/4']);
});

test.each(KINDS)('Expect: 100-continue with a body, %s', async (kind) => {
  const handler: Handler = async ({ req, res, log }) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    log.push(body);
    res.end('ok');
  };
  const head = 'POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0';
  const plain = await run(handler, head);
  const gated = await run(handler, head, kind);
  expect(comparable(gated.answers)).toEqual(comparable(plain.answers));
  expect(plain.answers[0]?.before).toEqual(['HTTP/1.1 100 Continue']);
});
