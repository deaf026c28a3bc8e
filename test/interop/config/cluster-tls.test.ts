/**
 * A cluster over TLS: every node is checked as PHP checks it, by the same rules and with the same
 * reasons as a single server, before it is told the password.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, createServer, type Server, type TLSSocket } from 'node:tls';
import { inspect, promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RedisClient } from '../../../src/save-handler/redis/client.ts';
import {
  connect,
  connectCluster,
  type IoredisModule,
} from '../../../src/save-handler/redis/connect.ts';
import { parseSavePath } from '../../../src/save-handler/redis/save-path.ts';
import { temporaryFolder } from '../../services/folder.ts';
import { runPhp } from '../../services/php-cli.ts';
import { freePort, HIGHEST_WITH_BUS } from '../../services/port.ts';
import { program } from '../../services/programs.ts';
import { type RedisService, serverIsBefore } from '../../services/redis.ts';
import { authority, selfSigned } from './certificates.ts';
import { shareSlots, startNode } from './whole-cluster.ts';

const SECRET = 'sw0rdfish';

const VERSIONS: readonly (readonly [string, () => Promise<IoredisModule>])[] = [
  ['ioredis 6', () => import('ioredis')],
  ['ioredis 5', async () => (await import('ioredis5')) as unknown as IoredisModule],
];

const folder = temporaryFolder('cluster-tls');
const ours = authority(folder.path, 'ours');
const other = authority(folder.path, 'other');
const certificates = {
  good: ours.issue('good'),
  named: ours.issue('named', 'DNS:redis.internal'),
  stranger: other.issue('stranger', 'DNS:evil.example'),
  self: selfSigned(folder.path, 'self'),
};
const everybody = join(folder.path, 'everybody.crt');
const open: RedisClient[] = [];
const started: RedisService[] = [];

/** Nodes that trust each other, whoever signed them; the clients have their own opinion. */
async function tlsNode(name: keyof typeof certificates): Promise<RedisService> {
  const own = certificates[name];
  const node = await startNode({
    'tls-port': await freePort(HIGHEST_WITH_BUS),
    'tls-cluster': 'yes',
    'tls-cert-file': own.cert,
    'tls-key-file': own.key,
    'tls-ca-cert-file': everybody,
    'tls-auth-clients': 'no',
    requirepass: SECRET,
  });
  started.push(node);
  return node;
}

async function tlsPort(node: RedisService): Promise<number> {
  const [, port] = (await node.client.config('GET', 'tls-port')) as string[];
  return Number(port);
}

