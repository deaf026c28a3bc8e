/**
 * Credentials by a function: tokens that expire, passwords that rotate. It is asked at every new
 * connection, and nothing of what it gives or says is ever shown.
 */
import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../../src/config/session-manager.ts';
import { RedisSaveHandler } from '../../../src/save-handler/redis/redis-save-handler.ts';
import { createSessionId } from '../../../src/save-handler/session-id.ts';
import { temporaryFolder } from '../../services/folder.ts';
import { freePort } from '../../services/port.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';
import { authority } from './certificates.ts';
import { shareSlots, startNode } from './whole-cluster.ts';

const SECRET = 'sw0rdfish';
const NEXT = 'marlin77';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

let redis: RedisService;
beforeAll(async () => {
  redis = await startRedis({ config: { user: `app on >${SECRET} ~* +@all` } });
});
afterAll(() => redis.stop());

type Options = Pick<SessionManagerOptions, 'credentials' | 'connectTimeout'> & {
  readonly savePath?: string;
  readonly saveHandler?: 'redis' | 'rediscluster';
};

function handler(options: Options): RedisSaveHandler {
  const made = new RedisSaveHandler({ savePath: redis.savePath(), gcMaxlifetime: 60, ...options });
  ends.push(() => made.close());
  return made;
}

async function use(made: RedisSaveHandler, id = createSessionId()): Promise<void> {
  await made.write(id, Buffer.from('a|i:1;'));
  expect(await made.read(id, { refresh: true })).toEqual(Buffer.from('a|i:1;'));
}

async function failure(options: Options): Promise<Error & { code: string; status: number }> {
  const error = await handler(options)
    .read(createSessionId())
    .then(
      () => undefined,
      (reason: Error & { code: string; status: number }) => reason,
    );
  if (error === undefined) throw new Error('it was served');
  const shown = inspect(error, { depth: 9, showHidden: true });
  for (const secret of [SECRET, NEXT]) expect(shown).not.toContain(secret);
  return error;
}

