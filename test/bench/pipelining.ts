/**
 * `npm run bench:pipelining [-- --rounds 15 --milliseconds 200]`: whole sessions (open, change,
 * commit) with `autoPipelining` on and off, in turns over one Redis. Only the ratios are meant to
 * be kept.
 */
import { parseArgs } from 'node:util';
import { createSessionId, SessionManager } from '../../src/index.ts';
import { startRedis } from '../services/redis.ts';
import { median } from './measure.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    milliseconds: { type: 'string', default: '200' },
  },
});
const rounds = Number(options.rounds);
const milliseconds = Number(options.milliseconds);

type Work = (sessions: SessionManager, id: string) => Promise<unknown>;

const WORK: Readonly<Record<string, Work>> = {
  'read only': async (sessions, id) => {
    const session = await sessions.open(id, { readOnly: true });
    if (session.variables['userid'] !== 7) throw new Error('not the session');
    await session.abort();
  },
  'read and refreshed': (sessions, id) => sessions.run(id, ({ variables }) => variables['userid']),
  changed: (sessions, id) =>
    sessions.run(id, ({ variables }) => {
      variables['seen'] = Number(variables['seen']) + 1;
    }),
};

interface Sample {
  /** Microseconds of wall time and of this process's CPU time for one session. */
  readonly wall: number;
  readonly cpu: number;
  /** Milliseconds until the slowest hundredth was done. */
  readonly late: number;
}

async function sample(
  sessions: SessionManager,
  work: Work,
  ids: readonly string[],
): Promise<Sample> {
  const times: number[] = [];
  const used = process.cpuUsage();
  const start = performance.now();
  const end = start + milliseconds;
  await Promise.all(
    ids.map(async (id) => {
      for (let now = performance.now(); now < end; ) {
        await work(sessions, id);
        const after = performance.now();
        times.push(after - now);
        now = after;
      }
    }),
  );
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(used);
  times.sort((a, b) => a - b);
  return {
    wall: (wall * 1000) / times.length,
    cpu: (user + system) / times.length,
    late: times[Math.floor(times.length * 0.99)] ?? 0,
  };
}

const redis = await startRedis();
const make = (autoPipelining: boolean) =>
  new SessionManager({ savePath: redis.savePath(), gcMaxlifetime: 1440, autoPipelining });
const [off, on] = [make(false), make(true)];
const cart = Array.from({ length: 12 }, (_, at) => ({ sku: `A-${at}`, count: at, price: at / 4 }));
try {
  console.log('off = 1: above 1, autoPipelining is that much better');
  console.log('in flight  session               throughput  CPU of Node  99th percentile');
  for (const inFlight of [1, 16, 128]) {
    const ids = Array.from({ length: inFlight }, () => createSessionId());
    for (const id of ids) {
      const text = JSON.stringify(cart);
      await redis.client.set(
        `PHPREDIS_SESSION:${id}`,
        `userid|i:7;seen|i:0;cart|s:${text.length}:"${text}";`,
      );
    }
    for (const [title, work] of Object.entries(WORK)) {
      const ratios: Sample[] = [];
      for (let round = -1; round < rounds; round++) {
        const first = round % 2 ? on : off;
        const one = await sample(first, work, ids);
        const two = await sample(first === on ? off : on, work, ids);
        const [plain, piped] = first === on ? [two, one] : [one, two];
        // The first round warms both up.
        if (round < 0) continue;
        ratios.push({
          wall: plain.wall / piped.wall,
          cpu: plain.cpu / piped.cpu,
          late: plain.late / piped.late,
        });
      }
      const shown = (['wall', 'cpu', 'late'] as const).map((name) => {
        const all = ratios.map((ratio) => ratio[name]);
        const [low = 0, high = 0] = [Math.min(...all), Math.max(...all)];
        return `${median(all).toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
      });
      console.log(`${String(inFlight).padStart(9)}  ${title.padEnd(20)}  ${shown.join('  ')}`);
    }
  }
} finally {
  await Promise.all([off.close(), on.close()]);
  await redis.stop();
}
