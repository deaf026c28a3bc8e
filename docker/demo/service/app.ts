import { Redis } from 'ioredis';
import Koa from 'koa';
import { phpSession } from 'php-session-bridge/koa';
import { answer } from './answer.ts';
import { pageRoutes } from './page-routes.ts';
import type { DemoSettings } from './settings.ts';
import { actions } from './shop.ts';
import { readStored } from './stored.ts';

export interface DemoApp {
  readonly app: Koa;
  /** Waits for open sessions, then leaves Redis. */
  close(): Promise<void>;
}

export function createApp(settings: DemoSettings): DemoApp {
  const redis = new Redis({
    ...settings.redis,
    // MONITOR and CLIENT LIST then tell Node's commands from PHP's.
    connectionName: settings.instance,
    // A request during an outage is answered by 503 at once instead of waiting for Redis.
    enableOfflineQueue: false,
    // A write that may have arrived is not sent twice.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 5000,
  });
  redis.on('error', (error) => console.error(`Redis: ${error.message}`));
  const app = new Koa();
  app.proxy = true;

  app.use(async (ctx, next) => {
    if (ctx.path === '/node/health') ctx.body = await redis.ping();
    else if (ctx.path === '/node/stored') {
      const id = String(ctx.query['id'] ?? '');
      if (!/^[A-Za-z0-9,-]{1,256}$/.test(id)) ctx.throw(400);
      ctx.body = await readStored(redis, settings.prefix + id);
    } else await next();
  });
  app.use(pageRoutes(settings, redis));

  const sessions = phpSession({
    redis,
    prefix: settings.prefix,
    serializeHandler: settings.serializeHandler,
    compression: settings.compression,
    identity: ['userid'],
  });
  app.use(sessions);
  app.use(async (ctx) => {
    const action = actions[`${ctx.method} ${ctx.path}`];
    if (action === undefined) return;
    await action(ctx);
    ctx.set('X-Instance', settings.instance);
    ctx.body = answer(ctx.session ?? {}, settings);
  });

  return {
    app,
    async close() {
      await sessions.sessions.close();
      redis.disconnect();
    },
  };
}