describe('credentials', () => {
  test('a user and a password, as a promise or at once', async () => {
    await use(handler({ credentials: async () => ({ username: 'app', password: SECRET }) }));
    await use(handler({ credentials: () => ({ username: 'app', password: SECRET }) }));
    const users = String(await redis.client.client('LIST')).match(/user=app/g);
    expect(users).toHaveLength(2);
  });

  test('asked for every connection, so a password may change at any time', async () => {
    const server = await startRedis({ config: { requirepass: SECRET } });
    ends.push(() => server.stop());
    const given: string[] = [];
    let password = SECRET;
    const one = handler({
      savePath: server.savePath(),
      credentials: async (address) => {
        given.push(address);
        return { password };
      },
    });
    await use(one);
    await use(one);
    expect(given).toEqual([`127.0.0.1:${server.port}`]);
    password = NEXT;
    await server.client.config('SET', 'requirepass', NEXT);
    await server.client.call('client', 'kill', 'type', 'normal', 'skipme', 'yes');
    await expect
      .poll(() =>
        use(one).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    expect(given).toHaveLength(2);
    await server.client.config('SET', 'requirepass', SECRET);
  });

  test('a pool: each server is named', async () => {
    const other = await startRedis({ config: { requirepass: NEXT } });
    ends.push(() => other.stop());
    const one = handler({
      savePath: `tcp://127.0.0.1:${redis.port}?weight=1, tcp://127.0.0.1:${other.port}?weight=1`,
      credentials: (address) =>
        address === `127.0.0.1:${other.port}`
          ? { password: NEXT }
          : { username: 'app', password: SECRET },
    });
    // The last letter of the four that choose is the highest byte; the first decides by parity.
    await use(one, `a${createSessionId().slice(1)}`);
    await use(one, `b${createSessionId().slice(1)}`);
    expect(await other.client.dbsize()).toBe(1);
  });

  test('a cluster: asked for each node', async () => {
    const nodes = await Promise.all([1, 2].map(() => startNode({ requirepass: SECRET })));
    for (const node of nodes) ends.push(() => node.stop());
    await shareSlots(nodes);
    const given = new Set<string>();
    const one = handler({
      savePath: `seed[]=127.0.0.1:${nodes[0]?.port}`,
      saveHandler: 'rediscluster',
      credentials: async (address) => {
        given.add(address);
        return { password: SECRET };
      },
    });
    for (let at = 0; at < 12; at++) await use(one);
    expect([...given].sort()).toEqual(nodes.map(({ port }) => `127.0.0.1:${port}`).sort());
  });

  test('a cluster: a node that refuses us is left alone at growing intervals', async () => {
    const nodes = await Promise.all([1, 2].map(() => startNode({ requirepass: SECRET })));
    for (const node of nodes) ends.push(() => node.stop());
    await shareSlots(nodes);
    const [near, far] = nodes.map(({ port }) => `127.0.0.1:${port}`);
    let asked = 0;
    const one = handler({
      savePath: `seed[]=${near}`,
      saveHandler: 'rediscluster',
      credentials: async (address) => {
        if (address === far) asked++;
        return { password: address === far ? NEXT : SECRET };
      },
    });
    const codes = new Set<string>();
    const end = performance.now() + 1000;
    while (performance.now() < end) {
      const read = one.read(createSessionId());
      codes.add(
        await read.then(
          () => 'served',
          (error: { code: string }) => error.code,
        ),
      );
    }
    expect([...codes]).toEqual(expect.arrayContaining(['ERR_PSB_STORE_AUTH', 'served']));
    expect(asked).toBeGreaterThan(1);
    expect(asked).toBeLessThan(10);
  });

  test('a wrong password is said, and the function is asked again', async () => {
    let password = NEXT;
    const one = handler({ credentials: async () => ({ username: 'app', password }) });
    await expect(one.read(createSessionId())).rejects.toMatchObject({
      code: 'ERR_PSB_STORE_AUTH',
      message: expect.stringContaining('refused the user name or password'),
    });
    password = SECRET;
    await expect
      .poll(() =>
        use(one).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  });

  test('a function that fails: no word of its own is repeated', async () => {
    const error = await failure({
      credentials: async () => {
        throw Object.assign(new Error(`token ${SECRET} expired`), {
          name: 'CredentialsProviderError',
          code: 'EXPIRED',
          token: SECRET,
        });
      },
    });
    expect(error).toMatchObject({ code: 'ERR_PSB_STORE_AUTH', status: 503 });
    expect(error.message).toMatch(
      /^the credentials function for Redis at 127\.0\.0\.1:\d+ failed \(CredentialsProviderError EXPIRED\)$/,
    );
    const thrown = await failure({
      credentials: () => {
        throw SECRET;
      },
    });
    expect(thrown.code).toBe('ERR_PSB_STORE_AUTH');
    const named = await failure({
      credentials: () => Promise.reject(Object.assign(new Error(), { name: `${SECRET} ${NEXT}` })),
    });
    expect(named.code).toBe('ERR_PSB_STORE_AUTH');
  });

  test.each([
    ['nothing', undefined],
    ['a text', SECRET],
    ['no password', { username: 'app' }],
    ['a password that is no text', { password: 12 }],
    ['a user that is no text', { username: 1, password: SECRET }],
  ])('a function that gives %s', async (_, given) => {
    const error = await failure({ credentials: () => given as never });
    expect(error.code).toBe('ERR_PSB_STORE_AUTH');
    expect(error.message).toMatch(/did not give \{ username\?, password \}/);
  });

  test('a function that never answers: within the connect timeout', async () => {
    const start = performance.now();
    const error = await failure({
      connectTimeout: 200,
      credentials: () => new Promise(() => {}),
    });
    expect(error.code).toBe('ERR_PSB_STORE_AUTH');
    expect(error.message).toMatch(/did not answer within the time limit/);
    expect(performance.now() - start).toBeLessThan(1500);
  });

  test('the certificate comes first: a stranger is not worth a question', async () => {
    const folder = temporaryFolder('credentials');
    const own = authority(folder.path, 'other').issue('stranger');
    const port = await freePort();
    const server = await startRedis({
      config: {
        'tls-port': port,
        'tls-cert-file': own.cert,
        'tls-key-file': own.key,
        'tls-ca-cert-file': own.cert,
        'tls-auth-clients': 'no',
      },
    });
    ends.push(async () => {
      await server.stop();
      folder.remove();
    });
    let asked = 0;
    const error = await failure({
      savePath: `tls://127.0.0.1:${port}?stream[allow_self_signed]=1`,
      credentials: () => {
        asked++;
        return { password: SECRET };
      },
    });
    expect(error.code).toBe('ERR_PSB_STORE_UNREACHABLE');
    expect(asked).toBe(0);
  });

  test('DEBUG=ioredis:* prints no password', async () => {
    const debug = createRequire(import.meta.resolve('ioredis'))('debug') as {
      enable(names: string): void;
      disable(): void;
      log(...words: unknown[]): void;
    };
    const printed: string[] = [];
    const { log } = debug;
    debug.log = (...words) => printed.push(words.map((word) => inspect(word)).join(' '));
    debug.enable('ioredis:*');
    try {
      await use(handler({ savePath: redis.savePath(`auth[]=app&auth[]=${SECRET}`) }));
      await use(handler({ credentials: () => ({ username: 'app', password: SECRET }) }));
    } finally {
      debug.disable();
      debug.log = log;
    }
    expect(printed.join('\n')).toMatch(/write command.*set/);
    expect(printed.join('\n')).not.toContain(SECRET);
  });
});

describe('the login is named in one way', () => {
  const credentials = () => ({ password: SECRET });
  test.each<[string, SessionManagerOptions]>([
    ['auth=', { savePath: `tcp://h?auth=${SECRET}`, credentials }],
    [
      'auth= of one server',
      { savePath: `tcp://h, tcp://i?auth[]=u&auth[]=${SECRET}`, credentials },
    ],
    [
      'a cluster',
      { savePath: `seed[]=h:1&auth=${SECRET}`, saveHandler: 'rediscluster', credentials },
    ],
    [
      'phpIni',
      {
        phpIni: `session.save_handler = redis\nsession.save_path = "tcp://h?auth=${SECRET}"\n`,
        useStrictMode: true,
        credentials,
      },
    ],
  ])('%s', (_, options) => {
    expect(() => new SessionManager(options)).toThrow(
      expect.objectContaining({
        code: 'ERR_PSB_OPTIONS',
        message: expect.not.stringContaining(SECRET),
      }),
    );
  });

  test('a client of your own has its own', () => {
    const redis = { command: async () => null };
    expect(() => new SessionManager({ redis, credentials })).toThrow(/your own Redis client/);
    const saveHandler = new RedisSaveHandler({ savePath: 'tcp://h' });
    expect(() => new SessionManager({ saveHandler, credentials })).toThrow(/handed in/);
  });

  test('no function', () => {
    const wrong = { savePath: 'tcp://h', credentials: { password: SECRET } as never };
    expect(() => new SessionManager(wrong)).toThrow(/credentials must be a function/);
    expect(() => new RedisSaveHandler(wrong)).toThrow(/credentials must be a function/);
  });
});
