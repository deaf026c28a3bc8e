/**
 * The names of a session's keys in Redis.
 *
 * A cookie may name anything as a session id, and phpredis takes it: `<id>_REVOKED` would be a
 * session that PHP can destroy. So what the bridge remembers stands in front of the prefix, where no
 * id leads to. (Under a prefix that is empty or itself begins like these names PHP reaches them all
 * the same.) The lock is phpredis's own and lies where phpredis has it.
 */

export interface SessionKeys {
  readonly data: string;
  /** phpredis: the data key + `_LOCK`. */
  readonly lock: string;
  /** The tombstone of a destroyed session. */
  readonly revoked: string;
}

const REVOKED = 'PSB_REVOKED:';
const MOVED = 'PSB_MOVED:';

export function sessionKeys(prefix: string, id: string): SessionKeys {
  const data = prefix + id;
  return { data, lock: `${data}_LOCK`, revoked: REVOKED + data };
}

/**
 * The marker that a moved session leaves behind for a while. In a cluster it must share the slot of
 * the data key: where that has no hash tag the whole of it becomes the marker's.
 *
 * @param keyPrefix what the client puts in front of every key by itself
 * @returns `undefined` if no key can share the slot, since there are braces and no tag
 */
export function movedKey(data: string, cluster: boolean, keyPrefix: string): string | undefined {
  if (!cluster || sharesTag(MOVED, data, keyPrefix)) return MOVED + data;
  const whole = keyPrefix + data;
  return /[{}]/.test(whole) ? undefined : `${MOVED}{${whole}}`;
}

/** Does the tombstone lie in the Cluster slot of the session? */
export function tombstoneFits(data: string, keyPrefix: string): boolean {
  return sharesTag(REVOKED, data, keyPrefix);
}

/**
 * Do all keys that begin with the data key lie in its Cluster slot? Only if it has a `{hash tag}`,
 * which they then share; else each key is hashed whole.
 */
export function sharesSlot(dataKey: string): boolean {
  return hashTag(dataKey) !== undefined;
}

/** A tag that begins in the client's prefix and ends in ours would hold what stands between. */
function sharesTag(front: string, data: string, keyPrefix: string): boolean {
  const tag = hashTag(keyPrefix + data);
  return tag !== undefined && tag === hashTag(keyPrefix + front + data);
}

function hashTag(key: string): string | undefined {
  const open = key.indexOf('{');
  if (open === -1) return undefined;
  // Redis takes the first `{` and the first `}` after it; `{}` is no tag.
  const close = key.indexOf('}', open + 1);
  return close > open + 1 ? key.slice(open + 1, close) : undefined;
}
