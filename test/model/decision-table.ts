/**
 * The one table of decisions about a session: what its keys hold × what is asked → the answer and
 * what they hold afterwards. The Lua scripts on a real Redis and the memory save handler are tested
 * against it row by row, and the model explores what several writers make of it.
 *
 * Stated by hand, not derived from the scripts.
 */

/** What lies under the keys of one session. */
export interface SessionKeys {
  /** The data key; `null` if it is not there. */
  readonly data: string | null;
  /** Of the data key, against the save handler's lifetime; `none` without one. */
  readonly ttl: 'none' | 'shorter' | 'lifetime' | 'longer';
  /** The secret of who holds phpredis's lock. */
  readonly lock: string | null;
  /** The tombstone: the id was logged out, or left by a move. */
  readonly revoked: null | 'logout' | 'moved';
  /** The secret of the mover who deleted the data. */
  readonly moved: string | null;
}

export const NOTHING: SessionKeys = {
  data: null,
  ttl: 'none',
  lock: null,
  revoked: null,
  moved: null,
};

/** The save handler's options that decide. */
export interface Means {
  /** `revokedTtl` is set. */
  readonly revokes: boolean;
  /** A TTL that is longer than the lifetime stays. */
  readonly keepsLonger: boolean;
}

export type Command =
  | { readonly name: 'read'; readonly refresh: boolean }
  | {
      readonly name: 'writeIf';
      readonly bytes: string;
      /** The writer's own lock, `''` for none. */
      readonly secret: string;
      /** `undefined`: no condition; `null`: must be absent. */
      readonly expected: string | null | undefined;
    }
  | { readonly name: 'write'; readonly bytes: string }
  | {
      readonly name: 'destroyIf';
      readonly secret: string;
      readonly expected: string | null | undefined;
    }
  | { readonly name: 'destroy' }
  | {
      readonly name: 'leaveIf';
      readonly secret: string;
      readonly expected: string | null | undefined;
      readonly mover: string;
    }
  | { readonly name: 'touch' }
  /** Back to the shorter TTL that a read found, if these bytes are there still. */
  | { readonly name: 'undoRefresh'; readonly bytes: string }
  | { readonly name: 'exists' }
  | { readonly name: 'lock'; readonly secret: string }
  | { readonly name: 'renew'; readonly secret: string }
  | { readonly name: 'release'; readonly secret: string };

export type Answer =
  | { readonly state: 'written' | 'locked' | 'lost' }
  | { readonly state: 'changed'; readonly bytes: string | null }
  | {
      readonly state: 'read';
      readonly bytes: string | null;
      readonly revoked: SessionKeys['revoked'];
    }
  | { readonly state: 'yes' | 'no' | 'gone' | 'done' };

export interface Decision {
  readonly answer: Answer;
  readonly keys: SessionKeys;
}

export type Decide = (keys: SessionKeys, command: Command, means: Means) => Decision;

const WRITTEN: Answer = { state: 'written' };

export const decide: Decide = (keys, command, means) => {
  // Who remembers no logouts does not look for tombstones either.
  const revoked = means.revokes ? keys.revoked : null;
  const unchanged = (answer: Answer): Decision => ({ answer, keys });
  const current = revoked === null ? keys.data : null;

  switch (command.name) {
    case 'read': {
      if (revoked !== null) {
        // Somebody who did not know of the logout brought it back: away with it.
        const cleared = keys.data === null ? keys : { ...keys, data: null, ttl: 'none' as const };
        const answer = { state: 'read', bytes: null, revoked } as const;
        return { answer, keys: cleared };
      }
      const answer = { state: 'read', bytes: keys.data, revoked: null } as const;
      if (keys.data === null || !command.refresh) return unchanged(answer);
      return { answer, keys: { ...keys, ttl: refreshed(keys, means) } };
    }

    case 'writeIf': {
      const refusal = refusedByLock(keys, command.secret) ?? refusedByState(command.expected);
      if (refusal) return unchanged(refusal);
      return { answer: WRITTEN, keys: written(command.bytes) };
    }

    case 'write': {
      if (revoked !== null) return unchanged({ state: 'gone' });
      return { answer: WRITTEN, keys: written(command.bytes) };
    }

    case 'destroyIf': {
      const refusal = refusedByLock(keys, command.secret) ?? refusedByData(command.expected);
      if (refusal) return unchanged(refusal);
      return { answer: WRITTEN, keys: deleted('logout') };
    }

    case 'destroy':
      return { answer: WRITTEN, keys: deleted('logout') };

    case 'leaveIf': {
      // Asked again after a lost reply: it is done, whatever came after it.
      if (keys.moved === command.mover) return unchanged(WRITTEN);
      const refusal = refusedByLock(keys, command.secret) ?? refusedByData(command.expected);
      if (refusal) return unchanged(refusal);
      return { answer: WRITTEN, keys: { ...deleted('moved'), moved: command.mover } };
    }

    case 'touch': {
      if (current === null) return unchanged({ state: 'no' });
      return { answer: { state: 'yes' }, keys: { ...keys, ttl: refreshed(keys, means) } };
    }

    case 'undoRefresh': {
      const lowered = keys.data === command.bytes ? 'shorter' : keys.ttl;
      return { answer: { state: 'done' }, keys: { ...keys, ttl: lowered } };
    }

    case 'exists': {
      // Where logouts are remembered this is a read.
      const cleared = revoked === null ? keys : { ...keys, data: null, ttl: 'none' as const };
      return { answer: { state: current === null ? 'no' : 'yes' }, keys: cleared };
    }

    case 'lock': {
      if (keys.lock !== null && keys.lock !== command.secret) return unchanged({ state: 'no' });
      return { answer: { state: 'yes' }, keys: { ...keys, lock: command.secret } };
    }

    case 'renew':
      return unchanged({ state: keys.lock === command.secret ? 'yes' : 'no' });

    case 'release': {
      if (keys.lock !== command.secret) return unchanged({ state: 'no' });
      return { answer: { state: 'yes' }, keys: { ...keys, lock: null } };
    }
  }

  function written(bytes: string): SessionKeys {
    return { ...keys, data: bytes, ttl: keys.ttl === 'none' ? 'lifetime' : refreshed(keys, means) };
  }

  function deleted(why: 'logout' | 'moved'): SessionKeys {
    // Who moved has the new id: a logout of the old one is none of the new one.
    const left = keys.revoked === 'moved' ? 'moved' : why;
    return { ...keys, data: null, ttl: 'none', revoked: means.revokes ? left : keys.revoked };
  }

  /** A write is refused under a tombstone, even one that has no condition. */
  function refusedByState(expected: string | null | undefined): Answer | null {
    if (revoked !== null) return { state: 'changed', bytes: null };
    return refusedByData(expected);
  }

  function refusedByData(expected: string | null | undefined): Answer | null {
    if (expected === undefined) return null;
    if (expected === null && revoked !== null) return { state: 'changed', bytes: null };
    return current === expected ? null : { state: 'changed', bytes: current };
  }
};

function refreshed(keys: SessionKeys, { keepsLonger }: Means): SessionKeys['ttl'] {
  return keepsLonger && keys.ttl === 'longer' ? 'longer' : 'lifetime';
}

/** A foreign lock refuses, and so does the loss of the own one. */
function refusedByLock({ lock }: SessionKeys, secret: string): Answer | null {
  if (secret === '') return lock === null ? null : { state: 'locked' };
  return lock === secret ? null : { state: 'lost' };
}
