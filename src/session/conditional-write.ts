/**
 * The write that loses nothing: conditional on the bytes that were read; when somebody else was
 * faster, merged with theirs and tried again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LockError, SessionError } from '../errors.ts';
import { attempts } from '../save-handler/lock-patience.ts';
import type { SessionLock, WriteResult } from '../save-handler/save-handler.ts';
import type { LockSettings } from '../save-handler/settings.ts';
import type { CommitResult } from './commit-result.ts';
import type { Conflict } from './merge/conflicts.ts';
import { merge } from './merge/merge.ts';
import type { SessionSettings } from './options.ts';
import { assertSameSession } from './replaced.ts';
import type { SessionCodec } from './session-codec.ts';
import type { SessionVariables } from './session-variables.ts';
import { assertSize } from './size-limit.ts';
import type { Unanswered } from './unanswered.ts';

export interface Target {
  readonly id: string;
  readonly lock: SessionLock | undefined;
  readonly codec: SessionCodec;
  readonly settings: SessionSettings;
  /** This session's own writes that may lie there. */
  readonly unanswered: Unanswered;
}

export interface Written extends CommitResult {
  /** What is stored now. */
  readonly bytes: Buffer;
}

export interface Updated extends Written {
  /**
   * What the variables said when an earlier write of them was carried out after all; `null` if what
   * is stored has nothing of theirs.
   */
  readonly said: Buffer | null;
}

/**
 * A writer that is overtaken this often has a session under constant fire; each round somebody
 * got through, so nobody starves the rest of the world, but a request must end.
 */
const MERGE_ROUNDS = 200;

/**
 * Writes `ours`, which began as `base`.
 * @throws SessionError `ERR_PSB_SESSION_GONE`, `ERR_PSB_SESSION_REPLACED`,
 * `ERR_PSB_SESSION_CONFLICT`, `ERR_PSB_SESSION_TOO_LARGE`
 * @throws LockError `ERR_PSB_LOCK_BUSY`, `ERR_PSB_LOCK_LOST`
 */
export async function writeMerging(
  target: Target,
  base: Buffer | null,
  ours: Buffer,
): Promise<Written> {
  const { id, lock, codec, settings, unanswered } = target;
  let expected = settings.concurrency === 'overwrite' ? undefined : base;
  let since = base;
  let bytes = ours;
  let outcome: 'written' | 'merged' = 'written';
  let conflicts: readonly Conflict[] = [];
  let found: Buffer | null = null;
  for (let round = 1; round <= MERGE_ROUNDS; round++) {
    assertSize(bytes, settings.maxBytes, base, found);
    codec.verify(bytes);
    const result = await unanswered.remember({ bytes, said: ours }, () =>
      unlocked(settings.locking, () => settings.saveHandler.writeIf(id, bytes, { expected, lock })),
    );
    if (result.state === 'written') return { outcome, conflicts, bytes };
    found = await newest(target, round, result.bytes);
    const theirs = decodeTheirs(codec, found);
    const own = unanswered.find(found);
    if (own) since = own.said;
    const before = since === null ? null : codec.decode(since);
    // Somebody stored to the byte what we say: his session is ours, whoever it names. Both may have
    // appended the same to a list, though, which the merge alone can tell.
    if (theirs === null || !(own || found?.equals(ours))) {
      assertSameSession(before, theirs, settings.identity);
    }
    if (!own) settings.identity.merging();
    conflicts = merge(before ?? {}, codec.decode(ours), theirs, settings.onConflict);
    bytes = codec.encode(theirs);
    expected = found;
    if (!own?.said?.equals(own.bytes)) outcome = 'merged';
    if (found?.equals(bytes)) return { outcome, conflicts, bytes };
  }
  throw overtaken();
}

/**
 * Applies a change to the stored variables, again and again on fresh ones, until the conditional
 * write succeeds.
 */
export async function writeUpdating(
  target: Target,
  base: Buffer | null,
  change: (variables: SessionVariables) => void,
): Promise<Updated | null> {
  const { id, lock, codec, settings, unanswered } = target;
  let current = base;
  let since = base;
  let said: Buffer | null = null;
  let outcome: 'written' | 'merged' = 'written';
  // Far more patient than a merge: the caller said that this change must not be lost.
  for (let round = 1; round <= MERGE_ROUNDS * 50; round++) {
    const variables = codec.decode(current);
    change(variables);
    const bytes = codec.encode(variables);
    if (current !== null && bytes.equals(current)) {
      return current === base ? null : { outcome: 'merged', conflicts: [], bytes: current, said };
    }
    assertSize(bytes, settings.maxBytes, current);
    codec.verify(bytes);
    const result = await unanswered.remember({ bytes, said: since }, () =>
      unlocked(settings.locking, () =>
        settings.saveHandler.writeIf(id, bytes, { expected: current, lock }),
      ),
    );
    if (result.state === 'written') return { outcome, conflicts: [], bytes, said };
    const found = await newest(target, round, result.bytes);
    const own = unanswered.find(found);
    if (own) {
      since = own.said;
      said = own.said;
    } else {
      const theirs = decodeTheirs(codec, found);
      const before = current === null ? null : codec.decode(current);
      assertSameSession(before, theirs, settings.identity);
    }
    current = found;
    outcome = 'merged';
  }
  throw overtaken();
}

/** Repeats a conditional operation while a foreign lock refuses it, as long as phpredis would. */
export async function unlocked(
  locking: LockSettings,
  operation: () => Promise<WriteResult>,
): Promise<Extract<WriteResult, { state: 'written' | 'changed' }>> {
  for await (const _ of attempts(locking)) {
    const result = await operation();
    if (result.state === 'lost') {
      throw new LockError(
        'ERR_PSB_LOCK_LOST',
        'the session lock expired or was taken by somebody else; nothing was written',
      );
    }
    if (result.state !== 'locked') return result;
  }
  throw new LockError(
    'ERR_PSB_LOCK_BUSY',
    'another request held the session lock for too long; nothing was written',
  );
}

function decodeTheirs(codec: SessionCodec, bytes: Buffer | null): SessionVariables | null {
  return bytes === null ? null : codec.decode(bytes);
}

/**
 * What to merge with in this round. At first at once what the refusal brought along: a pause would
 * only make it stale, and every refusal means that somebody got through. A writer that keeps losing
 * steps aside for a moment and looks again.
 */
async function newest(target: Target, round: number, seen: Buffer | null): Promise<Buffer | null> {
  if (round < 8) return seen;
  await sleep(Math.random() * Math.min(round, 40));
  return target.settings.saveHandler.read(target.id);
}

function overtaken(): SessionError {
  return new SessionError(
    'ERR_PSB_SESSION_CONFLICT',
    'other requests kept writing this session faster than it could be merged; nothing was written',
  );
}
