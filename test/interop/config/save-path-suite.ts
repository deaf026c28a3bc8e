/**
 * Every save path of the table is given to phpredis, and what it wrote is looked for by the bridge
 * under the same save path: both find the same place, or both have no session.
 */
import { spawn } from 'node:child_process';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RedisSaveHandler } from '../../../src/save-handler/redis/redis-save-handler.ts';
import { temporaryFolder } from '../../services/folder.ts';
import { freePort } from '../../services/port.ts';
import { type RedisConfig, type RedisService, startRedis } from '../../services/redis.ts';
import { authority, selfSigned } from './certificates.ts';
import { CLUSTER_SAVE_PATHS, SAVE_PATHS, type SavePathRow, TLS_SAVE_PATHS } from './save-paths.ts';
import { ownAllSlots } from './whole-cluster.ts';

/** The command line of some PHP, without arguments; it shares the machine's network and files. */
export type PhpCommand = readonly [program: string, ...args: string[]];

const SCRIPT = `
error_reporting(E_ALL); ini_set('display_errors', 'stderr');
ini_set('session.use_cookies', '0'); ini_set('session.cache_limiter', '');
ini_set('default_socket_timeout', '2');
[$handler, $rows] = json_decode(file_get_contents('php://stdin'), true);
$found = [];
foreach ($rows as [$id, $path]) {
  ini_set('session.save_handler', $handler); ini_set('session.save_path', $path);
  session_id($id);
  try {
    $ok = @session_start();
    if ($ok) { $_SESSION['row'] = $id; @session_write_close(); } else @session_abort();
  } catch (Throwable $e) { $ok = false; try { session_abort(); } catch (Throwable $e) {} }
  $found[$id] = $ok;
}
echo json_encode(['version' => phpversion('redis'), 'found' => $found]);
`;

interface Found {
  readonly version: string;
  readonly found: Readonly<Record<string, boolean>>;
}

function ask(
  php: PhpCommand,
  handler: string,
  rows: readonly (readonly [string, string])[],
): Promise<Found> {
  const [program, ...args] = php;
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, '-r', SCRIPT]);
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.on('error', reject);
    child.on('close', () => {
      try {
        resolve(JSON.parse(output) as Found);
      } catch {
        reject(new Error(`php printed no answer: ${errors}${output}`));
      }
    });
    child.stdin.end(JSON.stringify([handler, rows]));
  });
}

/** Servers in cluster mode. */
const CLUSTERS = ['K', 'L', 'Y'];

interface Numbered extends SavePathRow {
  readonly id: string;
  readonly text: string;
}

