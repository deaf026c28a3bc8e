import type { ServerResponse } from 'node:http';
import type { Redis } from 'ioredis';
import type Koa from 'koa';
import { isSessionId } from 'php-session-bridge';
import { decodeSession, decompress } from 'php-session-bridge/codec';
import type { Observed, PageObserver } from './page-observer.ts';
import { presentable } from './page-presentable.ts';
import type { DemoSettings } from './settings.ts';

/** Seconds; only for the length of the bar beside the time to live. */
const USUAL_LIFETIME = 1440;
const HEARTBEAT = 15_000;

/**
 * Server-sent events about the session whose cookie came with the request, and about no other:
 * `observed` for each change, `session` for what lies in Redis now.
 */
export async function sendEvents(
  ctx: Koa.Context,
  settings: DemoSettings,
  redis: Redis,
  observer: PageObserver,
): Promise<void> {
  await observer.start();
  const id = decodeURIComponent(ctx.cookies.get('PHPSESSID') ?? '');
  const key = isSessionId(id) ? settings.prefix + id : null;
  const stream = openStream(ctx);
  if (key !== null) observer.learn(key, await redis.getBuffer(key));
  const show = async (): Promise<void> => {
    stream.send('session', await readSession(key, settings, redis));
  };
  let due: NodeJS.Timeout | undefined;
  const tell = (observed: Observed): void => {
    if (observed.key !== key) return;
    stream.send('observed', described(observed, settings));
    // A login writes, touches and deletes within milliseconds: one look afterwards is enough.
    due ??= setTimeout(() => {
      due = undefined;
      show().catch(() => {});
    }, 25);
  };
  const heartbeat = setInterval(stream.beat, HEARTBEAT);
  ctx.req.once('close', () => {
    observer.off('observed', tell);
    clearInterval(heartbeat);
    clearTimeout(due);
  });
  if (key !== null) {
    for (const observed of observer.history(key)) {
      stream.send('observed', described(observed, settings));
    }
  }
  observer.on('observed', tell);
  await show();
}

interface EventStream {
  send(event: string, data: unknown): void;
  beat(): void;
}

function openStream(ctx: Koa.Context): EventStream {
  const { res }: { res: ServerResponse } = ctx;
  // Koa would end the response when its middleware is done.
  ctx.respond = false;
  res.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  // The browser asks again this soon after the connection broke.
  res.write('retry: 1000\n\n');
  return {
    send: (event, data) => void res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
    beat: () => void res.write(': still here\n\n'),
  };
}

async function readSession(key: string | null, settings: DemoSettings, redis: Redis) {
  const { serializeHandler: handler } = settings;
  const nothing = { key, exists: false, handler, lifetime: USUAL_LIFETIME };
  if (key === null) return nothing;
  const [bytes, ttl] = await Promise.all([redis.getBuffer(key), redis.pttl(key)]);
  if (bytes === null) return nothing;
  return {
    key,
    exists: true,
    handler,
    lifetime: Math.max(USUAL_LIFETIME, Math.ceil(ttl / 1000)),
    ttl,
    size: bytes.length,
    compression: settings.compression,
    bytes: decompress(bytes, settings.compression).toString('base64'),
    ...decoded(bytes, settings),
  };
}

function described({ bytes, before, ...observed }: Observed, settings: DemoSettings) {
  return {
    ...observed,
    ...(bytes === undefined ? {} : decoded(bytes, settings)),
    before: before === null ? {} : (decoded(before, settings).variables ?? {}),
  };
}

function decoded(
  bytes: Buffer,
  { serializeHandler: handler, compression }: DemoSettings,
): { variables?: unknown; error?: string } {
  try {
    const plain = decompress(bytes, compression);
    return { variables: presentable(decodeSession(plain, { handler })) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
