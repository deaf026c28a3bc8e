/**
 * `npm run bench:http [-- --rounds 3 --requests 4000]`: Koa with this middleware against bare Koa, and
 * against koa-session with the usual stores; all in one run, round by round. × is the ratio to
 * koa-session with a JSON store. On a machine with neighbours the rates jump; the CPU time that
 * the server spent per request is what the verdict goes by. Exits with 1 if one is missed.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { serialize } from 'php-serialize';
import { startRedis } from '../services/redis.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    requests: { type: 'string', default: '4000' },
  },
});
const rounds = Number(options.rounds);
const requests = Number(options.requests);
const CONNECTIONS = 32;

type ContestantName = 'koa' | 'bridge' | 'bridge-koa-session' | 'json' | 'php-serialize';

const contestants: readonly ContestantName[] = [
  'koa',
  'bridge',
  'bridge-koa-session',
  'json',
  'php-serialize',
];
const routes = ['/ignore', '/read', '/write'] as const;
const sizes = { '1 KB': 2, '10 KB': 26 } as const;
type Size = keyof typeof sizes;

/** What must hold, and what is aimed for: this middleware over koa-session with a JSON store. */
const required: readonly [Size, (typeof routes)[number], must: number, aim: number][] = [
  ['10 KB', '/ignore', 3, 4],
  ['10 KB', '/read', 2, 2.5],
  ['1 KB', '/read', 1, 1.3],
];

/** A shop's session; each record has about 400 bytes. */
function variables(records: number) {
  return {
    userid: 'kky',
    username: '홍길동',
    loginAt: 1_790_000_000,
    cart: Array.from({ length: records }, (_, at) => ({
      sku: `A-${1000 + at}`,
      name: `녹차 선물 세트 ${at}`,
      price: 12.5 + at,
      quantity: 1 + (at % 3),
      gift: at % 2 === 0,
      options: { colour: 'green', size: 'large', engraving: 'For my dear friend' },
      tags: ['tea', 'gift', 'seasonal', 'limited'],
      note: 'Please ring twice and leave the parcel with the neighbours on the second floor.',
    })),
  };
}

const bridge = await import(new URL('../../dist/index.js', import.meta.url).href);
const redis = await startRedis();
interface Server {
  readonly process: ChildProcess;
  readonly url: string;
}
const servers = new Map<ContestantName, Server>();
for (const name of contestants) {
  const child = fork(
    fileURLToPath(new URL('./http-server.mjs', import.meta.url)),
    [name, String(redis.port)],
    { execArgv: [], env: { ...process.env, NODE_ENV: 'production' } },
  );
  const [port] = await once(child, 'message');
  servers.set(name, { process: child, url: `http://127.0.0.1:${port}` });
}

const idOf = (client: number) => `bench${String(client).padStart(27, '0')}`;

async function seed(size: Size): Promise<number> {
  const data = variables(sizes[size]);
  const bytes: Buffer = bridge.encodeSession(data, { handler: 'php' });
  for (let client = 0; client < CONNECTIONS; client++) {
    const id = idOf(client);
    await redis.client.set(`PHPREDIS_SESSION:${id}`, bytes, 'EX', 1440);
    await redis.client.set(`json:${id}`, JSON.stringify(data), 'EX', 1440);
    await redis.client.set(`phps:${id}`, serialize(data), 'EX', 1440);
  }
  return bytes.length;
}

interface Measured {
  /** Requests per second, as the client saw them. */
  readonly rate: number;
  /** Microseconds of the server's CPU time per request: neighbours on the machine count less. */
  readonly cpu: number;
}

/** Every connection is a client with a session of its own. */
async function measure(name: ContestantName, route: string): Promise<Measured> {
  const server = servers.get(name) as Server;
  const before = await cpuTime(server);
  let client = 0;
  const started = performance.now();
  let answered = started;
  const running = load({
    url: server.url + route,
    connections: CONNECTIONS,
    amount: requests,
    setupClient: (connection) => {
      connection.setHeaders({ cookie: `PHPSESSID=${idOf(client++ % CONNECTIONS)}` });
    },
  });
  // Its own duration is rounded up to whole seconds.
  running.on('response', () => {
    answered = performance.now();
  });
  const result = await running;
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`${name} ${route}: ${result.non2xx} failures, ${result.errors} errors`);
  }
  const { total } = result.requests;
  const after = await cpuTime(server);
  return { rate: (total * 1000) / (answered - started), cpu: (after - before) / total };
}

/** autocannon types what it returns as either a promise or an emitter; it is both. */
function load(options: autocannon.Options): Promise<autocannon.Result> & autocannon.Instance {
  return autocannon(options) as Promise<autocannon.Result> & autocannon.Instance;
}

async function cpuTime({ process: child }: Server): Promise<number> {
  child.send('cpu');
  const [{ user, system }] = await once(child, 'message');
  return user + system;
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

const missed: string[] = [];
try {
  for (const size of Object.keys(sizes) as Size[]) {
    console.log(`\nsessions of ${await seed(size)} bytes`);
    for (const route of routes) {
      const own = route === '/ignore' ? contestants : contestants.filter((name) => name !== 'koa');
      const seen = new Map(own.map((name) => [name, [] as Measured[]]));
      // By requests and not by time: a busy machine must not leave one of them cold.
      for (const name of own) await measure(name, route);
      for (let round = 0; round < rounds; round++) {
        for (const name of own) seen.get(name)?.push(await measure(name, route));
      }
      const all = (name: ContestantName) => seen.get(name) as Measured[];
      // Ratios within a round: what disturbs the machine disturbs both.
      const ratio = (name: ContestantName, of: (one: Measured, json: Measured) => number) =>
        median(all(name).map((one, round) => of(one, all('json')[round] as Measured)));
      const byCpu = (name: ContestantName) => ratio(name, (one, json) => json.cpu / one.cpu);
      console.log(route);
      for (const name of own) {
        const rate = Math.round(median(all(name).map((one) => one.rate)));
        const cpu = Math.round(median(all(name).map((one) => one.cpu)));
        const byRate = ratio(name, (one, json) => one.rate / json.rate);
        console.log(
          `  ${name.padEnd(18)} ${String(rate).padStart(6)}/s ${byRate.toFixed(2)} ×` +
            `  ${String(cpu).padStart(5)} µs CPU ${byCpu(name).toFixed(2)} ×`,
        );
      }
      for (const [forSize, forRoute, must, aim] of required) {
        if (forSize !== size || forRoute !== route) continue;
        const reached = byCpu('bridge');
        const verdict = reached < must ? 'MISSED' : reached < aim ? 'holds' : 'reached';
        console.log(`  must ${must}, aim ${aim}: ${reached.toFixed(2)} × per CPU ${verdict}`);
        if (reached < must) missed.push(`${size} ${route}`);
      }
    }
  }
} finally {
  for (const { process: child } of servers.values()) child.kill();
  await redis.stop();
}
if (missed.length > 0) {
  console.error(`missed: ${missed.join(', ')}`);
  process.exitCode = 1;
}
