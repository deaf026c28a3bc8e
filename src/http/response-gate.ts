/**
 * Keeps a Node response from ending before the session is stored. A client that has seen the end
 * of a response may send the next request at once, and must then find what this one wrote.
 */
import type { ServerResponse } from 'node:http';
import { OptionsError } from '../errors.ts';
import {
  type Announcer,
  announce,
  areHeadersOut,
  isOver,
  markEnded,
  unannounced,
} from './announced.ts';
import { Drain } from './drain.ts';
import { applyHeaders, HeldHead, headOf, StatusLine } from './held-head.ts';
import { assertChunk, assertEncoding, isHttp1, refuseLate } from './node-errors.ts';
import type { RequestSession, SessionResponse } from './request-session.ts';
import { addSessionHeaders } from './session-headers.ts';

type Arguments = readonly unknown[];
type Methods = Pick<ServerResponse, 'writeHead' | 'write' | 'flushHeaders' | 'end'>;

interface Level {
  readonly number: number;
  readonly key: symbol;
  readonly methods: Methods;
}

/** An end that was said, and the status that it was said with. */
interface HeldEnd {
  readonly args: Arguments;
  readonly line: StatusLine | undefined;
}

const levels: Level[] = [];

/**
 * Stands before `writeHead`, `write`, `flushHeaders` and `end` of one response until the session
 * is committed. `end` waits for the commit and, if nobody else did, starts it. `writeHead` alone
 * sends nothing yet, so it is kept back until something must go out: `res.writeHead(200);
 * res.end(…)` can still carry the cookie of a session that is created at its end. Where the cookie
 * of a new session is due, the first byte waits, too, until that session is stored.
 *
 * To the application the response is what it would be without all this: what Node throws at the
 * caller is thrown at the caller, and what was said is said (`headersSent`, `writableEnded`).
 */
export class ResponseGate implements Announcer {
  readonly level: number;
  readonly #response: ServerResponse;
  readonly #request: RequestSession;
  readonly #send: Methods;
  readonly #onFailure: ((error: unknown) => void) | undefined;
  #head: HeldHead | undefined;
  /** The first writes, while the session is stored whose cookie goes before them. */
  #first: [method: 'write' | 'flushHeaders', args: Arguments][] | undefined;
  #drain: Drain | undefined;
  #end: HeldEnd | undefined;
  #ended = false;
  #headOpen = false;
  #endOpen = false;
  #early: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** The client has got the answer to a failure; the application's own is no longer wanted. */
  #isAnswered = false;
  #settled: Promise<void> | undefined;

  /**
   * @param onFailure told when the commit, or the response that was held back for it, failed; the
   *   response is open again, so that it can answer
   * @throws OptionsError `ERR_PSB_OPTIONS` if the response has a gate for a cookie of this name
   */
  constructor(
    response: ServerResponse,
    request: RequestSession,
    onFailure?: (error: unknown) => void,
  ) {
    ResponseGate.assertFree(response, request.cookieName);
    this.#onFailure = onFailure;
    this.#response = response;
    this.#request = request;
    const { writeHead, write, flushHeaders, end } = response;
    this.#send = { writeHead, write, flushHeaders, end };
    const { number, key, methods } = ResponseGate.#levelFor(response);
    this.level = number;
    Object.defineProperty(response, key, { value: this });
    Object.assign(response, methods);
  }

  /**
   * Two sessions of one request whose cookies have one name would read each other's id and end
   * each other's cookie.
   *
   * @throws OptionsError `ERR_PSB_OPTIONS`
   */
  static assertFree(response: ServerResponse, cookieName: string): void {
    for (const { key } of levels) {
      const gate = (response as unknown as Record<symbol, ResponseGate | undefined>)[key];
      if (gate === undefined) return;
      if (gate.#request.cookieName === cookieName) throw sameCookie(cookieName);
    }
  }

  /**
   * The functions that stand before a response's own: the same ones for every response. With a
   * closure for each, every response would be an object of its own kind to the engine. Several
   * gates on one response have a level each.
   */
  static #levelFor(response: ServerResponse): Level {
    for (const level of levels) if (!(level.key in response)) return level;
    const number = levels.length;
    const key = Symbol(`gate ${number}`);
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
    const level = { number, key, methods: methods as unknown as Methods };
    levels.push(level);
    return level;
  }

  /** Did the application end the response itself? */
  get ended(): boolean {
    return this.#ended;
  }

  /** The application said something that is held back; to it the headers are sent. */
  get hasSpoken(): boolean {
    return this.#head !== undefined || this.#first !== undefined || this.#end !== undefined;
  }

  /** It said the end, which is held back. */
  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Is it too late for a new session id? The headers are out, or the first byte is on its way with
   * the id that the session has now.
   */
  get headersSent(): boolean {
    return this.#areOut || (this.#first !== undefined && !this.#request.isStoring);
  }

