/**
 * The sessions that are open, for a manager that closes. Weakly, so that one which nobody ends
 * leaves with the request that forgot it. Not a `Set`: whenever one of those makes room it leaves a
 * table behind that still names the entries of that moment, and once such a table is old to the
 * garbage collector, they stay, each with its request, until the next full collection. Under load
 * that was most of them.
 */
import { HeldLocks } from './held-lock.ts';

/** What a manager that closes asks of a session. */
export interface OpenSession {
  abandon(): Promise<void>;
}

/** Milliseconds between two looks whether the last ones were collected. */
const LOOK_EVERY = 50;
const FEW = 256;

export class OpenSessions {
  /** The locks that they hold. */
  readonly locks = new HeldLocks();
  readonly #places: (WeakRef<OpenSession> | undefined)[] = [];
  readonly #free: number[] = [];
  /** When there are so many places, it is time to look for forgotten ones. */
  #sweepAt = FEW;
  #onEmpty: (() => void) | undefined;

  /** @returns its place, to be given up with `remove()` */
  add(session: OpenSession): number {
    if (this.#free.length === 0 && this.#places.length >= this.#sweepAt) this.#sweep();
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = new WeakRef(session);
    return place;
  }

  remove(place: number): void {
    this.#places[place] = undefined;
    this.#free.push(place);
    if (this.#free.length === this.#places.length) this.#onEmpty?.();
  }

  all(): OpenSession[] {
    const found: OpenSession[] = [];
    for (const place of this.#places) {
      const session = place?.deref();
      if (session !== undefined) found.push(session);
    }
    return found;
  }

  /** Waits until none is open any more, at most so many milliseconds. */
  wait(milliseconds: number): Promise<void> {
    if (!this.#isAny()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#onEmpty = undefined;
        clearInterval(look);
        clearTimeout(end);
        resolve();
      };
      this.#onEmpty = done;
      // Of one that was collected nobody tells.
      const look = setInterval(() => {
        if (!this.#isAny()) done();
      }, LOOK_EVERY);
      const end = setTimeout(done, milliseconds);
    });
  }

  #isAny(): boolean {
    return this.#places.some((place) => place?.deref() !== undefined);
  }

  /** Frees the places of sessions that were collected without having ended. */
  #sweep(): void {
    for (let place = 0; place < this.#places.length; place++) {
      if (this.#places[place]?.deref() !== undefined) continue;
      this.#places[place] = undefined;
      this.#free.push(place);
    }
    // So that each session pays for one look.
    this.#sweepAt = Math.max(FEW, 2 * (this.#places.length - this.#free.length));
  }
}
