import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type Koa from 'koa';
import { SessionManager } from 'php-session-bridge';
import { readSession } from 'php-session-bridge/http';
import { answer } from './answer.ts';
import { AccessLog } from './page-access-log.ts';
import { PageBurst } from './page-burst.ts';
import { BurstRequest } from './page-burst-request.ts';
import { sendEvents } from './page-events.ts';
import { sendFile } from './page-files.ts';
import { PageObserver } from './page-observer.ts';
import { PageWriters } from './page-writers.ts';
import type { DemoSettings } from './settings.ts';

/** Serves the page at `/` and what it asks for below `/page/`; everything else goes on. It opens no session. */
export function pageRoutes(settings: DemoSettings, redis: Redis): Koa.Middleware {
  const log = settings.accessLog ? new AccessLog(settings.accessLog) : undefined;
  const observer = new PageObserver(settings.redis, settings.prefix, new PageWriters(redis, log));
  const burst = new PageBurst(settings, redis, observer);
  const burstRequest = new BurstRequest(settings, redis);
  const sessions = new SessionManager({
    redis,
    prefix: settings.prefix,
    serializeHandler: settings.serializeHandler,
    compression: settings.compression,
  });
  const routes: Readonly<Record<string, (ctx: Koa.Context) => Promise<void> | void>> = {
    'GET /page/events': (ctx) => sendEvents(ctx, settings, redis, observer),
    'POST /page/burst': (ctx) => burst.answer(ctx),
    'POST /node/burst': (ctx) => burstRequest.answer(ctx),
    'GET /node/whoami': async (ctx) => {
      ctx.body = answer((await readSession(sessions, ctx.req)).variables, settings);
    },
    'GET /node/source': (ctx) => {
      ctx.type = 'text/plain; charset=utf-8';
      ctx.body = shopSource();
    },
  };
  return async function page(ctx, next) {
    const route = routes[`${ctx.method} ${ctx.path}`];
    if (route) return route(ctx);
    const isFile = ctx.path === '/' || ctx.path.startsWith('/page/');
    if (!(isFile && ctx.method === 'GET' && sendFile(ctx))) return next();
  };
}

/** The lines that open the sessions, and those that log in, fill the cart and log out. */
function shopSource(): string {
  return [
    '// app.ts',
    excerpt('./app.ts', 'phpSession({', 'app.use(sessions);'),
    '',
    '// shop.ts',
    excerpt('./shop.ts', "'POST /node/login'", 'ctx.session = null;'),
    '},',
  ].join('\n');
}

function excerpt(file: string, from: string, to: string): string {
  const lines = readFileSync(new URL(file, import.meta.url), 'utf8').split('\n');
  const first = lines.findIndex((line) => line.includes(from));
  const last = lines.findIndex((line, at) => at > first && line.includes(to));
  const own = lines.slice(first, last + 1);
  return own.map((line) => line.replace(/^ {2}/, '')).join('\n');
}