  get #areOut(): boolean {
    return areHeadersOut(this.#response, this.level);
  }

  /**
   * Commits the session, then lets the response end if it was waiting for that. If the commit
   * fails when the headers are out already, the connection is cut: the client must not take the
   * response for a whole one.
   */
  commit(): Promise<void> {
    this.#settled ??= this.#settle(() => this.#request.commit());
    return this.#settled;
  }

  /** The same for a request that failed and shall not write. */
  abort(): Promise<void> {
    this.#settled ??= this.#settle(() => this.#request.abort());
    return this.#settled;
  }

  /**
   * The application failed. What it said before its end, and what nobody has seen, is not said: an
   * error must not leave under the status and the headers of a success.
   */
  withdraw(reason: unknown): void {
    if (this.#end === undefined) this.#forget(reason);
  }

  async #settle(finish: () => Promise<SessionResponse>): Promise<void> {
    try {
      if (this.#early !== undefined) {
        await this.#early;
        if (this.#failure !== undefined) throw this.#failure.error;
      }
      await finish();
      this.#endOpen = true;
      // Layers around may look at them; where the end waits they are about to go out.
      if (this.#end === undefined && !this.#areOut) this.#addHeaders();
      this.#releaseFirst();
      this.#releaseEnd();
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** Once, whatever fails afterwards. */
  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#endOpen = true;
    const response = this.#response;
    if (this.#areOut) response.destroy();
    // The held back response said that all was well.
    this.#forget(error);
    this.#onFailure?.(error);
    this.#isAnswered = isOver(response);
  }

  #forget(reason: unknown): void {
    const calls = this.#first?.map(([, args]) => args) ?? [];
    if (this.#end !== undefined) {
      calls.push(this.#end.args);
      markEnded(this.#response, false);
    }
    this.#drain?.stop();
    const head = this.#head;
    this.#head = undefined;
    this.#first = undefined;
    this.#end = undefined;
    if (!this.#areOut) head?.undo(this.#response);
    // Who waits for a call to be done must not wait for ever.
    for (const args of calls) tell(args, reason);
  }

  #addHeaders(): void {
    unannounced(this.#response, () => addSessionHeaders(this.#response, this.#request));
  }

  #writeHead(args: Arguments): ServerResponse {
    const response = this.#response;
    if (this.#headOpen || this.#endOpen) return this.#sendHead(args);
    if (this.hasSpoken) refuseLate(response, 'writeHead');
    if (this.#areOut) return Reflect.apply(this.#send.writeHead, response, args);
    this.#head = new HeldHead(response, args);
    announce(response, this);
    return response;
  }

  /** A head that goes out at once: the session's headers join those that it names. */
  #sendHead(args: Arguments): ServerResponse {
    const response = this.#response;
    if (this.#areOut || this.#isAnswered) {
      return Reflect.apply(this.#send.writeHead, response, args);
    }
    const { status, message, headers } = headOf(args);
    this.#headOpen = true;
    unannounced(response, () => applyHeaders(response, headers));
    this.#addHeaders();
    const line = message === undefined ? [status] : [status, message];
    return Reflect.apply(this.#send.writeHead, response, line);
  }

  #write(args: Arguments): boolean {
    if (this.#isAnswered) return tell(args, this.#failure?.error);
    if (this.#end !== undefined) {
      assertChunk(args[0]);
      return this.#writeAfterEnd(args);
    }
    if (this.#holdsFirst()) {
      assertChunk(args[0]);
      assertEncoding(args[0], args[1]);
      this.#hold('write', args);
      return false;
    }
    this.#openHead();
    return Reflect.apply(this.#send.write, this.#response, args);
  }

  /**
   * Node emits the error, and who does not listen dies of it, but only in the very turn of the
   * end: afterwards its response is closed and says nothing. Ours stays open for longer.
   */
  #writeAfterEnd(args: Arguments): boolean {
    const response = this.#response;
    const error = writeAfterEnd();
    if (response.listenerCount('error') > 0) {
      process.nextTick(() => response.emit('error', error));
    }
    return tell(args, error);
  }

  #flushHeaders(): void {
    if (this.#isAnswered || this.#end !== undefined) return;
    if (this.#holdsFirst()) {
      this.#hold('flushHeaders', []);
      return;
    }
    this.#openHead();
    this.#send.flushHeaders.call(this.#response);
  }

  /** Must what goes out now wait for the cookie that goes before it? */
  #holdsFirst(): boolean {
    if (this.#first !== undefined) return true;
    if (this.#headOpen || this.#endOpen || this.#areOut) return false;
    return this.#settled !== undefined || this.#request.owesHeaders;
  }

  #hold(method: 'write' | 'flushHeaders', args: Arguments): void {
    if (this.#first !== undefined) {
      this.#first.push([method, args]);
      return;
    }
    const response = this.#response;
    // As Node's own implicit head: by the outermost function, so that everybody sees it.
    if (this.#head === undefined) response.writeHead(response.statusCode);
    this.#first = [[method, args]];
    this.#drain = new Drain(response);
    announce(response, this);
    // A commit that is under way lets it go.
    if (this.#settled === undefined) this.#early = this.#saveEarly();
  }

  /** Never rejects: a failure is told, and then ends the request as one of the commit does. */
  async #saveEarly(): Promise<void> {
    try {
      await this.#request.saveEarly();
      this.#releaseFirst();
    } catch (error) {
      this.#fail(error);
      await this.#request.abort().catch(() => {});
    }
  }

  #releaseFirst(): void {
    const first = this.#first;
    if (first === undefined) return;
    this.#first = undefined;
    const response = this.#response;
    const hasEnded = this.#end !== undefined;
    let wantsMore = !hasEnded && first.some(([method]) => method === 'write');
    let call: (typeof first)[number] | undefined;
    if (hasEnded) markEnded(response, false);
    try {
      unannounced(response, () => {
        this.#openHead();
        for (call = first.shift(); call !== undefined; call = first.shift()) {
          const taken: unknown = Reflect.apply(this.#send[call[0]], response, call[1]);
          if (taken === false) wantsMore = false;
        }
      });
    } catch (error) {
      for (const [, args] of call === undefined ? first : [call, ...first]) tell(args, error);
      throw error;
    } finally {
      if (hasEnded) markEnded(response, true);
    }
    this.#drain?.stop();
    // Where Node has room, it does not know that somebody waits for it.
    if (wantsMore) this.#drain?.emit();
  }

  #endWith(args: Arguments): ServerResponse {
    const response = this.#response;
    if (this.#isAnswered) {
      tell(args, this.#failure?.error);
      return response;
    }
    if (this.#endOpen) {
      this.#ended = true;
      this.#openHead();
      return Reflect.apply(this.#send.end, response, args);
    }
    // A second end: what Node says to it.
    if (this.#end !== undefined) return this.#endAgain(args);
    const [chunk, encoding] = args;
    if (isHttp1(response) ? hasChunk(chunk) : chunk !== undefined && chunk !== null) {
      if (typeof chunk !== 'function') assertChunk(chunk);
      assertEncoding(chunk, encoding);
    }
    let line: StatusLine | undefined;
    if (this.#head === undefined && !this.#headOpen && !this.#areOut) {
      line = new StatusLine(response);
      line.check(response);
    }
    this.#end = { args, line };
    this.#ended = true;
    announce(response, this);
    markEnded(response, true);
    // Who awaits commit() learns of a failure; here it must only not go unhandled.
    this.commit().catch(() => {});
    return response;
  }

  #endAgain(args: Arguments): ServerResponse {
    const response = this.#response;
    if (hasChunk(args[0])) this.#writeAfterEnd(args);
    else {
      const callback = callbackOf(args);
      if (callback !== undefined) response.once('finish', callback);
    }
    return response;
  }

  #releaseEnd(): void {
    const end = this.#end;
    if (end === undefined) return;
    this.#end = undefined;
    const response = this.#response;
    markEnded(response, false);
    try {
      end.line?.restore(response);
      this.#openHead();
      Reflect.apply(this.#send.end, response, end.args);
    } catch (error) {
      tell(end.args, error);
      throw error;
    }
  }

  /** From now on headers go out. */
  #openHead(): void {
    if (this.#headOpen) return;
    const response = this.#response;
    const head = this.#head;
    this.#head = undefined;
    this.#headOpen = true;
    if (head === undefined) return;
    head.restore(response);
    this.#addHeaders();
    this.#send.writeHead.call(response, response.statusCode);
  }
}

/** Node's test for what `end()` got. */
function hasChunk(chunk: unknown): boolean {
  return Boolean(chunk) && typeof chunk !== 'function';
}

function callbackOf(args: Arguments): ((error?: unknown) => void) | undefined {
  return args.find((arg) => typeof arg === 'function') as ((error?: unknown) => void) | undefined;
}

/** Gives the callback of a `write()` or `end()` that comes to nothing its error. */
function tell(args: Arguments, error: unknown): false {
  const callback = callbackOf(args);
  if (callback !== undefined) process.nextTick(callback, error);
  return false;
}

function writeAfterEnd(): Error {
  return Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' });
}

function sameCookie(name: string): OptionsError {
  return new OptionsError(
    `two sessions of one request have a cookie named ${JSON.stringify(name)}: ` +
      'give one of them another name with the option name',
  );
}