/** @param bareHost a loopback address of its own, on whose port 6379 a Redis is started */
export function savePathSuite(title: string, php: () => PhpCommand, bareHost: string): void {
  describe(`save paths, ${title}`, () => {
    const servers: Record<string, RedisService> = {};
    // The service of server D believes in another port than 6379.
    const clients: Record<string, Redis> = {};
    const folder = temporaryFolder('tls');
    /** Ports and files by the names that they have in the table. */
    const tls: Record<string, string | number> = {};
    let version = '';
    let phpredis = 0;
    const isGiven = ({ alone, hangsBefore = '' }: SavePathRow): boolean =>
      !alone && version.localeCompare(hangsBefore, 'en', { numeric: true }) >= 0;
    const php6 = new Map<string, boolean>();

    const fill = (path: string): string =>
      path
        .replaceAll(/\{([ACKL])\}/g, (_, name: string) => String(servers[name]?.port))
        .replaceAll(/\{(\w+)\}/g, (all, name: string) => String(tls[name] ?? all))
        .replaceAll('{bare}', bareHost)
        .replaceAll('{sock}', servers['A']?.socket ?? '');

    const number = (rows: readonly SavePathRow[], letter: string): Numbered[] =>
      rows.map((row, at) => ({ ...row, id: `${letter}${String(at).padStart(31, '0')}`, text: '' }));
    const standard = number([...SAVE_PATHS, ...TLS_SAVE_PATHS], 'a');
    const cluster = number(CLUSTER_SAVE_PATHS, 'b');

    const askAll = async (handler: string, rows: readonly Numbered[]): Promise<void> => {
      const pairs = (some: readonly Numbered[]) =>
        some.map(({ id, path }) => [id, fill(path)] as const);
      ({ version } = await ask(php(), handler, []));
      phpredis = Number.parseInt(version, 10);
      const together = await ask(php(), handler, pairs(rows.filter(isGiven)));
      for (const [id, ok] of Object.entries(together.found)) php6.set(id, ok);
    };

    beforeAll(async () => {
      const ours = authority(folder.path, 'ours');
      const guest = ours.issue('guest');
      tls['ca'] = ours.file;
      tls['other'] = authority(folder.path, 'other').file;
      Object.assign(tls, guest);
      const secured = async (
        name: string,
        own: { cert: string; key: string },
        config: RedisConfig = {},
      ): Promise<void> => {
        const port = await freePort();
        tls[name] = port;
        servers[name] = await startRedis({
          config: {
            'tls-port': port,
            'tls-cert-file': own.cert,
            'tls-key-file': own.key,
            'tls-ca-cert-file': ours.file,
            'tls-auth-clients': 'no',
            ...config,
          },
        });
      };
      const signed = ours.issue('server');
      const aCluster = { 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1' };
      await secured('T', signed);
      await secured('M', signed, { 'tls-auth-clients': 'yes' });
      await secured('F', selfSigned(folder.path, 'self'));
      await secured('Y', signed, { ...aCluster, 'tls-cluster': 'yes' });
      const locked = { requirepass: 'p@ss&w+d', user: 'app on ">u,s#r" ~* +@all' };
      const [a, c, d, k, l] = await Promise.all([
        startRedis({ config: { bind: '127.0.0.1 ::1' } }),
        startRedis({ config: locked }),
        startRedis({ config: { bind: `127.0.0.1 ${bareHost}`, port: 6379 } }).catch(
          () => undefined,
        ),
        startRedis({ config: { bind: '127.0.0.1 ::1', ...aCluster } }),
        startRedis({ config: { ...aCluster, ...locked } }),
      ]);
      Object.assign(servers, { A: a, C: c, K: k, L: l, ...(d ? { D: d } : {}) });
      for (const [name, server] of Object.entries(servers)) {
        clients[name] = name === 'D' ? new Redis({ host: bareHost }) : server.client;
      }
      for (const name of CLUSTERS) await ownAllSlots(servers[name] as RedisService);
      await askAll('redis', standard);
      await askAll('rediscluster', cluster);
    }, 60_000);

    afterAll(async () => {
      clients['D']?.disconnect();
      await Promise.all(Object.values(servers).map((server) => server.stop()));
      folder.remove();
    });

    /** Where the session really is: every server and database is searched. */
    const find = async (id: string): Promise<string> => {
      const places: string[] = [];
      for (const [name, client] of Object.entries(clients)) {
        for (let database = 0; database < (CLUSTERS.includes(name) ? 1 : 16); database++) {
          if (!CLUSTERS.includes(name)) await client.select(database);
          for (const key of await client.keys(`*${id}`)) {
            places.push(`${name}/${database}/${key.slice(0, key.length - id.length)}`);
          }
        }
      }
      return places.join(' and ') || 'refused';
    };

    const check = async (row: Numbered, handler: 'redis' | 'rediscluster'): Promise<void> => {
      const expected = phpredis < 6 && row.before6 !== undefined ? row.before6 : row.lies;
      if (isGiven(row)) {
        expect(await find(row.id), 'where PHP put it').toBe(expected);
        expect(php6.get(row.id), 'session_start()').toBe(expected !== 'refused');
      }
      // The bridge follows the newer phpredis.
      const refused = row.bridge === 'refused' || row.lies === 'refused';
      if (!refused && (expected === 'refused' || !isGiven(row))) return;
      const read = async (): Promise<string | undefined> => {
        const store = new RedisSaveHandler({
          savePath: fill(row.path),
          saveHandler: handler,
          connectTimeout: 1000,
          onWarning: () => {},
        });
        try {
          return (await store.read(row.id))?.toString();
        } finally {
          await store.close();
        }
      };
      if (refused) {
        const error = await read().then(
          () => 'no error',
          (reason: { code?: string; message: string }) => reason,
        );
        expect(error).toMatchObject({
          code: expect.stringMatching(/^ERR_PSB_(SAVE_PATH|STORE)/),
          message: expect.not.stringMatching(/p@ss|u,s#r|sesame|wrong/),
        });
      } else {
        expect(await read(), 'what the bridge reads').toBe(`row|s:32:"${row.id}";`);
      }
    };

    test.each(standard.map((row) => [JSON.stringify(row.path), row] as const))(
      '%s',
      async (_, row) => {
        if (row.path.includes('{bare}') && servers['D'] === undefined) return;
        await check(row, 'redis');
      },
    );
    test.each(cluster.map((row) => [`cluster ${JSON.stringify(row.path)}`, row] as const))(
      '%s',
      (_, row) => check(row, 'rediscluster'),
    );
  });
}
