/**
 * The Lua scripts. Each decision about a session is one script, so that nobody can write between
 * the look and the deed. test/model holds them as a table.
 *
 * KEYS of what writes or destroys: the data key, then (where both share a slot) the lock key, then
 * (where logouts are remembered) the tombstone's, then (for a move) the marker's; ARGV[1] says which
 * of them are there.
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

/** `l`: KEYS hold a lock key; `r`: a tombstone; `m`: a mover's marker. */
const KEYS = `
local has = ARGV[1]
local at = 1
local function key(letter)
  if not string.find(has, letter, 1, true) then return nil end
  at = at + 1
  return KEYS[at]
end
local lockKey = key('l')
local revokedKey = key('r')
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

/**
 * ARGV[4]: TTL in ms, ARGV[5]: '1' if a longer TTL stays, ARGV[6]: the bytes. Under a tombstone
 * nothing is written, condition or not. Answers 0, or { TTL that was found } if that was longer.
 */
export const WRITE = script(
  'write',
  `${KEYS}${LOCK_CHECK}${CONDITION}
if revoked then return false end
local ttl = tonumber(ARGV[4])
local left = redis.call('PTTL', KEYS[1])
if ARGV[5] == '1' and left > ttl then ttl = left end
redis.call('SET', KEYS[1], ARGV[6], 'PX', ttl)
if left > tonumber(ARGV[4]) then return { left } end
return 0
`,
);

/**
 * ARGV[4]: ms for which the id stays revoked, 0 for none. An id that a move left stays one: its
 * client has the new id, and the logout of the old one must not end that.
 */
export const DESTROY = script(
  'destroy',
  `${KEYS}${LOCK_CHECK}${CONDITION}
local why = revoked and redis.call('GET', revokedKey) == 'moved' and 'moved' or ''
redis.call('DEL', KEYS[1])
if revokedKey then redis.call('SET', revokedKey, why, 'PX', ARGV[4]) end
return 0
`,
);

/**
 * The move's delete. ARGV[4]: ms for which the id stays revoked, ARGV[5]: the mover's secret,
 * ARGV[6]: ms for which the marker stays. The marker tells a mover who asks again, since the reply
 * was lost, that the delete was his own, whatever came after it. The tombstone says that the id was
 * left and not logged out: the client has the new one.
 */
export const LEAVE = script(
  'leave',
  `${KEYS}
local movedKey = key('m')
if movedKey and redis.call('GET', movedKey) == ARGV[5] then return 0 end
${LOCK_CHECK}${CONDITION}
redis.call('DEL', KEYS[1])
if revokedKey then redis.call('SET', revokedKey, 'moved', 'PX', ARGV[4]) end
if movedKey then redis.call('SET', movedKey, ARGV[5], 'PX', ARGV[6]) end
return 0
`,
);

/**
 * Read and refresh in one round trip, and say what TTL was found: the failure of a request that
 * cannot decode the session gives it back, and a longer one is kept or at least told. GETEX would do
 * neither, nor ask for a tombstone, nor run on Redis before 6.2.
 * KEYS: the data key, the tombstone's if logouts are remembered. ARGV[1]: TTL in ms, 0 for none;
 * ARGV[2]: '1' if a longer one stays; ARGV[3]: ms for which an id stays revoked. Answers
 * { bytes, TTL }, nil, or under a tombstone what that says: 'moved', or '' for a logout.
 */
export const READ = script(
  'read',
  `
if KEYS[2] then
  local revoked = redis.call('GET', KEYS[2])
  if revoked then
    if redis.call('GET', KEYS[1]) then
      redis.call('DEL', KEYS[1])
      redis.call('PEXPIRE', KEYS[2], ARGV[3])
    end
    return revoked
  end
end
local current = redis.call('GET', KEYS[1])
if not current then return false end
local ttl = tonumber(ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if ttl > 0 and (ARGV[2] ~= '1' or left < ttl) then redis.call('PEXPIRE', KEYS[1], ttl) end
return { current, left }
`,
);

/** KEYS and ARGV as of READ. Answers the TTL that was found, -2 if the session is gone. */
export const TOUCH = script(
  'touch',
  `
if KEYS[2] and redis.call('EXISTS', KEYS[2]) == 1 then return -2 end
local left = redis.call('PTTL', KEYS[1])
if left == -2 then return -2 end
if ARGV[2] ~= '1' or left < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return left
`,
);

/**
 * Back to the TTL that a read found. ARGV[1]: the SHA-1 of the bytes that were read: whatever was
 * written since keeps its own. ARGV[2]: that TTL in ms; it is only ever lowered to it.
 */
export const UNDO_REFRESH = script(
  'undo',
  `
local current = redis.call('GET', KEYS[1])
if not current or redis.sha1hex(current) ~= ARGV[1] then return 0 end
if redis.call('PTTL', KEYS[1]) <= tonumber(ARGV[2]) then return 0 end
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
