/**
 * Connections of our own, with ioredis 5 and 6: what can go wrong at the start is a clear error of
 * its own, within the connect timeout, and holds no secret.
 */
import { createServer, type Server } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RedisClient } from '../../../src/save-handler/redis/client.ts';
import {
  type ConnectOptions,
  connect,
  connectCluster,
  type IoredisModule,
} from '../../../src/save-handler/redis/connect.ts';
import { parseSavePath } from '../../../src/save-handler/redis/save-path.ts';
import { WRITE } from '../../../src/save-handler/redis/scripts.ts';
import { temporaryFolder } from '../../services/folder.ts';
import { freePort } from '../../services/port.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';
import { authority, selfSigned } from './certificates.ts';
import { ownAllSlots } from './whole-cluster.ts';

const SECRET = 'sw0rdfish';

const VERSIONS: readonly (readonly [string, () => Promise<IoredisModule>])[] = [
  ['ioredis 6', () => import('ioredis')],
  ['ioredis 5', async () => (await import('ioredis5')) as unknown as IoredisModule],
];

describe.each(VERSIONS)('our own connections, %s', (_title, load) => {
  let plain: RedisService;
  let locked: RedisService;
  const open: RedisClient[] = [];
  /** Accepts connections and never says a word. */
  let mute: Server;
  let mutePort: number;

  const client = (path: string, options: ConnectOptions = {}): RedisClient => {
    const savePath = parseSavePath(path);
    if (savePath.handler !== 'redis') throw new Error('not a cluster');
    const made = connect(savePath.members[0]!, options, load);
    open.push(made);
    return made;
  };

  beforeAll(async () => {
    mutePort = await freePort();
    mute = createServer(() => {}).listen(mutePort, '127.0.0.1');
    [plain, locked] = await Promise.all([
      startRedis({ config: { bind: '127.0.0.1 ::1', 'rename-command': 'FLUSHALL ""' } }),
      startRedis({
        config: {
          requirepass: SECRET,
          user: [`app on >${SECRET} ~shop:* +@all`, `off off >${SECRET} ~* +@all`],
        },
      }),
    ]);
  });
  afterAll(async () => {
    await Promise.all(open.map((one) => one.close()));
    mute.close();
    await Promise.all([plain.stop(), locked.stop()]);
  });

  const failure = async (
    path: string,
    options: ConnectOptions = {},
  ): Promise<{ code: string; message: string; elapsed: number; status: number }> => {
    const start = performance.now();
    const error = await client(path, options)
      .command('GET', ['shop:x'])
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    expect(error).toBeInstanceOf(Error);
    // Whatever an application logs: message, cause, stack, own properties.
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
    return Object.assign(error as never, { elapsed: performance.now() - start });
  };

  test('sends nothing before the first command, and that one waits for the connection', async () => {
    const before = Number(
      /total_connections_received:(\d+)/.exec(await plain.client.info('stats'))?.[1],
    );
    const one = client(plain.savePath('database=3'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const after = Number(
      /total_connections_received:(\d+)/.exec(await plain.client.info('stats'))?.[1],
    );
    expect(after).toBe(before);
    const replies = await Promise.all([
      one.command('SET', ['k', Buffer.from([0xff, 0, 1]), 'PX', 5000]),
      one.command('GET', ['k']),
      one.command('PTTL', ['nothing']),
      one.command('GET', ['nothing']),
    ]);
    expect(replies).toEqual([Buffer.from('OK'), Buffer.from([0xff, 0, 1]), -2, null]);
    await plain.client.select(3);
    expect(await plain.client.exists('k')).toBe(1);
    await plain.client.select(0);
  });

  test.each([
    ['a socket', () => `unix://${plain.socket}`],
    ['IPv6', () => `tcp://[::1]:${plain.port}`],
    ['a password', () => `tcp://127.0.0.1:${locked.port}?auth=${SECRET}&prefix=shop:`],
    ['a user', () => `tcp://127.0.0.1:${locked.port}?auth[]=app&auth[]=${SECRET}`],
  ])('connects by %s', async (_, path) => {
    const one = client(path());
    expect(await one.command('SET', ['shop:k', 'v', 'PX', 5000])).toEqual(Buffer.from('OK'));
    expect(await one.command('GET', ['shop:k'])).toEqual(Buffer.from('v'));
  });

  test('a name for CLIENT LIST', async () => {
    await client(plain.savePath(), { clientName: 'psb-test' }).command('PING', []);
    expect(await plain.client.client('LIST')).toContain('name=psb-test');
  });

  test.each([
    [
      'wrong password',
      () => locked.savePath('auth=nonsense'),
      'ERR_PSB_STORE_AUTH',
      /refused the user name or password/,
    ],
    ['no password', () => locked.savePath(), 'ERR_PSB_STORE_AUTH', /wants a password/],
    [
      'a user that is off',
      () => locked.savePath(`auth[]=off&auth[]=${SECRET}`),
      'ERR_PSB_STORE_AUTH',
      /refused/,
    ],
    [
      'a password where none is',
      () => plain.savePath(`auth=${SECRET}`),
      'ERR_PSB_STORE_AUTH',
      /has no password/,
    ],
    [
      'wrong database',
      () => plain.savePath('database=99'),
      'ERR_PSB_STORE',
      /does not have the database/,
    ],
    [
      'nobody there',
      () => 'tcp://127.0.0.1:1',
      'ERR_PSB_STORE_UNREACHABLE',
      /127\.0\.0\.1:1 .*ECONNREFUSED/,
    ],
    [
      'no such host',
      () => 'tcp://redis.invalid:6379',
      'ERR_PSB_STORE_UNREACHABLE',
      /redis\.invalid:6379/,
    ],
    ['no such socket', () => 'unix:///nowhere/redis.sock', 'ERR_PSB_STORE_UNREACHABLE', /ENOENT/],
  ])('%s', async (_, path, code, message) => {
    const error = await failure(path(), { connectTimeout: 2000 });
    expect(error).toMatchObject({ code, status: 503 });
    expect(error.message).toMatch(message);
    expect(error.elapsed).toBeLessThan(2000);
  });

  test('a host that does not answer: within the timeout of the save path', async () => {
    // With a password, AUTH would be the first command that stays without an answer.
    const error = await failure(`tcp://127.0.0.1:${mutePort}?timeout=0.3&auth=${SECRET}`);
    expect(error.code).toBe('ERR_PSB_STORE_UNREACHABLE');
    expect(error.elapsed).toBeGreaterThan(250);
    expect(error.elapsed).toBeLessThan(1000);
  });

  test('a command has a time limit; a write that ran into it is unknown, and the next one goes on', async () => {
    const redis = await startRedis();
    try {
      const one = client(redis.savePath('read_timeout=0.2'));
      await one.command('PING', []);
      redis.pause();
      const results = await Promise.allSettled([
        one.command('GET', ['k']),
        one.command('SET', ['k', SECRET, 'PX', 9000]),
        one.script(WRITE, ['k'], ['', '', '*', 9000, '0', SECRET]),
      ]);
      expect(results.map((result) => result.status === 'rejected' && result.reason.code)).toEqual([
        'ERR_PSB_STORE_TIMEOUT',
        'ERR_PSB_STORE_UNKNOWN_OUTCOME',
        'ERR_PSB_STORE_UNKNOWN_OUTCOME',
      ]);
      expect(inspect(results, { depth: 9, showHidden: true })).not.toContain(SECRET);
      redis.resume();
      expect(await one.command('PING', [])).toEqual(Buffer.from('PONG'));
    } finally {
      await redis.stop();
    }
  });

  test('nothing is queued while the server is down, and nothing is sent twice', async () => {
    const redis = await startRedis();
    try {
      const one = client(redis.savePath());
      await one.command('SET', ['n', '0']);
      await redis.kill();
      for (let at = 0; at < 5; at++) {
        await expect(one.command('INCR', ['n'])).rejects.toMatchObject({
          code: expect.stringMatching(/UNREACHABLE|UNKNOWN/),
        });
      }
      await redis.restart();
      await expect
        .poll(
          () =>
            one.command('PING', []).then(
              () => true,
              () => false,
            ),
          { timeout: 5000 },
        )
        .toBe(true);
      expect(await one.command('GET', ['n'])).toBeNull();
    } finally {
      await redis.stop();
    }
  });

  test('a script that the server has forgotten is sent again', async () => {
    const one = client(plain.savePath());
    const write = () => one.script(WRITE, ['s'], ['', '', '*', 5000, '0', 'v']);
    expect(await write()).toBe(0);
    await plain.client.script('FLUSH');
    expect(await write()).toBe(0);
  });

  test('commands of one tick in one write: autoPipelining changes no reply', async () => {
    const one = client(plain.savePath(), { autoPipelining: true });
    const replies = await Promise.all([
      one.command('SET', ['p', 'v', 'PX', 5000]),
      one.script(WRITE, ['q'], ['', '', '*', 5000, '0', 'w']),
      one.command('GET', ['p']),
      one.command('GET', ['q']),
      one.command('HGET', ['p', 'f']).catch((error: { code: string }) => error.code),
    ]);
    expect(replies.slice(0, 3)).toEqual([Buffer.from('OK'), 0, Buffer.from('v')]);
    expect(replies[4]).toBe('ERR_PSB_STORE_TYPE');
  });

  test('close() lets what is under way finish; afterwards nothing is opened again', async () => {
    const one = client(plain.savePath());
    await one.command('PING', []);
    const pending = one.command('SET', ['last', 'v', 'PX', 5000]);
    await one.close();
    expect(await pending).toEqual(Buffer.from('OK'));
    await expect(one.command('PING', [])).rejects.toMatchObject({
      code: 'ERR_PSB_STORE_UNREACHABLE',
    });
  });

  describe('TLS', () => {
    const folder = temporaryFolder('tls');
    const ours = authority(folder.path, 'ours');
    const other = authority(folder.path, 'other');
    const server = ours.issue('server');
    const named = ours.issue('named', 'DNS:redis.internal');
    const guest = ours.issue('guest');
    const self = selfSigned(folder.path, 'self');
    const started: RedisService[] = [];
    const ports: Record<string, number> = {};

    beforeAll(async () => {
      const tls = async (
        name: string,
        own: { cert: string; key: string },
        clients: 'yes' | 'no',
      ) => {
        const port = await freePort();
        started.push(
          await startRedis({
            config: {
              'tls-port': port,
              'tls-cert-file': own.cert,
              'tls-key-file': own.key,
              'tls-ca-cert-file': ours.file,
              'tls-auth-clients': clients,
            },
          }),
        );
        ports[name] = port;
      };
      await tls('server', server, 'no');
      await tls('mutual', server, 'yes');
      await tls('named', named, 'no');
      await tls('self', self, 'no');
    });
    afterAll(async () => {
      await Promise.all(started.map((one) => one.stop()));
      folder.remove();
    });

    const path = (name: string, ...stream: string[]): string =>
      `tls://127.0.0.1:${ports[name]}?${stream.map((option) => `stream[${option}`).join('&')}`;

    test.each([
      ['the CA of its own', () => path('server', `cafile]=${ours.file}`)],
      ['ssl://', () => path('server', `cafile]=${ours.file}`).replace('tls:', 'ssl:')],
      [
        'a client certificate',
        () =>
          path(
            'mutual',
            `cafile]=${ours.file}`,
            `local_cert]=${guest.cert}`,
            `local_pk]=${guest.key}`,
          ),
      ],
      ['another name', () => path('named', `cafile]=${ours.file}`, 'peer_name]=redis.internal')],
      ['no check of the name', () => path('named', `cafile]=${ours.file}`, 'verify_peer_name]=0')],
      ['no check at all', () => path('server', 'verify_peer]=0', 'verify_peer_name]=0')],
      ['a certificate that signed itself', () => path('self', 'allow_self_signed]=1')],
    ])('connects with %s', async (_, url) => {
      const one = client(url());
      expect(await one.command('PING', [])).toEqual(Buffer.from('PONG'));
    });

    test.each([
      ['no CA', () => path('server'), /UNABLE_TO_VERIFY|SELF_SIGNED/],
      [
        'wrong CA',
        () => path('server', `cafile]=${other.file}`),
        /UNABLE_TO_VERIFY|SELF_SIGNED|UNABLE_TO_GET/,
      ],
      ['wrong name', () => path('named', `cafile]=${ours.file}`), /ERR_TLS_CERT_ALTNAME_INVALID/],
      [
        'wrong name without verify_peer: PHP checks it all the same',
        () => path('named', 'verify_peer]=0'),
        /ALTNAME/,
      ],
      // PHP: the text "false" is true.
      [
        'verify_peer=false',
        () => path('server', 'verify_peer]=false'),
        /UNABLE_TO_VERIFY|SELF_SIGNED/,
      ],
      ['a certificate that signed itself', () => path('self'), /SELF_SIGNED/],
      [
        'allow_self_signed does not forgive an unknown CA',
        () => path('server', 'allow_self_signed]=1'),
        /UNABLE_TO|SELF_SIGNED_CERT_IN_CHAIN/,
      ],
    ])('refuses: %s', async (_, url, message) => {
      const error = await failure(url(), { connectTimeout: 2000 });
      expect(error.code).toBe('ERR_PSB_STORE_UNREACHABLE');
      expect(error.message).toMatch(/TLS/);
      expect(error.message).toMatch(message);
      expect(error.elapsed).toBeLessThan(2000);
    });

    test('refuses: no client certificate', async () => {
      const error = await failure(path('mutual', `cafile]=${ours.file}`), { connectTimeout: 2000 });
      expect(error.code).toBe('ERR_PSB_STORE_UNREACHABLE');
      expect(error.message).toMatch(/could not be reached by TLS \(.*CERTIFICATE/);
      expect(error.elapsed).toBeLessThan(2000);
    });

    test('refuses: a client certificate of another CA, and before a write', async () => {
      const stranger = other.issue('stranger');
      const url = path(
        'mutual',
        ...[`cafile]=${ours.file}`, `local_cert]=${stranger.cert}`, `local_pk]=${stranger.key}`],
      );
      const error = await failure(url, { connectTimeout: 2000 });
      expect(error.message).toMatch(/could not be reached by TLS \(.*UNKNOWN_CA/);
      await expect(client(url).command('SET', ['k', 'v', 'PX', 9])).rejects.toMatchObject({
        code: 'ERR_PSB_STORE_UNREACHABLE',
      });
    });

    test('refuses: a file that is not there, and a check that it cannot do', async () => {
      expect((await failure(path('server', 'cafile]=/nowhere.pem'))).message).toMatch(
        /stream\[cafile\].*\/nowhere\.pem/,
      );
      expect((await failure(path('server', 'peer_fingerprint]=00'))).code).toBe(
        'ERR_PSB_SAVE_PATH',
      );
    });

    test('TLS to a server without it: within the connect timeout', async () => {
      const error = await failure(`tls://127.0.0.1:${plain.port}?timeout=0.5`);
      expect(error.code).toBe('ERR_PSB_STORE_UNREACHABLE');
      expect(error.elapsed).toBeLessThan(1500);
    });
  });

  describe('a cluster', () => {
    test('is read and written through its seeds; a wrong password is said', async () => {
      const redis = await startRedis({
        config: { 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1' },
      });
      try {
        await ownAllSlots(redis);
        const make = (parameters: string): RedisClient => {
          const savePath = parseSavePath(
            `seed[]=127.0.0.1:1&seed[]=127.0.0.1:${redis.port}${parameters}`,
            'rediscluster',
          );
          if (savePath.handler !== 'rediscluster') throw new Error('not a pool');
          const made = connectCluster(savePath, {}, load);
          open.push(made);
          return made;
        };
        const one = make('');
        expect(one.cluster).toBe(true);
        expect(await one.command('SET', ['k', 'v', 'PX', 5000])).toEqual(Buffer.from('OK'));
        expect(await one.script(WRITE, ['{k}', '{k}_LOCK'], ['l', '', '*', 5000, '0', 'w'])).toBe(
          0,
        );
        // Whichever seed was asked last.
        for (let at = 0; at < 8; at++) {
          await expect(make(`&auth=${SECRET}`).command('PING', [])).rejects.toMatchObject({
            code: 'ERR_PSB_STORE_AUTH',
          });
        }
        await Promise.all(open.splice(-9).map((made) => made.close()));
      } finally {
        await redis.stop();
      }
    });
  });
});
