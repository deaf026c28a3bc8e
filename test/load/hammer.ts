/**
 * `npm run test:load`: PHP-FPM and Node hammer one session, every lane counting in a variable of
 * its own, and afterwards the acknowledged increments are looked for in what is stored.
 *
 *   npm run test:load -- [--requests 10000] [--only <text in the name>]
 *
 * Where the bridge promises that nothing is lost, a loss makes the run fail. Where PHP alone loses
 * (its own blind writes, or writes that it drops without its lock), the losses are counted and
 * shown, and a replay of everything that was stored proves that no Node write lowered a counter.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { decodeSession } from '../../src/codec/index.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';
import { type PhpPool, startPhp } from '../services/php.ts';
import type { PhpIni } from '../services/php-ini.ts';
import { type RedisService, startRedis } from '../services/redis.ts';
import { redisMonitor } from '../services/redis-monitor.ts';
import type { NodeWork } from './node-worker.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    only: { type: 'string', default: '' },
  },
});
const REQUESTS = Number(values.requests);
const PHP_LANES = 8;
const NODE_PROCESSES = 2;
const NODE_LANES_EACH = 4;
const PER_LANE = Math.ceil(REQUESTS / (PHP_LANES + NODE_PROCESSES * NODE_LANES_EACH));

interface Scenario {
  readonly name: string;
  readonly php: 'plain' | 'locking' | 'impatient' | 'merging';
  readonly node: NodeWork['mode'];
  /** Must nothing at all be lost? */
  readonly lossless: boolean;
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: "phpredis locking (endless retries) beside 'merge'",
    php: 'locking',
    node: 'merge',
    lossless: true,
  },
  {
    name: "phpredis locking (endless retries) beside 'lock'",
    php: 'locking',
    node: 'lock',
    lossless: true,
  },
  {
    name: "the PHP class without locks beside 'merge'",
    php: 'merging',
    node: 'merge',
    lossless: true,
  },
  {
    name: 'one counter: update() in Node and in the PHP class',
    php: 'merging',
    node: 'counter',
    lossless: true,
  },
  {
    name: 'one list: update() in Node and in the PHP class',
    php: 'merging',
    node: 'list',
    lossless: true,
  },
  {
    name: "plain phpredis without locks beside 'merge'",
    php: 'plain',
    node: 'merge',
    lossless: false,
  },
  {
    name: "phpredis 5.3's default locking beside 'merge'",
    php: 'impatient',
    node: 'merge',
    lossless: false,
  },
  {
    name: 'plain phpredis beside koa-session with a plain store',
    php: 'plain',
    node: 'koa-session',
    lossless: false,
  },
];

interface Tally {
  acknowledged: number;
  refused: number;
  lost: number;
}

async function main(): Promise<void> {
  const redis = await startRedis();
  const phpredis: PhpIni = {
    'session.save_handler': 'redis',
    'session.save_path': redis.savePath(),
    'session.gc_maxlifetime': 1440,
    'session.use_strict_mode': 0,
  };
  const locking = {
    ...phpredis,
    'redis.session.locking_enabled': 1,
    'redis.session.lock_expire': 30,
  };
  const php = await startPhp({
    pools: {
      plain: { ini: phpredis, children: PHP_LANES },
      locking: { ini: { ...locking, 'redis.session.lock_retries': -1 }, children: PHP_LANES },
      impatient: { ini: locking, children: PHP_LANES },
      merging: { ini: { 'session.gc_maxlifetime': 1440 }, children: PHP_LANES },
    },
  });
  let failed = false;
  try {
    for (const scenario of SCENARIOS.filter(({ name }) => name.includes(values.only))) {
      failed = !(await run(scenario, redis, php.pools[scenario.php])) || failed;
    }
  } finally {
    await php.stop();
    await redis.stop();
  }
  if (failed) process.exitCode = 1;
}

/** One scenario on one fresh session; answers whether its promise held. */
async function run(scenario: Scenario, redis: RedisService, pool: PhpPool): Promise<boolean> {
  const id = createSessionId();
  const key = `PHPREDIS_SESSION:${id}`;
  await redis.client.setex(key, 1440, 'userid|s:3:"kky";');
  const monitor = scenario.lossless ? undefined : await redisMonitor(redis);
  const started = performance.now();
  const phpLanes = Array.from({ length: PHP_LANES }, (_, lane) => `php${lane}`);
  const nodeLanes = Array.from({ length: NODE_PROCESSES }, (_, worker) =>
    Array.from({ length: NODE_LANES_EACH }, (_, lane) => `node${worker}${lane}`),
  );
  const results = await Promise.all([
    phpSide(scenario, redis, pool, id, phpLanes),
    ...nodeLanes.map((lanes) =>
      nodeProcess({ port: redis.port, id, lanes, requests: PER_LANE, mode: scenario.node }),
    ),
  ]);
  const seconds = (performance.now() - started) / 1000;
  const bytes = await redis.client.getBuffer(key);
  const stored = bytes === null ? {} : decodeSession(bytes, { handler: 'php' });
  const immortal = (await redis.client.pttl(key)) === -1;
  const lowered = monitor ? loweredByNode(await monitor.take(), key) : 0;
  monitor?.stop();

  const acknowledged: Record<string, number> = Object.assign(
    {},
    ...results.map((side) => side.acknowledged),
  );
  const refused: Record<string, number> = Object.assign({}, ...results.map((side) => side.refused));
  const sum = (numbers: Record<string, number>, lanes: readonly string[]) =>
    lanes.reduce((total, lane) => total + (numbers[lane] ?? 0), 0);
  const tally = (lanes: readonly string[]): Tally => ({
    acknowledged: sum(acknowledged, lanes),
    refused: sum(refused, lanes),
    lost: lanes.reduce(
      (total, lane) => total + Math.max(0, (acknowledged[lane] ?? 0) - Number(stored[lane] ?? 0)),
      0,
    ),
  });
  const [phpTally, nodeTally] = [tally(phpLanes), tally(nodeLanes.flat())];
  if (scenario.node === 'counter' || scenario.node === 'list') {
    const { counter, list } = stored as { counter?: number; list?: readonly string[] };
    const seen = scenario.node === 'counter' ? Number(counter) : new Set(list).size;
    const expected = phpTally.acknowledged + nodeTally.acknowledged;
    phpTally.lost = 0;
    nodeTally.lost = expected - seen;
  }
  const losses = phpTally.lost + nodeTally.lost;
  const held =
    (!scenario.lossless || losses === 0) &&
    !immortal &&
    (lowered === 0 || scenario.node === 'koa-session');
  report(scenario, seconds, phpTally, nodeTally, lowered, held);
  return held;
}

