/**
 * After failures a server is left alone for a while: doubled each time, up to one second, so that a
 * service is back within two whatever it waits for.
 */
const FIRST = 50;
const LONGEST = 1000;

export class Backoff {
  /** What the last attempt ended with. */
  failure: unknown;
  #failures = 0;
  #notBefore = 0;

  /** Is it too early for another attempt? */
  get resting(): boolean {
    return performance.now() < this.#notBefore;
  }

  failed(failure: unknown): void {
    this.failure = failure;
    const pause = Math.min(FIRST * 2 ** this.#failures, LONGEST);
    this.#failures++;
    // Jitter, or many processes would come back to a restarted server in step.
    this.#notBefore = performance.now() + pause * (0.5 + Math.random() / 2);
  }

  /** The next failure is a first one again, and nobody waits. */
  reset(): void {
    this.#failures = 0;
    this.#notBefore = 0;
  }
}
