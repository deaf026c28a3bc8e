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
 * The marker that a moved session leaves behind for a while. In a cluster it must share the slot of
 * the data key: where that has no hash tag the whole of it becomes the marker's.
 *
 * @param keyPrefix what the client puts in front of every key by itself
 * @returns `undefined` if no key can share the slot, since there are braces and no tag
 */
export function movedKey(data: string, cluster: boolean, keyPrefix: string): string | undefined {
  const whole = keyPrefix + data;
  if (!cluster || sharesSlot(whole)) return `${data}_MOVED`;
  return /[{}]/.test(whole) ? undefined : `{${whole}}_MOVED`;
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
