/**
 * A session moves to a new id. The new key is there before the old one goes: a crash in between
 * loses no session, and neither does a lost reply. test/model goes through all that can come between.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockError, SessionError } from '../errors.ts';
import { MOVED_FOR, type SessionLock } from '../save-handler/save-handler.ts';
import { type Target, unlocked } from './conditional-write.ts';
import type { Conflict } from './merge/conflicts.ts';
import { merge } from './merge/merge.ts';
import { assertSameSession } from './replaced.ts';
import { assertSize } from './size-limit.ts';
import { isUnknown } from './unanswered.ts';

export interface Moved {
  /** What is stored under the new id. */
  readonly bytes: Buffer;
  /** Where both sides had changed the same thing. */
  readonly conflicts: readonly Conflict[];
}

export interface Destination {
  readonly id: string;
  readonly lock: SessionLock | undefined;
  /** Asked once the new session is stored: throws if the client cannot learn its id any more. */
  readonly beforeLeaving?: (() => void) | undefined;
}

/**
 * Milliseconds for which the move asks again what became of its delete, from the first lost reply
 * on: time for a connection of our own to come back, which pauses for two seconds at most.
 */
const ASKS_AGAIN_FOR = 5_000;

/**
 * Stores `ours` under the new id and, if told so, deletes the old session; what others wrote into
 * the old one meanwhile comes along.
 *
 * @param from the old id
 * @param base the bytes that were read under the old id
 * @throws SessionError `ERR_PSB_SESSION_GONE`, `ERR_PSB_SESSION_REPLACED`,
 * `ERR_PSB_SESSION_TOO_LARGE`, LockError, what `beforeLeaving` throws; nothing is left under the new id then
 * @throws StoreError `ERR_PSB_STORE_UNKNOWN_OUTCOME` if nobody could say whether the old session
 * went; then the new one stays until its TTL ends, under an id that nobody was told
 */
export async function moveSession(
  from: Target,
  to: Destination,
  base: Buffer,
  ours: Buffer,
  deleteOld: boolean,
): Promise<Moved> {
  const { codec, settings, unanswered } = from;
  const { saveHandler, locking, identity, maxBytes } = settings;
  const departure = new Departure(from);
  let bytes = ours;
  let found: Buffer = base;
  let since: Buffer | null = base;
  let expected: Buffer | null = null;
  let conflicts: readonly Conflict[] = [];
  assertSize(bytes, maxBytes, base);
  try {
    for (;;) {
      codec.verify(bytes);
      const condition = { expected, lock: to.lock };
      const stored = await unlocked(locking, () => saveHandler.writeIf(to.id, bytes, condition));
      // Nobody else knows the id: our own bytes are there since a client sent them twice.
      if (stored.state === 'changed' && !stored.bytes?.equals(bytes)) {
        throw new SessionError('ERR_PSB_SESSION_CONFLICT', 'the new session id is taken already');
      }
      expected = bytes;
      to.beforeLeaving?.();
      if (!deleteOld) return { bytes, conflicts };
      const left = await departure.leave(found);
      if (left.state === 'written') return { bytes, conflicts };
      const theirs = left.bytes === null ? null : codec.decode(left.bytes);
      const own = unanswered.find(left.bytes);
      if (own) since = own.said;
      const before = codec.decode(since);
      if (theirs === null || !own) {
        assertSameSession(before, theirs, identity);
        identity.merging();
      }
      conflicts = merge(before, codec.decode(ours), theirs, settings.onConflict);
      bytes = codec.encode(theirs);
      found = left.bytes as Buffer;
      assertSize(bytes, maxBytes, base, found);
    }
  } catch (error) {
    // A session that was logged out meanwhile must not live on under another name. But where the
    // old one may have gone by our own doing, the new one is all that is left.
    const stored = expected !== null || isUnknown(error);
    if (stored && !departure.unknown) await saveHandler.destroy(to.id).catch(() => {});
    throw error;
  }
}

/** The delete of the old session, which must not be mistaken for somebody else's. */
class Departure {
  /** It was asked for, and nobody knows what became of it. */
  unknown = false;
  readonly #from: Target;
  readonly #secret = randomBytes(16).toString('hex');

  constructor(from: Target) {
    this.#from = from;
  }

  /** @param expected the bytes that have come along; others must not be deleted */
  async leave(expected: Buffer): ReturnType<typeof unlocked> {
    const { id, lock, settings } = this.#from;
    const { saveHandler, locking } = settings;
    const condition = { expected, lock, mover: this.#secret };
    const ask = () => unlocked(locking, () => saveHandler.destroyIf(id, condition));
    const began = performance.now();
    let lost: unknown;
    try {
      return await ask();
    } catch (error) {
      if (!isUnknown(error)) throw error;
      this.unknown = true;
      lost = error;
    }
    // Who leaves no marker cannot say later whose delete it was.
    if (!saveHandler.marksMoves) throw lost;
    const until = performance.now() + ASKS_AGAIN_FOR;
    for (let pause = 20; performance.now() < until; pause = Math.min(pause * 2, 500)) {
      await sleep(pause);
      const answer = await ask().catch((error: unknown) => error);
      if (answer instanceof LockError) break;
      if (answer instanceof Error) continue;
      const result = answer as Awaited<ReturnType<typeof unlocked>>;
      // By then the marker may have had its time.
      if (result.state === 'changed' && performance.now() - began > MOVED_FOR / 2) break;
      this.unknown = false;
      return result;
    }
    throw lost;
  }
}
