/** Redis in trouble: every refusal and every cut is an error with a code, and loses nothing. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../../src/config/session-manager.ts';
import { createSessionId } from '../../../src/save-handler/session-id.ts';
import { type CuttingProxy, startCuttingProxy } from '../../services/cutting-proxy.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';

let redis: RedisService;
let proxy: CuttingProxy;
let managers: SessionManager[];
beforeEach(async () => {
  redis = await startRedis({ config: { 'lua-time-limit': 50 } });
  proxy = await startCuttingProxy(redis);
  managers = [];
});
afterEach(async () => {
  await Promise.allSettled(managers.map((manager) => manager.close()));
  await proxy.stop();
  redis.resume();
  await redis.stop();
});

function manager(options: Partial<SessionManagerOptions> = {}): SessionManager {
  const made = new SessionManager({
    savePath: `tcp://127.0.0.1:${proxy.port}`,
    commandTimeout: 500,
    gcMaxlifetime: 1440,
    closeTimeout: 100,
    onWarning: () => {},
    ...options,
  });
  managers.push(made);
  return made;
}

const BEFORE = 'n|i:1;';
const AFTER = 'n|i:2;';

async function existing(): Promise<string> {
  const id = createSessionId();
  await redis.client.setex(`PHPREDIS_SESSION:${id}`, 1440, BEFORE);
  return id;
}

const key = (id: string) => `PHPREDIS_SESSION:${id}`;

/** One request that changes something; answers the outcome or the error's code. */
async function request(sessions: SessionManager, id: string): Promise<string> {
  try {
    const session = await sessions.open(id);
    session.variables['n'] = 2;
    return (await session.commit()).outcome;
  } catch (error) {
    const { code, status, expose } = error as { code: string; status: number; expose: boolean };
    expect(code).toMatch(/^ERR_PSB_/);
    expect([500, 503]).toContain(status);
    expect(expose).toBe(false);
    return code;
  }
}

/** What must hold whatever happened: the value is one of the two, and nothing is immortal. */
async function sound(id: string): Promise<string | null> {
  const value = await redis.client.get(key(id));
  expect([BEFORE, AFTER]).toContain(value);
  for (const name of await redis.client.keys('*')) {
    // A lock may have died since KEYS; what must not be is a key without a TTL.
    expect(await redis.client.pttl(name), name).not.toBe(-1);
  }
  return value;
}

describe('refusals', () => {
  test('restarted, with an empty script cache: nobody notices', async () => {
    const sessions = manager();
    const id = await existing();
    await request(sessions, id);
    await redis.client.script('FLUSH');
    await redis.client.setex(key(id), 1440, BEFORE);
    expect(await request(sessions, id)).toBe('written');
  });

  test('out of memory: the write is refused, the session stays', async () => {
    const sessions = manager();
    const id = await existing();
    await redis.client.config('SET', 'maxmemory-policy', 'noeviction');
    await redis.client.config('SET', 'maxmemory', '1');
    expect(await request(sessions, id)).toBe('ERR_PSB_STORE');
    await redis.client.config('SET', 'maxmemory', '0');
    expect(await sound(id)).toBe(BEFORE);
    expect(await request(sessions, id)).toBe('written');
  });

  test('a read-only replica is no place for sessions', async () => {
    const sessions = manager();
    const id = await existing();
    await redis.client.replicaof('127.0.0.1', 1);
    expect(await request(sessions, id)).toBe('ERR_PSB_STORE');
    await redis.client.replicaof('NO', 'ONE');
    expect(await sound(id)).toBe(BEFORE);
    expect(await request(sessions, id)).toBe('written');
  });

  test('busy with a script', async () => {
    const sessions = manager();
    const id = await existing();
    await request(sessions, id);
    const other = redis.connect();
    const busy = other.eval('while true do end', 0).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await request(sessions, id)).toBe('ERR_PSB_STORE');
    await redis.client.script('KILL');
    await busy;
    other.disconnect();
    expect(await request(sessions, id)).toBe('unchanged');
  });

  test('an ACL that forbids the command says which', async () => {
    await redis.client.acl(
      'SETUSER',
      'reader',
      'on',
      '>pw',
      '~*',
      '+get',
      '+hello',
      '+auth',
      '+client',
    );
    const sessions = manager({
      savePath: `tcp://127.0.0.1:${proxy.port}?auth[]=reader&auth[]=pw`,
      refresh: false,
    });
    const id = await existing();
    const session = await sessions.open(id);
    session.variables['n'] = 2;
    await expect(session.commit()).rejects.toMatchObject({
      code: 'ERR_PSB_STORE_PERMISSION',
      message: expect.stringMatching(/EVAL/),
    });
    expect(await sound(id)).toBe(BEFORE);
  });
});

