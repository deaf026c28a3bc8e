/**
 * The Lua scripts on a real Redis do what the decision table says, and a script that is broken in
 * one place does not: the rows would notice.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RedisSaveHandler } from '../../../src/save-handler/redis/redis-save-handler.ts';
import {
  DESTROY,
  LEAVE,
  LOCK,
  READ,
  RELEASE,
  RENEW,
  TOUCH,
  UNDO_REFRESH,
  WRITE,
} from '../../../src/save-handler/redis/scripts.ts';
import { createSessionId } from '../../../src/save-handler/session-id.ts';
import type { SaveHandlerOptions } from '../../../src/save-handler/settings.ts';
import type { SessionKeys } from '../../model/decision-table.ts';
import {
  differences,
  type Row,
  rows,
  SECONDS,
  type TableUnderTest,
  ttlName,
} from '../../model/table-rows.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';

let redis: RedisService;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());

type Make = (options: SaveHandlerOptions) => RedisSaveHandler;

/** Keys are put down and looked at by Redis's own commands. */
function overRedis(make: Make): TableUnderTest {
  const plain = new RedisSaveHandler({ redis: redis.client, onWarning: () => {} });
  const key = (id: string) => `PHPREDIS_SESSION:${id}`;
  const revokedKey = (id: string) => `PSB_REVOKED:${key(id)}`;
  const movedKey = (id: string) => `PSB_MOVED:${key(id)}`;
  return {
    make,
    async prepare({ data, ttl, lock, revoked, moved }) {
      const id = createSessionId();
      const mine = await plain.lock(id);
      const put = redis.client.pipeline();
      if (lock === null) put.del(`${key(id)}_LOCK`);
      if (lock === 'other') put.set(`${key(id)}_LOCK`, 'other', 'PX', 60_000);
      if (revoked !== null) {
        put.set(revokedKey(id), revoked === 'logout' ? '' : 'moved', 'PX', 60_000);
      }
      if (moved !== null) put.set(movedKey(id), moved, 'PX', 60_000);
      if (data !== null && ttl !== 'none') put.set(key(id), data, 'EX', SECONDS[ttl]);
      await put.exec();
      return { id, mine };
    },
    async look({ id, mine }) {
      const found = await redis.client
        .pipeline()
        .get(key(id))
        .pttl(key(id))
        .get(`${key(id)}_LOCK`)
        .get(revokedKey(id))
        .get(movedKey(id))
        .exec();
      const [data, left, lock, revoked, moved] = (found ?? []).map(([, value]) => value) as [
        string | null,
        number,
        string | null,
        string | null,
        string | null,
      ];
      const holder =
        lock === null || lock === 'other' ? lock : lock === mine.secret ? 'mine' : 'new';
      const why: SessionKeys['revoked'] =
        revoked === null ? null : revoked === '' ? 'logout' : 'moved';
      return { data, ttl: ttlName(left), lock: holder, revoked: why, moved };
    },
  };
}

const asItIs: Make = (options) => new RedisSaveHandler({ ...options, redis: redis.client });

test('the scripts do what the table says', { timeout: 60_000 }, async () => {
  const all = [...rows()];
  expect(all.length).toBeGreaterThan(10_000);
  expect(await differences(overRedis(asItIs), all)).toEqual([]);
});

const SCRIPTS = { WRITE, DESTROY, LEAVE, READ, TOUCH, UNDO_REFRESH, LOCK, RELEASE, RENEW };

type Mutant = readonly [what: string, script: keyof typeof SCRIPTS, from: string, to: string];

