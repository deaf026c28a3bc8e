/**
 * The stream of what happens to the visitor's session. The server watches the session whose cookie
 * came with the request, so after a login or logout the stream is opened anew.
 */
export class Live {
  #source;
  #listener;

  /** @param listener `{ session(data), observed(data), state('on' | 'off') }` */
  constructor(listener) {
    this.#listener = listener;
  }

  connect() {
    const old = this.#source;
    const source = new EventSource('/page/events');
    this.#source = source;
    source.addEventListener('open', () => {
      this.#tell(source, () => this.#listener.state('on'));
      // The old stream still has the last word about the session that was just given up.
      if (old) setTimeout(() => old.close(), 400);
    });
    source.addEventListener('error', () => this.#tell(source, () => this.#listener.state('off')));
    source.addEventListener('session', ({ data }) =>
      this.#tell(source, () => this.#listener.session(JSON.parse(data))),
    );
    source.addEventListener('observed', ({ data }) => this.#listener.observed(JSON.parse(data)));
    return new Promise((resolve) => {
      source.addEventListener('session', resolve, { once: true });
      setTimeout(resolve, 2000);
    });
  }

  #tell(source, what) {
    if (source === this.#source) what();
  }
}
