/**
 * Least privilege: the table of docs/redis-permissions.md is read from that page, a user gets just
 * those commands, and the feature works; without one of them the error names the command.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../../src/config/session-manager.ts';
import { RedisSaveHandler } from '../../../src/save-handler/redis/redis-save-handler.ts';
import { createSessionId } from '../../../src/save-handler/session-id.ts';
import { runPhp } from '../../services/php-cli.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';
import { ownAllSlots } from './whole-cluster.ts';

const page = readFileSync(new URL('../../../docs/redis-permissions.md', import.meta.url), 'utf8');

/** `| feature | +get +set |`: the rules in the second column. */
function rules(feature: string): string[] {
  const row = page.split('\n').find((line) => line.startsWith(`| ${feature} |`));
  if (row === undefined) throw new Error(`the page has no row "${feature}"`);
  return [...row.matchAll(/`(\+[^`]+)`/g)].flatMap(([, found = '']) => found.split(' '));
}

/** The patterns of the rows that the page has for this. */
function patterns(prefix: string, ...uses: readonly string[]): string[] {
  return uses.map((use) => {
    const row = page.split('\n').find((line) => line.startsWith(`| ${use} | \`~`));
    const [, pattern] = /`(~[^`]+)`/.exec(row ?? '') ?? [];
    if (pattern === undefined) throw new Error(`the page has no pattern for "${use}"`);
    return pattern.replace('PREFIX', prefix);
  });
}
const [MOVES, UNTAGGED, REVOKES] = [
  '`regenerate()`',
  '`regenerate()` in a cluster whose prefix has no `{hash tag}`',
  '`revokedTtl`',
] as const;

type Step = (sessions: SessionManager) => Promise<unknown>;

/** A session that is there already, and old enough that its TTL has to be refreshed. */
async function stored(sessions: SessionManager): Promise<string> {
  const session = await sessions.open();
  session.variables['a'] = 1;
  await session.commit();
  await sleep(10);
  return session.id;
}

const change: Step = async (sessions) =>
  sessions.run(await stored(sessions), (session) => {
    session.variables['a'] = 2;
  });

type Feature = readonly [string, Partial<SessionManagerOptions>, Step];

/** A session that is only looked at. */
const readAgain: Step = async (sessions) =>
  sessions.run(await stored(sessions), ({ variables }) => expect(variables).toEqual({ a: 1 }));

/** A request that lives longer than its lock, which therefore is renewed. */
const LOCK: Feature = [
  "`concurrency: 'lock'`",
  // Without a refresh only the renewal needs PEXPIRE.
  { gcMaxlifetime: 1440, concurrency: 'lock', lockExpire: 1, refresh: false },
  async (sessions) =>
    sessions.run(await stored(sessions), async (session) => {
      await sleep(1200);
      session.variables['a'] = 2;
    }),
];
/** Without these a lock is held for too long or too short: slow, but no failed request. */
const OF_HELD_LOCKS = ['+del', '+pexpire'];

const FEATURES: readonly Feature[] = [
  [
    'Read only',
    {},
    async (sessions) => (await sessions.open(createSessionId(), { readOnly: true })).abort(),
  ],
  ['Requests', {}, change],
  ['Requests', { gcMaxlifetime: 1440 }, change],
  ['Requests', { gcMaxlifetime: 1440, refreshAt: 'commit' }, readAgain],
  ['Requests', { refresh: 'used' }, readAgain],
  [
    'Requests',
    {},
    async (sessions) => sessions.run(await stored(sessions), (session) => session.touch()),
  ],
  [
    'Logout, `regenerate()`',
    { gcMaxlifetime: 1440 },
    async (sessions) => {
      const session = await sessions.open(await stored(sessions));
      await session.regenerate();
      await session.destroy();
      await sessions.destroy(await stored(sessions));
    },
  ],
  LOCK,
  [
    '`revokedTtl`',
    { gcMaxlifetime: 1440, revokedTtl: 1440 },
    async (sessions) => {
      const session = await sessions.open(await stored(sessions));
      await session.destroy();
      expect((await sessions.open(session.id)).isNew).toBe(true);
    },
  ],
];

describe('Redis permissions', () => {
  let redis: RedisService;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  beforeEach(() => redis.client.call('acl', 'deluser', 'bridge'));

  /** An ACL of Redis 6.0 cannot name a command that is not there; PHP may use it. */
  const lacksGetex = async (commands: readonly string[]): Promise<boolean> =>
    commands.includes('+getex') &&
    ((await redis.client.call('command', 'info', 'getex')) as unknown[])[0] === null;

  const run = async (
    commands: readonly string[],
    options: Partial<SessionManagerOptions>,
    step: Step,
    parameters = '',
    told: string[] = [],
    uses: readonly string[] = [MOVES, ...(options.revokedTtl ? [REVOKES] : [])],
  ): Promise<void> => {
    await redis.client.call('acl', [
      'setuser',
      'bridge',
      'reset',
      'on',
      '>pw',
      ...patterns('phpSession_', 'everything', ...uses),
      ...commands,
    ]);
    // A script that the server knows already would hide that EVAL is needed.
    await redis.client.script('FLUSH');
    const sessions = new SessionManager({
      ...options,
      closeTimeout: 20,
      savePath: redis.savePath(`auth[]=bridge&auth[]=pw&prefix=phpSession_${parameters}`),
      onWarning: (code, message) => told.push(`${code} ${message}`),
    });
    try {
      await step(sessions);
    } finally {
      await sessions.close();
    }
  };

  test.each(FEATURES)('%s: the documented commands are enough', async (feature, options, step) => {
    const told: string[] = [];
    await run(rules(feature), options, step, '', told);
    expect(told.filter((warning) => !warning.startsWith('PSB_LOCK_PATIENCE'))).toEqual([]);
  });

  test.each(
    FEATURES.flatMap(([feature, options, step]) =>
      rules(feature)
        .filter((command) => options.concurrency !== 'lock' || !OF_HELD_LOCKS.includes(command))
        .map((command) => [feature, command, options, step] as const),
    ),
  )('%s: none without %s', async (feature, command, options, step) => {
    const commands = rules(feature).filter((other) => other !== command);
    const error = await run(commands, options, step).then(
      () => undefined,
      (reason: { code: string; message: string }) => reason,
    );
    expect(error).toMatchObject({ code: 'ERR_PSB_STORE_PERMISSION' });
    expect(error?.message).toMatch(/does not let this user run/);
    // Redis 7.0 does not say which of a script's commands it refused: then all of them are named.
    const name = command.slice(1).toUpperCase();
    expect(error?.message).toMatch(new RegExp(`needs .*\\b${name}\\b`));
  });

  test('requests and a logout need the pattern of the sessions alone', async () => {
    await run(
      rules('Logout, `regenerate()`'),
      {},
      async (sessions) => {
        await change(sessions);
        await sessions.destroy(await stored(sessions));
      },
      '',
      [],
      [],
    );
  });

  test('without the pattern of its mark regenerate() fails, and the session stays', async () => {
    const step: Step = async (sessions) => {
      const id = await stored(sessions);
      const session = await sessions.open(id);
      const before = await redis.client.keys('*');
      await expect(session.regenerate()).rejects.toMatchObject({
        code: 'ERR_PSB_STORE_PERMISSION',
        message: expect.stringContaining('its ACL needs their pattern'),
      });
      expect(session.id).toBe(id);
      expect(await redis.client.keys('*')).toEqual(before);
      session.variables['a'] = 2;
      await session.commit();
      expect(await redis.client.get(`phpSession_${id}`)).toBe('a|i:2;');
    };
    await redis.client.flushall();
    await run(rules('Logout, `regenerate()`'), {}, step, '', [], []);
  });

  test('without the pattern of tombstones, revokedTtl fails at the first request', async () => {
    const options = { gcMaxlifetime: 1440, revokedTtl: 1440 };
    const refused = { code: 'ERR_PSB_STORE_PERMISSION' };
    const asks = run(
      rules('`revokedTtl`'),
      options,
      (sessions) => sessions.open(createSessionId()),
      '',
      [],
      [MOVES],
    );
    await expect(asks).rejects.toMatchObject(refused);
  });

  test.each([
    [
      '+del',
      'PSB_LOCK_NOT_RELEASED',
      /could not be released and stays until 1 s .*needs .*\bDEL\b/,
    ],
    [
      '+pexpire',
      'PSB_LOCK_NOT_RENEWED',
      /could not be renewed and is gone 1 s .*needs .*\bPEXPIRE\b/,
    ],
  ] as const)(
    'a lock without %s: a warning, once, and no failed request',
    async (command, code, text) => {
      const [feature, options] = LOCK;
      const told: string[] = [];
      const left: number[] = [];
      await run(
        rules(feature).filter((other) => other !== command),
        options,
        async (sessions) => {
          for (let request = 0; request < 3; request++) {
            const id = await stored(sessions);
            // Long enough for one renewal and one more, shorter than the lock.
            await sessions.run(id, async (session) => {
              await sleep(800);
              session.variables['a'] = request;
            });
            left.push(await redis.client.pttl(`phpSession_${id}_LOCK`));
          }
        },
        '',
        told,
      );
      const ours = told.filter((warning) => !warning.startsWith('PSB_LOCK_PATIENCE'));
      expect(ours).toEqual([expect.stringMatching(new RegExp(`^${code} `))]);
      expect(ours[0]).toMatch(text);
      expect(ours[0]).not.toMatch(/pw|phpSession_[0-9a-f]/);
      for (const ms of left) {
        if (command === '+del') expect(ms).toBeGreaterThan(0);
        else expect(ms).toBe(-2);
      }
    },
  );

  test('without onWarning it is a warning of the process', async () => {
    const [feature, options] = LOCK;
    const commands = rules(feature).filter((other) => other !== '+del');
    await redis.client.call('acl', [
      ...['setuser', 'bridge', 'reset', 'on', '>pw', '~*'],
      ...commands,
    ]);
    const warnings: (Error & { code?: string })[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listen);
    const { gcMaxlifetime: _, ...withoutLifetime } = options;
    const sessions = new SessionManager({
      ...withoutLifetime,
      savePath: redis.savePath('auth[]=bridge&auth[]=pw'),
    });
    try {
      await sessions.run(await stored(sessions), () => {});
    } finally {
      await sessions.close();
      await sleep(0);
      process.off('warning', listen);
    }
    expect(warnings).toContainEqual(
      expect.objectContaining({ name: 'PhpSessionBridgeWarning', code: 'PSB_LOCK_NOT_RELEASED' }),
    );
  });

  test('+exists for `saveHandler.validateId()`', async () => {
    expect(page).toContain('`+exists` for `saveHandler.validateId()`');
    const handler = new RedisSaveHandler({ savePath: redis.savePath('auth[]=bridge&auth[]=pw') });
    const allow = ['setuser', 'bridge', 'reset', 'on', '>pw', '~*'];
    await redis.client.call('acl', [...allow, '+exists']);
    expect(await handler.validateId(createSessionId())).toBe(false);
    await redis.client.call('acl', ['setuser', 'bridge', '-exists']);
    await expect(handler.validateId(createSessionId())).rejects.toMatchObject({
      code: 'ERR_PSB_STORE_PERMISSION',
      message: expect.stringContaining('needs EXISTS'),
    });
    await handler.close();
  });

  test('the user for PHP and Node: everything of both sides', async () => {
    const line = page.split('\n').find((text) => text.startsWith('ACL SETUSER ')) ?? '';
    const words = line.split(' ');
    if (await lacksGetex(words)) return;
    await redis.client.call(words[0] as string, words.slice(1));
    const path = redis.savePath(
      'auth[]=sessions&auth[]=password&prefix=phpSession_&database=2&persistent=1',
    );
    const told: string[] = [];
    for (const [, options, step] of FEATURES) {
      const sessions = new SessionManager({
        ...options,
        clientName: 'bridge',
        closeTimeout: 20,
        savePath: path,
        onWarning: (code) => told.push(code),
      });
      await step(sessions);
      await sessions.close();
    }
    expect(new Set(told)).toEqual(new Set(['PSB_LOCK_PATIENCE']));
    const ini = {
      'session.save_handler': 'redis',
      'session.save_path': path,
      'session.use_cookies': false,
      'session.use_strict_mode': true,
      'session.cache_limiter': '',
      'redis.session.locking_enabled': true,
      'redis.session.lock_expire': 10,
    };
    const php = `
      set_error_handler(function ($level, $text) { throw new Exception($text); });
      session_start(); $_SESSION['a'] = 1; session_write_close();
      session_start(); session_write_close();
      session_start(); $_SESSION['a'] = 2;
      session_regenerate_id(false); session_regenerate_id(true); session_write_close();
      session_start(); echo $_SESSION['a']; session_destroy();`;
    expect(runPhp(php, { ini }).toString()).toBe('2');
  });

  test('a cluster: what ioredis itself needs', async () => {
    const cluster = await startRedis({
      config: { 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1' },
    });
    try {
      await ownAllSlots(cluster);
      const [line = ''] = page.split('\n').filter((text) => text.startsWith('Cluster ('));
      const [, added = ''] = /`(\+[^`]+)`/.exec(line) ?? [];
      const [feature, options, step] = FEATURES[1]!;
      const allow = (
        commands: readonly string[],
        keys = patterns('{phpSession_}', 'everything', MOVES),
      ) =>
        cluster.client.call('acl', [
          ...['setuser', 'bridge', 'reset', 'on', '>pw', ...keys],
          ...commands,
        ]);
      const use = async (): Promise<void> => {
        const sessions = new SessionManager({
          ...options,
          saveHandler: 'rediscluster',
          savePath: `seed[]=127.0.0.1:${cluster.port}&auth[]=bridge&auth[]=pw&prefix={phpSession_}`,
        });
        try {
          await step(sessions);
        } finally {
          await sessions.close();
        }
      };
      await allow([...rules(feature), ...added.split(' ')]);
      await use();
      await allow(rules(feature));
      await expect(use()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_PSB_STORE/) });

      // Without a hash tag the mark of a move has the whole key of the session for its own.
      const moves = async (): Promise<void> => {
        const sessions = new SessionManager({
          saveHandler: 'rediscluster',
          savePath: `seed[]=127.0.0.1:${cluster.port}&auth[]=bridge&auth[]=pw&prefix=phpSession_`,
        });
        try {
          const session = await sessions.open(await stored(sessions));
          await session.regenerate();
        } finally {
          await sessions.close();
        }
      };
      const all = [...rules('Logout, `regenerate()`'), ...added.split(' ')];
      await allow(all, patterns('phpSession_', 'everything', UNTAGGED));
      await moves();
      await allow(all, patterns('phpSession_', 'everything', MOVES));
      await expect(moves()).rejects.toMatchObject({
        code: 'ERR_PSB_STORE_PERMISSION',
        message: expect.stringContaining('its ACL needs their pattern'),
      });
    } finally {
      await cluster.stop();
    }
  });

  test('a database needs SELECT', async () => {
    const [feature, options, step] = FEATURES[1]!;
    const commands = rules(feature);
    await run(
      [...commands, ...rules('`database=` in the save path')],
      options,
      step,
      '&database=2',
    );
    await expect(run(commands, options, step, '&database=2')).rejects.toMatchObject({
      code: 'ERR_PSB_STORE_PERMISSION',
      message: expect.stringContaining('SELECT'),
    });
  });

  test('keys outside the pattern are named as such', async () => {
    const commands = rules('Read only');
    await redis.client.call('acl', [
      'setuser',
      'bridge',
      'reset',
      'on',
      '>pw',
      '~other:*',
      ...commands,
    ]);
    const sessions = new SessionManager({ savePath: redis.savePath('auth[]=bridge&auth[]=pw') });
    await expect(sessions.open(createSessionId(), { readOnly: true })).rejects.toMatchObject({
      code: 'ERR_PSB_STORE_PERMISSION',
      message: expect.stringMatching(/session keys/),
    });
    await sessions.close();
  });
});
