/**
 * One Node process of the load test: several lanes on one session, each lane counting in a variable
 * of its own (or all on one counter or list, by update()). Prints what was acknowledged as JSON.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import Koa from 'koa';
import koaSession from 'koa-session';
import { decodeSession, encodeSession } from '../../src/codec/index.ts';
import { SessionManager } from '../../src/config/session-manager.ts';

export interface NodeWork {
  readonly port: number;
  readonly id: string;
  readonly lanes: readonly string[];
  readonly requests: number;
  readonly mode: 'merge' | 'lock' | 'counter' | 'list' | 'koa-session';
}

const work = JSON.parse(process.argv[2] as string) as NodeWork;
const redis = new Redis(work.port, '127.0.0.1');
const acknowledged: Record<string, number> = {};
const refused: Record<string, number> = {};

const concurrency = work.mode === 'lock' ? 'lock' : 'merge';
const sessions = new SessionManager({
  redis,
  gcMaxlifetime: 1440,
  concurrency,
  lockExpire: 30,
  lockRetries: -1,
  lockWaitTime: 2000,
  onWarning: () => {},
});

async function request(lane: string): Promise<void> {
  if (work.mode === 'koa-session') return plainStore(lane);
  const opened = await sessions.open(work.id);
  try {
    if (work.mode === 'counter') {
      await opened.update((variables) => {
        variables['counter'] = Number(variables['counter'] ?? 0) + 1;
      });
    } else if (work.mode === 'list') {
      await opened.update((variables) => {
        variables['list'] ??= [];
        const list = variables['list'] as string[];
        list.push(`${lane}:${list.length}`);
      });
    } else {
      opened.variables[lane] = Number(opened.variables[lane] ?? 0) + 1;
    }
  } finally {
    await opened.commit();
  }
}

const plain = work.mode === 'koa-session' ? await startPlainKoaSession() : undefined;

async function plainStore(lane: string): Promise<void> {
  const headers = { cookie: `PHPSESSID=${work.id}` };
  const response = await fetch(`${plain?.url}/${lane}`, { headers });
  if (response.status !== 200) throw new Error(String(response.status));
}

/** koa-session over a store that only gets and sets, as its README shows it. */
async function startPlainKoaSession() {
  const app = new Koa();
  const key = (id: string) => `PHPREDIS_SESSION:${id}`;
  const store = {
    async get(id: string) {
      const bytes = await redis.getBuffer(key(id));
      return bytes === null ? undefined : decodeSession(bytes, { handler: 'php' });
    },
    async set(id: string, variables: Record<string, unknown>) {
      await redis.setex(key(id), 1440, encodeSession({ ...variables }, { handler: 'php' }));
    },
    async destroy(id: string) {
      await redis.del(key(id));
    },
  };
  app.use(koaSession({ key: 'PHPSESSID', signed: false, store }, app));
  app.use((ctx) => {
    const lane = ctx.path.slice(1);
    const variables = ctx['session'] as Record<string, unknown>;
    variables[lane] = Number(variables[lane] ?? 0) + 1;
    ctx.body = 'ok';
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

await Promise.all(
  work.lanes.map(async (lane) => {
    acknowledged[lane] = 0;
    refused[lane] = 0;
    for (let i = 0; i < work.requests; i++) {
      try {
        await request(lane);
        acknowledged[lane]++;
      } catch {
        refused[lane]++;
      }
    }
  }),
);
await sessions.close();
plain?.server.closeAllConnections();
plain?.server.close();
await redis.quit();
process.stdout.write(JSON.stringify({ acknowledged, refused }));
