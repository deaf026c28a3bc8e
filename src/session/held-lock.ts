/**
 * phpredis's lock while a request holds it: renewed as long as the request lives, released in
 * every outcome.
 */
import type { SessionLock } from '../save-handler/save-handler.ts';

export class HeldLock {
  readonly lock: SessionLock;
  readonly #timer: NodeJS.Timeout;

  constructor(lock: SessionLock, expireMs: number) {
    this.lock = lock;
    // Thrice per lifetime: one renewal may get lost on the way. A lock that is no longer ours is
    // noticed by the write, which names the secret; here it only ends the renewing.
    this.#timer = setInterval(() => {
      lock.renew().then(
        (ours) => {
          if (!ours) clearInterval(this.#timer);
        },
        () => {},
      );
    }, expireMs / 3);
    this.#timer.unref();
  }

  /** Never rejects: a lock that cannot be released has an expiry. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.lock.release().catch(() => false);
  }
}