/** How often anybody has sent this server a password. */
async function passwordsSent(node: RedisService): Promise<number> {
  const stats = await node.client.info('commandstats');
  return Number(/cmdstat_auth:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

beforeAll(() => {
  const files = [ours.file, other.file, certificates.self.cert];
  writeFileSync(everybody, files.map((file) => readFileSync(file, 'utf8')).join(''));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});
afterAll(async () => {
  await Promise.all(started.map((one) => one.stop()));
  folder.remove();
});

/** What phpredis does with the same context: `served`, or it comes to nothing. */
function phpredis(port: number, context: Readonly<Record<string, string>>): string {
  const script = `
    [$seed, $context] = json_decode($argv[1], true);
    try {
      $cluster = @new RedisCluster(null, [$seed], 2, 2, false, '${SECRET}', $context);
      echo $cluster->exists('k') === 0 ? 'served' : 'refused';
    } catch (RedisClusterException) {
      echo 'refused';
    }`;
  return String(runPhp(script, { args: [JSON.stringify([`127.0.0.1:${port}`, context])] }));
}

type Context = Readonly<Record<string, string>>;
const CASES: readonly [title: string, keyof typeof certificates, Context, RegExp | 'served'][] = [
  ['its CA', 'good', { cafile: ours.file }, 'served'],
  ['another name', 'named', { cafile: ours.file, peer_name: 'redis.internal' }, 'served'],
  ['no check of the name', 'named', { cafile: ours.file, verify_peer_name: '0' }, 'served'],
  ['no check at all', 'stranger', { verify_peer: '0', verify_peer_name: '0' }, 'served'],
  ['signed by itself, allowed', 'self', { allow_self_signed: '1' }, 'served'],
  ['no CA', 'good', { verify_peer_name: '1' }, /UNABLE_TO_VERIFY|SELF_SIGNED/],
  ['another CA', 'good', { cafile: other.file }, /UNABLE_TO|SELF_SIGNED/],
  ['the wrong name', 'named', { cafile: ours.file }, /ERR_TLS_CERT_ALTNAME_INVALID/],
  ['the wrong name, no verify_peer', 'stranger', { verify_peer: '0' }, /ALTNAME/],
  [
    'an unknown CA, no verify_peer, a name given',
    'good',
    { verify_peer: '0', peer_name: 'x' },
    /ALT/,
  ],
  [
    'an unknown CA, self-signed allowed',
    'stranger',
    { allow_self_signed: '1' },
    /SELF_SIGNED|UNABLE/,
  ],
  ['self-signed for another name', 'self', { allow_self_signed: '1', peer_name: 'x' }, /ALTNAME/],
  ['signed by itself', 'self', { verify_peer: '1' }, /DEPTH_ZERO_SELF_SIGNED_CERT/],
];

describe('one node', () => {
  const nodes = new Map<string, RedisService>();
  const ports = new Map<string, number>();
  beforeAll(async () => {
    const names = Object.keys(certificates) as (keyof typeof certificates)[];
    await Promise.all(
      names.map(async (name) => {
        const node = await tlsNode(name);
        await shareSlots([node]);
        nodes.set(name, node);
        ports.set(name, await tlsPort(node));
      }),
    );
  });

  test.each(CASES)('phpredis: %s', (_, name, context, expected) => {
    expect(phpredis(ports.get(name) ?? 0, context)).toBe(
      expected === 'served' ? expected : 'refused',
    );
  });

  describe.each(VERSIONS)('%s', (_title, load) => {
    test.each(CASES)('%s', async (_, name, context, expected) => {
      const node = nodes.get(name)!;
      const stream = Object.entries(context).map(([option, value]) => `stream[${option}]=${value}`);
      const query = [`auth=${SECRET}`, ...stream].join('&');
      const before = await passwordsSent(node);
      const asked = [
        clusterOf([ports.get(name) ?? 0], query, load),
        single(`tls://127.0.0.1:${ports.get(name)}?${query}`, load),
      ];
      for (const client of asked) {
        const result = await client.command('GET', ['k']).then(
          () => 'served',
          (error: Error & { code: string }) => error,
        );
        if (expected === 'served') {
          expect(result).toBe('served');
        } else {
          expect(result).toMatchObject({
            code: 'ERR_PSB_STORE_UNREACHABLE',
            message: expect.stringMatching(/could not be reached by TLS/),
          });
          expect((result as Error).message).toMatch(expected);
          expect(inspect(result, { depth: 9, showHidden: true })).not.toContain(SECRET);
        }
      }
      if (expected !== 'served') expect(await passwordsSent(node)).toBe(before);
    });
  });
});

function clusterOf(
  seeds: readonly number[],
  query: string,
  load: () => Promise<IoredisModule>,
  host = '127.0.0.1',
): RedisClient {
  const savePath = parseSavePath(
    [...seeds.map((port) => `seed[]=${host}:${port}`), query].join('&'),
    'rediscluster',
  );
  if (savePath.handler !== 'rediscluster') throw new Error('not a pool');
  const made = connectCluster(savePath, {}, load);
  open.push(made);
  return made;
}

function single(path: string, load: () => Promise<IoredisModule>): RedisClient {
  const savePath = parseSavePath(path);
  if (savePath.handler !== 'redis') throw new Error('not a cluster');
  const made = connect(savePath.members[0]!, {}, load);
  open.push(made);
  return made;
}

describe('nodes that the cluster names', () => {
  let good: RedisService;
  let bad: RedisService;
  /** Slots 866 and 12182: the first node's and the second's. */
  const keys = { good: 'hello', bad: 'foo' };
  beforeAll(async () => {
    good = await tlsNode('good');
    bad = await tlsNode('stranger');
    await shareSlots([good, bad]);
  });

  describe.each(VERSIONS)('%s', (_title, load) => {
    test.each([
      ['by CLUSTER SLOTS, checked as a whole', `stream[cafile]=${ours.file}`],
      ['by CLUSTER SLOTS, without verify_peer', 'stream[verify_peer]=0'],
    ])('%s', async (_, stream) => {
      const client = clusterOf([await tlsPort(good)], `auth=${SECRET}&${stream}`, load);
      const before = await passwordsSent(bad);
      // Several at once: a node is connected to when it is first asked.
      const served = await Promise.all(
        Array.from({ length: 5 }, () => client.command('SET', [keys.good, 'v', 'PX', 9000])),
      );
      expect(served).toEqual(served.map(() => Buffer.from('OK')));
      const refused = await Promise.allSettled(
        Array.from({ length: 3 }, () => client.command('SET', [keys.bad, 'v', 'PX', 9000])),
      );
      for (const result of refused) {
        expect(result).toMatchObject({
          status: 'rejected',
          reason: {
            code: 'ERR_PSB_STORE_UNREACHABLE',
            message: expect.stringContaining(
              `127.0.0.1:${await tlsPort(bad)} could not be reached by`,
            ),
          },
        });
      }
      expect(await client.command('GET', [keys.good])).toEqual(Buffer.from('v'));
      expect(await passwordsSent(bad)).toBe(before);
    });

    test('by a redirect', async () => {
      const client = clusterOf([await tlsPort(good)], `auth=${SECRET}&stream[verify_peer]=0`, load);
      await client.command('GET', [keys.good]);
      const before = await passwordsSent(bad);
      // The slot is handed over: ASK leads to the other node.
      const slot = Number(await good.client.cluster('KEYSLOT', keys.good));
      const id = String(await bad.client.call('cluster', 'myid'));
      await bad.client.call(
        'cluster',
        'setslot',
        slot,
        'importing',
        String(await good.client.call('cluster', 'myid')),
      );
      await good.client.call('cluster', 'setslot', slot, 'migrating', id);
      try {
        await good.client.del(keys.good);
        await expect(client.command('GET', [keys.good])).rejects.toMatchObject({
          code: 'ERR_PSB_STORE_UNREACHABLE',
          message: expect.stringMatching(/could not be reached by TLS \(ERR_TLS_CERT_ALTNAME/),
        });
        expect(await passwordsSent(bad)).toBe(before);
      } finally {
        for (const node of [good, bad])
          await node.client.call('cluster', 'setslot', slot, 'stable');
      }
    });

    test('by a new certificate, when the client comes back', async ({ skip }) => {
      skip(serverIsBefore(7), 'Redis 7 is the first to change certificate and key at once');
      const node = await tlsNode('good');
      await shareSlots([node]);
      const client = clusterOf(
        [await tlsPort(node)],
        `auth=${SECRET}&stream[allow_self_signed]=1&stream[cafile]=${ours.file}`,
        load,
      );
      expect(await client.command('GET', ['k'])).toBeNull();
      const { cert, key } = certificates.stranger;
      await node.client.config('SET', 'tls-cert-file', cert, 'tls-key-file', key);
      const before = await passwordsSent(node);
      await node.client.call('client', 'kill', 'type', 'normal', 'skipme', 'yes');
      await expect
        .poll(() => client.command('GET', ['k']).catch(({ message }: Error) => message), {
          timeout: 5000,
        })
        .toMatch(/could not be reached by TLS \((SELF_SIGNED|UNABLE)/);
      // One is the test's own connection, which comes back as well.
      expect(await passwordsSent(node)).toBeLessThanOrEqual(before + 1);
    });

    test('a seed is checked by its name, not by the address behind it', async ({ skip }) => {
      skip(serverIsBefore(7), 'Redis 7 is the first whose nodes have names');
      const named = authority(folder.path, `names-${_title.at(-1)}`);
      const own = named.issue(`localhost-${_title.at(-1)}`, 'DNS:localhost');
      const node = await startNode({
        'tls-port': await freePort(),
        'tls-cluster': 'yes',
        'tls-cert-file': own.cert,
        'tls-key-file': own.key,
        'tls-ca-cert-file': named.file,
        'tls-auth-clients': 'no',
        'cluster-announce-hostname': 'localhost',
        'cluster-preferred-endpoint-type': 'hostname',
      });
      started.push(node);
      await shareSlots([node]);
      const client = clusterOf(
        [await tlsPort(node)],
        `stream[cafile]=${named.file}`,
        load,
        'localhost',
      );
      expect(await client.command('GET', ['k'])).toBeNull();
    });
  });
});

describe('the name that a server is asked for (SNI)', () => {
  let server: Server;
  let port: number;
  const asked: (string | undefined)[] = [];
  beforeAll(async () => {
    const context = createSecureContext({
      cert: readFileSync(certificates.good.cert),
      key: readFileSync(certificates.good.key),
    });
    server = createServer(
      {
        SNICallback: (_name, done) => done(null, context),
        cert: readFileSync(certificates.good.cert),
        key: readFileSync(certificates.good.key),
      },
      (socket: TLSSocket) => {
        asked.push((socket as unknown as { servername: string | false }).servername || undefined);
        socket.on('error', () => {});
        socket.on('data', () => socket.write('+PONG\r\n'));
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as { port: number }).port;
  });
  afterAll(() => server.close());

  test.each([
    ['localhost', {}, 'localhost'],
    ['127.0.0.1', {}, undefined],
    ['127.0.0.1', { peer_name: 'localhost' }, 'localhost'],
    ['localhost', { SNI_enabled: '0' }, undefined],
  ])('%s with %o', async (host, more, expected) => {
    const stream: Context = { cafile: ours.file, ...more };
    const script = `
      [$host, $port, $stream] = json_decode($argv[1], true);
      (new Redis())->connect("tls://$host", $port, 2, null, 0, 2, ['stream' => $stream]);`;
    asked.length = 0;
    const args = ['-r', script, JSON.stringify([host, port, stream])];
    await promisify(execFile)(program('php'), args);
    // PHP names an address as well, which RFC 6066 does not allow and Node does not do.
    expect(asked).toEqual([expected ?? ('SNI_enabled' in stream ? undefined : host)]);

    asked.length = 0;
    const query = Object.entries(stream).map(([option, value]) => `stream[${option}]=${value}`);
    const client = single(`tls://${host}:${port}?${query.join('&')}`, VERSIONS[0]![1]);
    expect(await client.command('PING', [])).toEqual(Buffer.from('PONG'));
    expect(asked).toEqual([expected]);
  });
});
