/** What a request costs in round trips to Redis, counted by Redis itself. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../../src/config/session-manager.ts';
import { createSessionId } from '../../../src/save-handler/session-id.ts';
import type { Session } from '../../../src/session/session.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';
import { type RedisMonitor, redisMonitor } from '../../services/redis-monitor.ts';

let redis: RedisService;
let monitor: RedisMonitor;
beforeAll(async () => {
  redis = await startRedis();
  monitor = await redisMonitor(redis);
});
afterAll(async () => {
  monitor?.stop();
  await redis?.stop();
});

/** The commands of one request on an existing session, those inside of scripts left out. */
async function commands(
  options: Partial<SessionManagerOptions>,
  work: (session: Session) => unknown,
  id?: string | null,
): Promise<string[]> {
  const client = redis.connect();
  const sessions = new SessionManager({
    redis: client,
    gcMaxlifetime: 1440,
    onWarning: () => {},
    ...options,
  });
  const existing = createSessionId();
  const request = async () => {
    const session = await sessions.open(id === null ? undefined : (id ?? existing));
    await work(session);
    await session.commit();
  };
  try {
    // Once before, so that the scripts are known to the server.
    await redis.client.setex(`PHPREDIS_SESSION:${existing}`, 1440, 'n|i:1;');
    await request();
    await redis.client.setex(`PHPREDIS_SESSION:${existing}`, 1440, 'n|i:1;');
    const seen = await monitor.during(request);
    return seen.filter(({ client }) => client !== 'lua').map(({ command }) => command);
  } finally {
    client.disconnect();
  }
}

const read = (session: Session) => session.variables;
const change = (session: Session) => {
  session.variables['n'] = Number(session.variables['n'] ?? 0) + 1;
};

const saveEarly = (session: Session) => {
  change(session);
  return session.save();
};

describe('round trips', () => {
  test.each<[string, Partial<SessionManagerOptions>, (session: Session) => unknown, string[]]>([
    ['nothing looked at', {}, () => {}, ['EVALSHA']],
    ['read', {}, read, ['EVALSHA']],
    ['changed', {}, change, ['EVALSHA', 'EVALSHA']],
    ["read under 'lock'", { concurrency: 'lock' }, read, ['EVALSHA', 'EVALSHA', 'EVALSHA']],
    [
      "changed under 'lock'",
      { concurrency: 'lock' },
      change,
      ['EVALSHA', 'EVALSHA', 'EVALSHA', 'EVALSHA'],
    ],
    ['lifetime not known', { gcMaxlifetime: undefined }, read, ['EVALSHA']],
    ['refresh at the end', { refreshAt: 'commit' }, read, ['GET', 'EVALSHA']],
    ['never refreshed', { refresh: false }, read, ['GET']],
    ['logged out', {}, (session) => session.destroy(), ['EVALSHA', 'EVALSHA']],
    ['saved early', {}, saveEarly, ['EVALSHA', 'EVALSHA']],
    ['logins remembered as revoked', { revokedTtl: 60 }, read, ['EVALSHA']],
  ])('%s', async (_, options, work, expected) => {
    expect(await commands(options, work)).toEqual(expected);
  });

  test('no id and nothing stored: none', async () => {
    expect(await commands({}, read, null)).toEqual([]);
  });

  test('no id, something stored: one', async () => {
    expect(await commands({}, change, null)).toEqual(['EVALSHA']);
  });

  test.each(['../../x', 'y'.repeat(5000), `${'a'.repeat(32)}_LOCK`])('no id: %.12s', async (id) => {
    expect(await commands({}, read, id)).toEqual([]);
  });
});
