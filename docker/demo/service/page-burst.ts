import { PassThrough } from 'node:stream';
import type { Redis } from 'ioredis';
import type Koa from 'koa';
import { createSessionId } from 'php-session-bridge';
import {
  BURST_MODES,
  type BurstMode,
  burstBytes,
  burstPrefix,
  readBurst,
  slotName,
} from './page-burst-request.ts';
import type { PageObserver } from './page-observer.ts';
import type { DemoSettings } from './settings.ts';

const MOST_REQUESTS = 100;
/** Seconds that the session of a burst lives, should the burst be cut short. */
const LIFETIME = 60;

interface Answer {
  readonly stored: boolean;
  readonly merged?: boolean;
  readonly warnings?: readonly string[];
  readonly patience?: { readonly retries: number; readonly waitTime: number; version: string };
}

/**
 * Sends requests to PHP and to Node at once, all with the cookie of one fresh session, and counts
 * which of their variables are there in the end. Answers one JSON line for each answered request
 * and one for the result.
 */
export class PageBurst {
  readonly #settings: DemoSettings;
  readonly #redis: Redis;
  readonly #observer: PageObserver;
  #running = false;

  constructor(settings: DemoSettings, redis: Redis, observer: PageObserver) {
    this.#settings = settings;
    this.#redis = redis;
    this.#observer = observer;
  }

  async answer(ctx: Koa.Context): Promise<void> {
    // A form of another site cannot send this type without asking first.
    if (!ctx.is('application/json')) ctx.throw(415);
    const chunks: Buffer[] = [];
    for await (const chunk of ctx.req) chunks.push(chunk as Buffer);
    const asked = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
    const mode = BURST_MODES.find((one) => one === asked['mode']);
    const requests = Number(asked['requests']);
    if (!mode || !(requests >= 1 && requests <= MOST_REQUESTS)) return ctx.throw(400);
    if (this.#running) ctx.throw(409, 'another burst is running', { expose: true });
    this.#running = true;
    const out = new PassThrough();
    const say = (line: object): void => void out.write(`${JSON.stringify(line)}\n`);
    ctx.type = 'application/x-ndjson';
    ctx.set('Cache-Control', 'no-store');
    ctx.body = out;
    this.#run(mode, Math.floor(requests), asked['patient'] === true, this.#proxy(ctx), say)
      .catch((error: Error) => say({ type: 'failed', message: error.message }))
      .finally(() => {
        this.#running = false;
        out.end();
      });
  }

  /** The one host, as seen from here: in containers it has another name than in the browser. */
  #proxy(ctx: Koa.Context): string {
    if (this.#settings.proxy) return this.#settings.proxy;
    // Only this machine: the Host header is the client's to choose.
    if (!/^(127\.0\.0\.1|localhost|\[::1\])$/.test(ctx.hostname)) ctx.throw(400);
    return `http://${ctx.host}`;
  }

  async #run(
    mode: BurstMode,
    expected: number,
    patient: boolean,
    proxy: string,
    say: (line: object) => void,
  ): Promise<void> {
    const id = createSessionId();
    const key = burstPrefix(mode) + id;
    this.#observer.ignore(key);
    await this.#redis.setex(key, LIFETIME, burstBytes({ burst: mode }, mode, this.#settings));
    const began = performance.now();
    const send = async (side: 'php' | 'node', number: number): Promise<Answer> => {
      const answer = await request(
        side === 'php' ? `${proxy}/task/burst.php` : `${proxy}/node/burst`,
        id,
        { mode, number: String(number), ...(patient ? { patient: '1' } : {}) },
      );
      say({ type: 'answered', side, number });
      return answer;
    };
    const php: Promise<Answer>[] = [];
    const node: Promise<Answer>[] = [];
    for (let number = 0; number < expected; number += 1) {
      php.push(send('php', number));
      node.push(send('node', number));
    }
    const answers = { php: await Promise.all(php), node: await Promise.all(node) };
    const milliseconds = performance.now() - began;
    const kept = readBurst(await this.#redis.getBuffer(key), mode, this.#settings);
    await this.#redis.del(key);
    const result = (side: 'php' | 'node') => {
      const numbers = Array.from({ length: expected }, (_, number) => number);
      return {
        lost: numbers.filter((number) => !(slotName(side, number) in kept)),
        refused: answers[side].filter(({ stored }) => !stored).length,
        merged: answers[side].filter(({ merged }) => merged).length,
        reasons: [...new Set(answers[side].flatMap(({ warnings = [] }) => warnings))].slice(0, 5),
        patience: answers[side].find(({ patience }) => patience)?.patience,
      };
    };
    say({ type: 'result', mode, expected, milliseconds, php: result('php'), node: result('node') });
  }
}

async function request(url: string, id: string, fields: Record<string, string>): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { cookie: `PHPSESSID=${id}` },
      body: new URLSearchParams(fields),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    if (!response.ok) return { stored: false, warnings: [`status ${response.status}`] };
    return JSON.parse(text) as Answer;
  } catch (error) {
    return { stored: false, warnings: [error instanceof Error ? error.message : String(error)] };
  }
}