const MUTANTS: readonly Mutant[] = [
  ['a write does not look at the lock', 'WRITE', 'if lockKey then', 'if false then'],
  ['a logout does not look at the lock', 'DESTROY', 'if lockKey then', 'if false then'],
  ['a move does not look at the lock', 'LEAVE', 'if lockKey then', 'if false then'],
  ['a lost lock is no matter', 'WRITE', 'elseif holder ~= ARGV[2] then', 'elseif false then'],
  ['a write takes what is absent for what it read', 'WRITE', 'if not current or', 'if current and'],
  ['a new session may lie on an old one', 'WRITE', 'if current or revoked then', 'if revoked then'],
  ['a write goes under the tombstone', 'WRITE', 'if revoked then return false end', ''],
  ['a move deletes whatever is there', 'LEAVE', "elseif ARGV[3] ~= '*' then", 'elseif false then'],
  ['a move leaves no marker', 'LEAVE', 'if movedKey then redis', 'if false then redis'],
  ["anybody's marker is one's own", 'LEAVE', '== ARGV[5] then return 0', '~= 0 then return 0'],
  ['a move does not know its marker', 'LEAVE', '== ARGV[5] then return 0', '== 0 then return 0'],
  ['a move is taken for a logout', 'LEAVE', "revokedKey, 'moved'", "revokedKey, ''"],
  ['a logout leaves no tombstone', 'DESTROY', 'if revokedKey then redis', 'if false then redis'],
  ['a logout makes one of a move', 'DESTROY', "and 'moved' or ''", "and '' or ''"],
  ['a read does not look for the tombstone', 'READ', 'if KEYS[2] then', 'if false then'],
  ['what came back after a logout stays', 'READ', "redis.call('DEL', KEYS[1])", ''],
  ['a read cuts a longer TTL', 'READ', "(ARGV[2] ~= '1' or left < ttl)", 'true'],
  ['a write cuts a longer TTL', 'WRITE', "if ARGV[5] == '1' and", 'if false and'],
  ['a touch revives what was logged out', 'TOUCH', 'if KEYS[2] and', 'if false and'],
  ['an undo does not look at the bytes', 'UNDO_REFRESH', '~= ARGV[1] then', '== 0 then'],
  ['a lock is taken from its holder', 'LOCK', "'NX', ", ''],
  ["anybody's lock is released", 'RELEASE', '== ARGV[1] then', '~= ARGV[0] then'],
  ["anybody's lock is renewed", 'RENEW', '~= ARGV[1] then', '== 0 then'],
];

/** What of the table runs through a script. */
const COMMANDS: Readonly<Record<Mutant[1], readonly string[]>> = {
  WRITE: ['writeIf', 'write'],
  DESTROY: ['destroyIf', 'destroy'],
  LEAVE: ['leaveIf'],
  READ: ['read'],
  TOUCH: ['touch'],
  UNDO_REFRESH: ['undoRefresh'],
  LOCK: ['lock'],
  RELEASE: ['release'],
  RENEW: ['renew'],
};

describe('a broken script is noticed', () => {
  test.each(MUTANTS)('%s', async (_what, name, from, to) => {
    const script = SCRIPTS[name];
    expect(script.lua.split(from)).toHaveLength(2);
    const broken = script.lua.replace(from, to);
    const make: Make = (options) =>
      new RedisSaveHandler({
        ...options,
        redis: {
          command: (command, [first, ...rest]) =>
            command === 'EVALSHA' && first === script.sha
              ? redis.client.callBuffer('eval', broken, ...rest)
              : redis.client.callBuffer(command, first as string, ...rest),
        },
      });
    const under = overRedis(make);
    if (name === 'RELEASE' || name === 'RENEW') {
      // These go through the lock that the row was prepared with.
      const breaks = make({ onWarning: () => {} });
      const { prepare } = under;
      Object.assign(under, {
        prepare: async (keys: SessionKeys) => {
          const prepared = await prepare({ ...keys, lock: null });
          const mine = await breaks.lock(prepared.id);
          const lock = `PHPREDIS_SESSION:${prepared.id}_LOCK`;
          if (keys.lock === null) await redis.client.del(lock);
          if (keys.lock === 'other') await redis.client.set(lock, 'other', 'PX', 60_000);
          return { ...prepared, mine };
        },
      });
    }
    const some: Row[] = [...rows()].filter(({ command }) => COMMANDS[name].includes(command.name));
    expect(await differences(under, some, { stopAt: 1 })).not.toEqual([]);
  });
});
