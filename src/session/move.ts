/**
 * A session moves to a new id. The new key is there before the old one goes: a crash in between
 * loses no session.
 */
import { SessionError } from '../errors.ts';
import type { SessionLock } from '../save-handler/save-handler.ts';
import { type Target, unlocked } from './conditional-write.ts';
import type { Conflict } from './merge/conflicts.ts';
import { merge } from './merge/merge.ts';
import { assertSameSession } from './replaced.ts';

export interface Moved {
  /** What is stored under the new id. */
  readonly bytes: Buffer;
  /** Where both sides had changed the same thing. */
  readonly conflicts: readonly Conflict[];
}

/**
 * Stores `ours` under the new id and, if told so, deletes the old session; what others wrote into
 * the old one meanwhile comes along.
 *
 * @param from the old id
 * @param base the bytes that were read under the old id
 * @throws SessionError `ERR_PSB_SESSION_GONE`, `ERR_PSB_SESSION_REPLACED`; nothing is left under
 *   the new id then
 */
export async function moveSession(
  from: Target,
  to: { readonly id: string; readonly lock: SessionLock | undefined },
  base: Buffer,
  ours: Buffer,
  deleteOld: boolean,
): Promise<Moved> {
  const { codec, settings } = from;
  const { saveHandler, locking, identity } = settings;
  let bytes = ours;
  let found: Buffer = base;
  let expected: Buffer | null = null;
  let conflicts: readonly Conflict[] = [];
  try {
    for (;;) {
      codec.verify(bytes);
      const condition = { expected, lock: to.lock };
      const stored = await unlocked(locking, () => saveHandler.writeIf(to.id, bytes, condition));
      if (stored.state === 'changed') {
        throw new SessionError('ERR_PSB_SESSION_CONFLICT', 'the new session id is taken already');
      }
      expected = bytes;
      if (!deleteOld) return { bytes, conflicts };
      const leaving = { expected: found, lock: from.lock };
      const left = await unlocked(locking, () => saveHandler.destroyIf(from.id, leaving));
      if (left.state === 'written') return { bytes, conflicts };
      const theirs = left.bytes === null ? null : codec.decode(left.bytes);
      const before = codec.decode(base);
      assertSameSession(before, theirs, identity);
      identity.merging();
      conflicts = merge(before, codec.decode(ours), theirs, settings.onConflict);
      bytes = codec.encode(theirs);
      found = left.bytes as Buffer;
    }
  } catch (error) {
    // A session that was logged out meanwhile must not live on under another name.
    if (expected !== null) await saveHandler.destroy(to.id).catch(() => {});
    throw error;
  }
}
