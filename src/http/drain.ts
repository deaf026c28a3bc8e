/**
 * Who waits for `drain` while the first bytes are held back. Node emits it for what it has taken
 * itself; for what we have taken, we do.
 */
import type { ServerResponse } from 'node:http';

type Listener = (...args: unknown[]) => void;

export class Drain {
  readonly #response: ServerResponse;
  readonly #on: ServerResponse['on'];
  readonly #hooked: ServerResponse['on'];
  /** Listeners that compression, say, has put onto a stream of its own, which never waited. */
  readonly #elsewhere: Listener[] = [];

  constructor(response: ServerResponse) {
    const waiting = this.#elsewhere;
    const { on } = response;
    function hooked(this: ServerResponse, event: string | symbol, listener: Listener) {
      const result = Reflect.apply(on, this, [event, listener]) as ServerResponse;
      if (event === 'drain' && !this.rawListeners(event).includes(listener)) waiting.push(listener);
      return result;
    }
    this.#response = response;
    this.#on = on;
    this.#hooked = hooked as ServerResponse['on'];
    response.on = this.#hooked;
  }

  /** No longer needed; somebody else may have put a function of their own before ours. */
  stop(): void {
    if (this.#response.on === this.#hooked) this.#response.on = this.#on;
  }

  /** There is room: on a fresh stack, so that what a listener throws is its own affair. */
  emit(): void {
    process.nextTick(() => {
      this.#response.emit('drain');
      for (const listener of this.#elsewhere) listener.call(this.#response);
    });
  }
}
