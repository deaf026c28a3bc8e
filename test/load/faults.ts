/**
 * `npm run test:faults`: a Koa service under load while its Redis is killed and restarted twenty
 * times and frozen in between. Every request must be answered, nothing acknowledged may be lost, and
 * no key may be left immortal.
 *
 *   npm run test:faults -- [--kills 20]
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Koa from 'koa';
import { decodeSession } from '../../src/codec/index.ts';
import { phpSession } from '../../src/koa/index.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';
import { startRedis } from '../services/redis.ts';

const { values } = parseArgs({ options: { kills: { type: 'string', default: '20' } } });
const KILLS = Number(values.kills);
const LANES = 12;

// What was acknowledged must outlive the crash, else the store's own forgetfulness would be counted.
const redis = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } });
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

const app = new Koa();
app.silent = true;
const middleware = phpSession({
  savePath: redis.savePath(),
  gcMaxlifetime: 1440,
  commandTimeout: 400,
  concurrency: 'merge',
  onWarning: () => {},
});
app.use(middleware);
app.use((ctx) => {
  const lane = ctx.path.slice(1);
  const variables = ctx['session'] as Record<string, unknown>;
  const count = Number(variables[lane] ?? 0) + 1;
  variables[lane] = count;
  ctx.body = String(count);
});
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const id = createSessionId();
await redis.client.setex(`PHPREDIS_SESSION:${id}`, 1440, 'userid|s:3:"kky";');

let running = true;
let slowest = 0;
const tally = { ok: 0, refused: 0, unanswered: 0 };
/** The highest count per lane whose response said that it was stored. */
const acknowledged = new Map<string, number>();

async function lane(name: string): Promise<void> {
  while (running) {
    const started = performance.now();
    try {
      const response = await fetch(`${url}/${name}`, {
        headers: { cookie: `PHPSESSID=${id}` },
        signal: AbortSignal.timeout(15_000),
      });
      const body = await response.text();
      if (response.status === 200) {
        tally.ok++;
        acknowledged.set(name, Math.max(acknowledged.get(name) ?? 0, Number(body)));
      } else {
        tally.refused++;
        await sleep(20);
      }
    } catch {
      tally.unanswered++;
    }
    slowest = Math.max(slowest, performance.now() - started);
  }
}

const lanes = Array.from({ length: LANES }, (_, index) => lane(`lane${index}`));
for (let kill = 1; kill <= KILLS; kill++) {
  await sleep(400);
  if (kill % 4 === 0) {
    redis.pause();
    await sleep(900);
    redis.resume();
    await sleep(200);
  }
  await redis.kill();
  await sleep(100);
  await redis.restart();
}
await sleep(1500);
running = false;
await Promise.all(lanes);
server.close();
await middleware.sessions.close();

const inspector = redis.connect();
const bytes = await inspector.getBuffer(`PHPREDIS_SESSION:${id}`);
const stored = bytes === null ? {} : decodeSession(bytes, { handler: 'php' });
const lost = [...acknowledged].filter(([name, count]) => Number(stored[name] ?? 0) < count);
const immortal: string[] = [];
for (const key of await inspector.keys('*')) {
  if ((await inspector.pttl(key)) === -1) immortal.push(key);
}
inspector.disconnect();
await redis.stop();

console.log(
  `${KILLS} kills: ${tally.ok} requests stored, ${tally.refused} refused with an error status, ` +
    `${tally.unanswered} without an answer; slowest ${slowest.toFixed(0)} ms\n` +
    `lanes that lost something acknowledged: ${lost.length}; immortal keys: ${immortal.length}; ` +
    `unhandled rejections: ${unhandled.length}`,
);
const sound = tally.unanswered + lost.length + immortal.length + unhandled.length === 0;
if (!sound || tally.ok === 0 || stored['userid'] !== 'kky') process.exitCode = 1;
