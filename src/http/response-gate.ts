/**
 * Keeps a Node response from ending before the session is stored. A client that has seen the end
 * of a response may send the next request at once, and must then find what this one wrote.
 */
import type { ServerResponse } from 'node:http';
import onHeaders from 'on-headers';
import type { RequestSession, SessionResponse } from './request-session.ts';
import { addSetCookies } from './set-cookie.ts';

type Arguments = readonly unknown[];
type Methods = Pick<ServerResponse, 'writeHead' | 'write' | 'flushHeaders' | 'end'>;

interface Level {
  readonly key: symbol;
  readonly methods: Methods;
}

const levels: Level[] = [];

/**
 * Stands before `writeHead`, `write`, `flushHeaders` and `end` of one response until the session
 * is committed. `end` waits for the commit and, if nobody else did, starts it. `writeHead` alone
 * sends nothing yet, so it is kept back until something must go out: `res.writeHead(200);
 * res.end(…)` can still carry the cookie of a session that is created at its end.
 */
export class ResponseGate {
  readonly #response: ServerResponse;
  readonly #request: RequestSession;
  readonly #send: Methods;
  #head: Arguments | undefined;
  #end: Arguments | undefined;
  #headOpen = false;
  #endOpen = false;
  #settled: Promise<void> | undefined;
  readonly #onFailure: ((error: unknown) => void) | undefined;

  /**
   * @param onFailure told when the commit failed; the response is open again, so that it can answer
   */
  constructor(
    response: ServerResponse,
    request: RequestSession,
    onFailure?: (error: unknown) => void,
  ) {
    this.#onFailure = onFailure;
    this.#response = response;
    this.#request = request;
    // Whatever happens on the way (Koa's error handler drops all headers, say): what the session
    // owes is there when the headers leave.
    onHeaders(response, () => this.#addHeaders());
    const { writeHead, write, flushHeaders, end } = response;
    this.#send = { writeHead, write, flushHeaders, end };
    const { key, methods } = ResponseGate.#levelFor(response);
    Object.defineProperty(response, key, { value: this });
    Object.assign(response, methods);
  }

  /**
   * The functions that stand before a response's own: the same ones for every response. With a
   * closure for each, every response would be an object of its own kind to the engine. Several
   * gates on one response have a level each.
   */
  static #levelFor(response: ServerResponse): Level {
    for (const level of levels) if (!(level.key in response)) return level;
    const key = Symbol(`gate ${levels.length}`);
    type Gated = ServerResponse & { readonly [key]: ResponseGate };
    const methods = {
      writeHead(this: Gated, ...args: Arguments) {
        return this[key].#writeHead(args);
      },
      write(this: Gated, ...args: Arguments) {
        return this[key].#write(args);
      },
      flushHeaders(this: Gated) {
        this[key].#flushHeaders();
      },
      end(this: Gated, ...args: Arguments) {
        return this[key].#endWith(args);
      },
    };
    const level = { key, methods: methods as unknown as Methods };
    levels.push(level);
    return level;
  }

  /** Did the application end the response itself? */
  get ended(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Commits the session, then lets the response end if it was waiting for that. If the commit
   * fails when the headers are out already, the connection is cut: the client must not take the
   * response for a whole one.
   */
  commit(): Promise<void> {
    this.#settled ??= this.#settle(this.#request.commit());
    return this.#settled;
  }

  /** The same for a request that failed and shall not write. */
  abort(): Promise<void> {
    this.#settled ??= this.#settle(this.#request.abort());
    return this.#settled;
  }

  async #settle(outcome: Promise<SessionResponse>): Promise<void> {
    try {
      await outcome;
    } catch (error) {
      this.#endOpen = true;
      if (this.#response.headersSent) this.#response.destroy();
      // The held back response said that all was well.
      this.#head = undefined;
      this.#onFailure?.(error);
      throw error;
    }
    this.#endOpen = true;
    if (!this.#response.headersSent) this.#addHeaders();
    if (this.#end) {
      this.#openHead();
      Reflect.apply(this.#send.end, this.#response, this.#end);
    }
  }

  #addHeaders(): void {
    const response = this.#response;
    const { setCookie, headers } = this.#request.response();
    for (const name of Object.keys(headers)) {
      // What the application says about caching is more precise.
      if (!response.hasHeader(name)) response.setHeader(name, headers[name] as string);
    }
    addSetCookies(response, setCookie);
  }

  #writeHead(args: Arguments): ServerResponse {
    if (this.#headOpen || this.#endOpen) {
      return Reflect.apply(this.#send.writeHead, this.#response, args);
    }
    this.#head = args;
    this.#response.statusCode = Number(args[0]);
    return this.#response;
  }

  #write(args: Arguments): boolean {
    this.#openHead();
    return Reflect.apply(this.#send.write, this.#response, args);
  }

  #flushHeaders(): void {
    this.#openHead();
    this.#send.flushHeaders.call(this.#response);
  }

  #endWith(args: Arguments): ServerResponse {
    if (this.#endOpen) {
      this.#openHead();
      return Reflect.apply(this.#send.end, this.#response, args);
    }
    if (this.#end === undefined) {
      this.#end = args;
      // Who awaits commit() learns of a failure; here it must only not go unhandled.
      this.commit().catch(() => {});
    }
    return this.#response;
  }

  /** From now on headers go out. */
  #openHead(): void {
    if (this.#headOpen) return;
    this.#headOpen = true;
    const head = this.#head;
    this.#head = undefined;
    if (head) Reflect.apply(this.#send.writeHead, this.#response, head);
  }
}
