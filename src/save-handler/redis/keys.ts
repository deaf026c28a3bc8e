/**
 * The names of a session's keys in Redis.
 */

export interface SessionKeys {
  readonly data: string;
  /** phpredis: the data key + `_LOCK`. */
  readonly lock: string;
  /** The tombstone of a destroyed session; no session id can hold an underscore. */
  readonly revoked: string;
}

export function sessionKeys(prefix: string, id: string): SessionKeys {
  const data = prefix + id;
  return { data, lock: `${data}_LOCK`, revoked: `${data}_REVOKED` };
}

/**
 * Do all keys of one session lie in one Cluster slot? Only if the data key has a `{hash tag}`,
 * which its companions then share; else each key is hashed whole.
 */
export function sharesSlot(dataKey: string): boolean {
  const open = dataKey.indexOf('{');
  if (open === -1) return false;
  // Redis takes the first `{` and the first `}` after it; `{}` is no tag.
  return dataKey.indexOf('}', open + 1) > open + 1;
}
