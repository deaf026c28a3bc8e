/**
 * Least privilege: the table of docs/redis-permissions.md is read from that page, a user gets just
 * those commands, and the feature works; without one of them the error names the command.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../../src/config/session-manager.ts';
import { createSessionId } from '../../../src/save-handler/session-id.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';

const page = readFileSync(new URL('../../../docs/redis-permissions.md', import.meta.url), 'utf8');

/** `| feature | +get +set |`: the rules in the second column. */
function rules(feature: string): string[] {
  const row = page.split('\n').find((line) => line.startsWith(`| ${feature} |`));
  if (row === undefined) throw new Error(`the page has no row "${feature}"`);
  return [...row.matchAll(/`(\+[^`]+)`/g)].flatMap(([, found = '']) => found.split(' '));
}

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

const FEATURES: readonly (readonly [string, Partial<SessionManagerOptions>, Step])[] = [
  [
    'Read only',
    {},
    async (sessions) => (await sessions.open(createSessionId(), { readOnly: true })).abort(),
  ],
  ['Requests with `gcMaxlifetime`, Redis 6.2 or newer', { gcMaxlifetime: 1440 }, change],
  ['Requests without `gcMaxlifetime`, or Redis before 6.2', {}, change],
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
  ["`concurrency: 'lock'`", { gcMaxlifetime: 1440, concurrency: 'lock', lockExpire: 5 }, change],
  [
    '`revokedTtl`',
    { gcMaxlifetime: 1440, revokedTtl: 60 },
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

  /** An ACL of Redis 6.0 cannot name a command that is not there. */
  const lacksGetex = async (commands: readonly string[]): Promise<boolean> =>
    commands.includes('+getex') &&
    ((await redis.client.call('command', 'info', 'getex')) as unknown[])[0] === null;

  const run = async (
    commands: readonly string[],
    options: Partial<SessionManagerOptions>,
    step: Step,
    parameters = '',
  ): Promise<void> => {
    await redis.client.call('acl', [
      'setuser',
      'bridge',
      'reset',
      'on',
      '>pw',
      '~phpSession_*',
      ...commands,
    ]);
    // A script that the server knows already would hide that EVAL is needed.
    await redis.client.script('FLUSH');
    const sessions = new SessionManager({
      ...options,
      closeTimeout: 20,
      savePath: redis.savePath(`auth[]=bridge&auth[]=pw&prefix=phpSession_${parameters}`),
      onWarning: () => {},
    });
    try {
      await step(sessions);
    } finally {
      await sessions.close();
    }
  };

  test.each(FEATURES)('%s: the documented commands are enough', async (feature, options, step) => {
    if (await lacksGetex(rules(feature))) return;
    await run(rules(feature), options, step);
  });

  test.each(
    FEATURES.flatMap(([feature, options, step]) =>
      rules(feature)
        // A lock that cannot be released dies by its expiry: slow, but no failed request.
        .filter((command) => command !== '+del' || options.concurrency !== 'lock')
        .map((command) => [feature, command, options, step] as const),
    ),
  )('%s: none without %s', async (feature, command, options, step) => {
    if (await lacksGetex(rules(feature))) return;
    const commands = rules(feature).filter((other) => other !== command);
    const error = await run(commands, options, step).then(
      () => undefined,
      (reason: { code: string; message: string }) => reason,
    );
    expect(error).toMatchObject({ code: 'ERR_PSB_STORE_PERMISSION' });
    expect(error?.message).toMatch(/does not let this user run/);
  });

  test('a database needs SELECT', async () => {
    const [feature, options, step] = FEATURES[2]!;
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
