/**
 * phpredis's lock while a request holds it: renewed as long as the request lives, though not for
 * ever, and released in every outcome.
 */
import type { SessionLock } from '../save-handler/save-handler.ts';

/** Who holds a lock. */
export interface LockHolder {
  /** The lock was held for too long: it is not renewed any more, and to be released. */
  heldTooLong(lock: HeldLock): void;
}

export interface LockTimes {
  /** Milliseconds after which a lock that nobody renews dies. */
  readonly expire: number;
  /** Milliseconds for which it is renewed. */
  readonly maxHold: number;
}

/**
 * The locks that the sessions of one manager hold, for its end: of a session that was forgotten
 * nobody else would know. They name their sessions weakly.
 */
export class HeldLocks {
  readonly #locks = new Set<HeldLock>();

  add(lock: HeldLock): void {
    this.#locks.add(lock);
  }

  remove(lock: HeldLock): void {
    this.#locks.delete(lock);
  }

  async release(): Promise<void> {
    await Promise.all([...this.#locks].map((lock) => lock.release()));
  }
}

export class HeldLock {
  readonly lock: SessionLock;
  readonly #times: LockTimes;
  readonly #until: number;
  /** Weakly: a session that was forgotten must not live on by its lock. */
  readonly #holder: WeakRef<LockHolder>;
  readonly #among: HeldLocks | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(lock: SessionLock, times: LockTimes, holder: LockHolder, among?: HeldLocks) {
    this.lock = lock;
    this.#times = times;
    this.#until = performance.now() + times.maxHold;
    this.#holder = new WeakRef(holder);
    this.#among = among;
    among?.add(this);
    this.#wait();
  }

  /** Never rejects: a lock that cannot be released has an expiry. */
  async release(): Promise<void> {
    this.#stop();
    await this.lock.release().catch(() => false);
  }

  #wait(): void {
    // Thrice per lifetime: one renewal may get lost on the way. A lock that is no longer ours is
    // noticed by the write, which names the secret; here it only ends the renewing.
    const left = this.#until - performance.now();
    this.#timer = setTimeout(
      () => this.#look(),
      Math.max(0, Math.min(this.#times.expire / 3, left)),
    );
    this.#timer.unref();
  }

  #look(): void {
    const holder = this.#holder.deref();
    if (holder === undefined) {
      void this.release();
    } else if (performance.now() >= this.#until) {
      this.#stop();
      holder.heldTooLong(this);
    } else {
      this.#wait();
      this.lock.renew().then(
        (ours) => {
          if (!ours) this.#stop();
        },
        () => {},
      );
    }
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#among?.remove(this);
  }
}
