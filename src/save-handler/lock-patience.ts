/**
 * Waiting for a busy lock the way phpredis waits: a fixed pause between attempts, a fixed number
 * of attempts, then an error.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LockSettings } from './settings.ts';

/**
 * Yields once per attempt, with the pause in between; ends when the patience is over.
 * phpredis: `lock_retries` + 1 attempts, `lock_wait_time` between them, -1 is endless.
 */
export async function* attempts(locking: LockSettings): AsyncGenerator<number, void, void> {
  const last = locking.retries < 0 ? Number.POSITIVE_INFINITY : locking.retries;
  for (let attempt = 0; ; attempt++) {
    yield attempt;
    if (attempt >= last) return;
    await sleep(locking.wait);
  }
}
