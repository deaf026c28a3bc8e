/**
 * The logout: deletes a session, and does not fail for ever because PHP is busy with it.
 */
import { randomBytes } from 'node:crypto';
import { LockError } from '../errors.ts';
import type { SessionLock } from '../save-handler/save-handler.ts';
import { unlocked } from './conditional-write.ts';
import type { SessionSettings } from './options.ts';

/** What became of a session that was destroyed. */
export interface DestroyResult {
  /**
   * Another request (of PHP, say) held the lock beyond the patience, and the session was destroyed
   * all the same, which only `revokedTtl` allows: the bridge treats the id as dead, but that request
   * may write the session once more, and PHP sees it until Node looks at it again.
   */
  readonly forced: boolean;
}

/** How a session is destroyed; not for applications. */
export interface LogOutOptions {
  /**
   * Its variables go on under another id that the client gets: what `revokedTtl` leaves behind does
   * not say that the client was logged out.
   */
  readonly moved?: boolean | undefined;
}

/** Told once for each manager; every single one is in the result and on the channel. */
const told = new WeakSet<SessionSettings>();

/**
 * @param lock the session's own lock, if it holds one
 * @throws LockError `ERR_PSB_LOCK_BUSY` if the lock stays busy and no tombstone can go past it
 */
export async function logOut(
  settings: SessionSettings,
  id: string,
  lock?: SessionLock,
  { moved = false }: LogOutOptions = {},
): Promise<DestroyResult> {
  const { saveHandler, locking, warn } = settings;
  const mover = moved ? randomBytes(16).toString('hex') : undefined;
  const destroy = (own: SessionLock | undefined) =>
    unlocked(locking, () => saveHandler.destroyIf(id, { lock: own, mover }));
  try {
    await destroy(lock).catch((error: unknown) => {
      // A logout needs no lock of its own, only that nobody else has it.
      if (!(error instanceof LockError) || error.code !== 'ERR_PSB_LOCK_LOST') throw error;
      return destroy(undefined);
    });
    return { forced: false };
  } catch (error) {
    if (!(error instanceof LockError) || !saveHandler.revokes) throw error;
  }
  await saveHandler.destroy(id);
  if (!told.has(settings)) {
    told.add(settings);
    warn(
      'PSB_LOGOUT_FORCED',
      'a session was logged out while another request held its lock for too long: that request may ' +
        'write it once more, which the bridge will not read, but PHP will until the bridge deletes it',
    );
  }
  return { forced: true };
}