function report(
  { name, lossless }: Scenario,
  seconds: number,
  php: Tally,
  node: Tally,
  lowered: number,
  held: boolean,
): void {
  const side = (title: string, { acknowledged, refused, lost }: Tally) =>
    `${title} ${acknowledged} acknowledged, ${refused} refused, ${lost} lost ` +
    `(${((100 * lost) / Math.max(1, acknowledged)).toFixed(1)} %)`;
  const verdict = held ? (lossless ? 'nothing lost' : 'as expected') : 'FAILED';
  console.log(
    `${name}\n  ${side('PHP: ', php)}\n  ${side('Node:', node)}\n` +
      (lossless ? '' : `  Node writes that lowered a counter of another lane: ${lowered}\n`) +
      `  ${seconds.toFixed(1)} s: ${verdict}\n`,
  );
}

/** Every PHP lane: one request after the other, each with a page that counts its own variable. */
async function phpSide(
  scenario: Scenario,
  redis: RedisService,
  pool: PhpPool,
  id: string,
  lanes: readonly string[],
): Promise<{ acknowledged: Record<string, number>; refused: Record<string, number> }> {
  const acknowledged: Record<string, number> = {};
  const refused: Record<string, number> = {};
  const register =
    scenario.php === 'merging'
      ? `require ${JSON.stringify(new URL('../../php/autoload.php', import.meta.url).pathname)};
         $redis = new Redis(); $redis->connect('${redis.host}', ${redis.port});
         $handler = PhpSessionBridge\\MergingSaveHandler::register($redis);`
      : '';
  const change = {
    counter: `$handler->update(function (array &$v) { $v['counter'] = ($v['counter'] ?? 0) + 1; });`,
    list: `$handler->update(function (array &$v) use ($lane) { $v['list'][] = $lane . ':' . count($v['list'] ?? []); });`,
  }[scenario.node as 'counter' | 'list'];
  const script = pool.write(
    `hammer-${scenario.node}.php`,
    `<?php ${register}
    session_id('${id}');
    $lane = $_GET['lane'];
    $ok = session_start();
    ${change ?? `$_SESSION[$lane] = ($_SESSION[$lane] ?? 0) + 1;`}
    $ok = session_write_close() && $ok;
    echo $ok && error_get_last() === null ? 'ok' : 'refused';`,
  );
  await Promise.all(
    lanes.map(async (lane) => {
      acknowledged[lane] = 0;
      refused[lane] = 0;
      for (let i = 0; i < PER_LANE; i++) {
        const { body } = await pool.request(script, { query: { lane } });
        if (body === 'ok') acknowledged[lane]++;
        else refused[lane]++;
      }
    }),
  );
  return { acknowledged, refused };
}

function nodeProcess(
  work: NodeWork,
): Promise<{ acknowledged: Record<string, number>; refused: Record<string, number> }> {
  const worker = new URL('./node-worker.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', worker, JSON.stringify(work)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(`the Node worker ended with ${code}`));
    });
  });
}

/**
 * Replays all values that were stored, in order: how often did a write from Node (which comes out
 * of a script) leave some lane's counter lower than it found it?
 */
function loweredByNode(
  commands: Awaited<ReturnType<Awaited<ReturnType<typeof redisMonitor>>['take']>>,
  key: string,
): number {
  let before: Record<string, unknown> = {};
  let lowered = 0;
  for (const command of commands) {
    if (command.key !== key) continue;
    const value =
      command.command === 'SETEX'
        ? command.args[2]
        : command.command === 'SET'
          ? command.args[1]
          : undefined;
    if (value === undefined) continue;
    const now = decodeSession(Buffer.from(value, 'latin1'), { handler: 'php' });
    if (command.client === 'lua') {
      for (const [lane, count] of Object.entries(before)) {
        if (typeof count === 'number' && Number(now[lane] ?? 0) < count) lowered++;
      }
    }
    before = { ...now };
  }
  return lowered;
}

await main();
