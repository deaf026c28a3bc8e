/**
 * Bytes under a session id that are no session of the configured serialize handler: PHP runs with
 * another one, say. They can be replaced, but not merged with.
 */
import { SessionError } from '../errors.ts';
import { type Target, unlocked, type Written } from './conditional-write.ts';
import { gone } from './gone.ts';
import { assertSize } from './size-limit.ts';

/**
 * Writes `ours` in the place of bytes that nobody can read, unless somebody else was faster.
 *
 * @throws SessionError `ERR_PSB_SESSION_GONE`, `ERR_PSB_SESSION_REPLACED`,
 * `ERR_PSB_SESSION_TOO_LARGE`
 * @throws LockError `ERR_PSB_LOCK_BUSY`, `ERR_PSB_LOCK_LOST`
 */
export async function replaceUnreadable(
  { id, lock, codec, settings }: Target,
  unreadable: Buffer,
  ours: Buffer,
): Promise<Written> {
  assertSize(ours, settings.maxBytes, unreadable);
  codec.verify(ours);
  const condition = { expected: unreadable, lock };
  const result = await unlocked(settings.locking, () =>
    settings.saveHandler.writeIf(id, ours, condition),
  );
  if (result.state === 'written') return { outcome: 'written', conflicts: [], bytes: ours };
  if (result.bytes === null) throw gone();
  throw new SessionError(
    'ERR_PSB_SESSION_REPLACED',
    'somebody else replaced the session, which nobody could read, in the meantime; ' +
      'nothing was written',
  );
}
