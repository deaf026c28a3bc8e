import type { Redis } from 'ioredis';
import type Koa from 'koa';
import type { DemoSettings } from './settings.ts';

/** Serves the page at `/`; everything else goes on. It opens no session. */
export function pageRoutes(_settings: DemoSettings, _redis: Redis): Koa.Middleware {
  return async function page(ctx, next) {
    if (ctx.path !== '/') return next();
    ctx.type = 'text/plain; charset=utf-8';
    ctx.body = 'php-session-bridge: /user/ and /task/ are PHP, /node/ is Koa\n';
  };
}