describe('cut connections', () => {
  test.each(
    (['merge', 'lock'] as const).flatMap((concurrency) =>
      (['before', 'after'] as const).flatMap((moment) =>
        [1, 2, 3, 4].map((chunk) => [concurrency, chunk, moment] as const),
      ),
    ),
  )("'%s', at command %i, %s the server got it", async (concurrency, chunk, moment) => {
    const sessions = manager({ concurrency, lockExpire: 1, lockRetries: 5 });
    const warmUp = await existing();
    await request(sessions, warmUp);
    await redis.client.del(key(warmUp));
    const id = await existing();
    proxy.cutAt(chunk, moment);
    const started = performance.now();
    const outcome = await request(sessions, id);
    expect(performance.now() - started).toBeLessThan(5000);
    const value = await sound(id);
    if (outcome === 'written') expect(value).toBe(AFTER);
    else if (outcome !== 'ERR_PSB_STORE_UNKNOWN_OUTCOME') expect(value).toBe(BEFORE);
    // And the next request goes its way as soon as the connection is back.
    proxy.cutAt(-1, 'before');
    await expect.poll(() => request(sessions, id), { timeout: 5000 }).toMatch(/written|unchanged/);
  });

  test('no write after a failed read', async () => {
    const sessions = manager();
    const id = await existing();
    await request(sessions, id);
    await redis.client.setex(key(id), 1440, BEFORE);
    proxy.cutAt(1, 'before');
    expect(await request(sessions, id)).toMatch(/^ERR_PSB_STORE/);
    expect(proxy.seen).toBe(1);
    expect(await sound(id)).toBe(BEFORE);
  });
});

describe('frozen', () => {
  test('beyond the time limit: an error, and a late write is harmless', async () => {
    const sessions = manager();
    const id = await existing();
    const session = await sessions.open(id);
    session.variables['n'] = 2;
    redis.pause();
    const started = performance.now();
    await expect(session.commit()).rejects.toMatchObject({
      code: 'ERR_PSB_STORE_UNKNOWN_OUTCOME',
      status: 503,
    });
    expect(performance.now() - started).toBeLessThan(3000);
    await expect(sessions.open(id)).rejects.toMatchObject({ status: 503 });
    redis.resume();
    await expect.poll(() => request(sessions, id), { timeout: 5000 }).toMatch(/written|unchanged/);
    expect(await sound(id)).toBe(AFTER);
  });

  test('a late write does not land on what others wrote meanwhile', async () => {
    const sessions = manager();
    const id = await existing();
    const session = await sessions.open(id);
    session.variables['n'] = 2;
    proxy.mute(true);
    await redis.client.setex(key(id), 1440, 'n|i:1;theirs|b:1;');
    await expect(session.commit()).rejects.toMatchObject({ status: 503 });
    expect(await redis.client.get(key(id))).toBe('n|i:1;theirs|b:1;');
  });

  test('an unreachable server is said to be one', async () => {
    const sessions = manager();
    await redis.kill();
    await expect(sessions.open(createSessionId())).rejects.toMatchObject({
      name: 'StoreError',
      status: 503,
    });
    await redis.restart();
    await expect
      .poll(() => sessions.open(createSessionId()).then((session) => session.isNew), {
        timeout: 8000,
      })
      .toBe(true);
  });
});
