/**
 * The Lua scripts. Each decision about a session is one script, so that nobody can write between
 * the look and the deed.
 *
 * KEYS are always the data key, then (where both share a slot) the lock key, then (where logouts
 * are remembered) the key of the tombstone; ARGV[1] says which of the two are there.
 */
import { createHash } from 'node:crypto';

export interface Script {
  readonly name: string;
  readonly lua: string;
  /** The digest that EVALSHA wants. */
  readonly sha: string;
  /** What it calls, in upper case: an ACL has to allow each of them. */
  readonly commands: readonly string[];
}

function script(name: string, lua: string): Script {
  const called = [...lua.matchAll(/redis\.call\(["'](\w+)/g)].map(([, command = '']) =>
    command.toUpperCase(),
  );
  const sha = createHash('sha1').update(lua).digest('hex');
  return { name, lua, sha, commands: [...new Set(called)] };
}

/** `l`: KEYS hold a lock key; `r`: KEYS hold a tombstone. */
const KEYS = `
local has = ARGV[1]
local lockKey = string.find(has, 'l', 1, true) and KEYS[2] or nil
local revokedKey = string.find(has, 'r', 1, true) and KEYS[#KEYS] or nil
`;

/**
 * ARGV[2]: the writer's lock secret or ''. A foreign lock refuses the write (1), and so does the
 * loss of the own one (2): phpredis looks first and writes afterwards, which leaves a gap.
 */
const LOCK_CHECK = `
if lockKey then
  local holder = redis.call('GET', lockKey)
  if ARGV[2] == '' then
    if holder then return 1 end
  elseif holder ~= ARGV[2] then
    return 2
  end
end
`;

/**
 * ARGV[3]: '*' for no condition, '-' if the session must be absent, else the SHA-1 of the stored
 * bytes that the writer read. A digest spares sending the old blob back. Answers 'changed' by the
 * bytes that are there now, or by nil if there are none.
 */
const CONDITION = `
local revoked = revokedKey and redis.call('EXISTS', revokedKey) == 1
local current = not revoked and redis.call('GET', KEYS[1])
if ARGV[3] == '-' then
  if current or revoked then return current end
elseif ARGV[3] ~= '*' then
  if not current or redis.sha1hex(current) ~= ARGV[3] then return current end
end
`;

/** ARGV[4]: TTL in ms, ARGV[5]: '1' if a longer TTL stays, ARGV[6]: the bytes. */
export const WRITE = script(
  'write',
  `${KEYS}${LOCK_CHECK}${CONDITION}
local ttl = tonumber(ARGV[4])
if ARGV[5] == '1' then
  local left = redis.call('PTTL', KEYS[1])
  if left > ttl then ttl = left end
end
redis.call('SET', KEYS[1], ARGV[6], 'PX', ttl)
return 0
`,
);

/** ARGV[4]: ms for which the id stays revoked, 0 for none. */
export const DESTROY = script(
  'destroy',
  `${KEYS}${LOCK_CHECK}${CONDITION}
redis.call('DEL', KEYS[1])
if revokedKey then redis.call('SET', revokedKey, '', 'PX', ARGV[4]) end
return 0
`,
);

/**
 * Read and refresh in one round trip, for what GETEX cannot do: keep a longer TTL, ask for a
 * tombstone, or run on Redis before 6.2. ARGV[2]: TTL in ms, 0 for none; ARGV[3]: '1' if a longer
 * one stays. Answers { bytes, TTL that was found }, or nil.
 */
export const READ = script(
  'read',
  `${KEYS}
if revokedKey and redis.call('EXISTS', revokedKey) == 1 then return false end
local current = redis.call('GET', KEYS[1])
if not current then return false end
local ttl = tonumber(ARGV[2])
local left = redis.call('PTTL', KEYS[1])
if ttl > 0 and (ARGV[3] ~= '1' or left < ttl) then redis.call('PEXPIRE', KEYS[1], ttl) end
return { current, left }
`,
);

/** ARGV[2]: TTL in ms, ARGV[3]: '1' if a longer one stays. Answers 0 if the session is gone. */
export const TOUCH = script(
  'touch',
  `${KEYS}
if revokedKey and redis.call('EXISTS', revokedKey) == 1 then return 0 end
local left = redis.call('PTTL', KEYS[1])
if left == -2 then return 0 end
if ARGV[3] == '1' and left > tonumber(ARGV[2]) then return 1 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`,
);

/**
 * phpredis takes its lock by SET NX PX. The same here, except that a lock which already holds our
 * own secret is ours: the reply to an earlier attempt was lost on the way.
 */
export const LOCK = script(
  'lock',
  `
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`,
);

/** Extends our own lock, nobody else's. */
export const RENEW = script(
  'renew',
  `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`,
);

/**
 * Deletes our own lock, nobody else's. phpredis's own script to the letter, so that both sides
 * share one entry of the script cache (SHA-1 b70c2384248f88e6b75b9f89241a180f856ad852).
 */
export const RELEASE = script(
  'release',
  'if redis.call("get",KEYS[1]) == ARGV[1] then return redis.call("del",KEYS[1]) else return 0 end',
);
