/**
 * What `writeHead()` said while the response is held back: checked and applied at the call, as Node
 * does it, and undone where it turns out that the response will be another one.
 */
import type { ServerResponse } from 'node:http';
import { assertStatus, isHttp1 } from './node-errors.ts';

type HeaderValue = ReturnType<ServerResponse['getHeader']>;

/** The status line as it stands at one moment; later assignments do not change it any more. */
export class StatusLine {
  readonly #code: number;
  /** HTTP/2 has none, and warns if it is asked. */
  readonly #message: string | undefined;

  constructor(response: ServerResponse) {
    this.#code = response.statusCode;
    this.#message = isHttp1(response) ? response.statusMessage : undefined;
  }

  /** @throws what Node throws when a head with this status goes out */
  check(response: ServerResponse): void {
    assertStatus(response, this.#code, this.#message);
  }

  restore(response: ServerResponse): void {
    response.statusCode = this.#code;
    if (isHttp1(response)) response.statusMessage = this.#message as string;
  }
}

export class HeldHead {
  readonly #before: StatusLine;
  readonly #line: StatusLine;
  readonly #replaced: ReadonlyMap<string, HeaderValue>;

  /**
   * @param args those of `writeHead()`
   * @throws what `writeHead()` throws
   */
  constructor(response: ServerResponse, args: readonly unknown[]) {
    const { status, message, headers } = headOf(args);
    this.#before = new StatusLine(response);
    assertStatus(response, status, message ?? statusMessageOf(response));
    this.#replaced = applyHeaders(response, headers);
    response.statusCode = Number(status) | 0;
    if (message !== undefined && isHttp1(response)) response.statusMessage = message;
    this.#line = new StatusLine(response);
  }

  /** For the moment when the head goes out: the status line as `writeHead()` put it. */
  restore(response: ServerResponse): void {
    this.#line.restore(response);
  }

  /** The response will be another one: everything as it was before. */
  undo(response: ServerResponse): void {
    this.#before.restore(response);
    putBack(response, this.#replaced);
  }
}

function statusMessageOf(response: ServerResponse): string | undefined {
  return isHttp1(response) ? response.statusMessage : undefined;
}

/** The arguments of `writeHead()`, told apart. */
export function headOf(args: readonly unknown[]): {
  readonly status: unknown;
  readonly message: string | undefined;
  readonly headers: unknown;
} {
  const [status, second, third] = args;
  return typeof second === 'string'
    ? { status, message: second, headers: third }
    : { status, message: undefined, headers: third ?? second };
}

/**
 * Sets the headers that `writeHead()` got, in any of the forms that it takes. In an array a name
 * may come several times.
 *
 * @returns what stood there before
 * @throws what the response's own methods throw; headers that were the first ones are gone then
 */
export function applyHeaders(
  response: ServerResponse,
  headers: unknown,
): ReadonlyMap<string, HeaderValue> {
  const replaced = new Map<string, HeaderValue>();
  if (typeof headers !== 'object' || headers === null) return replaced;
  const areFirst = response.getHeaderNames().length === 0;
  try {
    for (const [name, value] of pairsOf(headers)) {
      // Node skips them where there are others, and refuses them where there are none.
      if (!name && !areFirst) continue;
      const key = String(name).toLowerCase();
      if (replaced.has(key)) response.appendHeader(name, value);
      else {
        const before = response.getHeader(key);
        response.setHeader(name, value);
        replaced.set(key, before);
      }
    }
  } catch (error) {
    if (areFirst) putBack(response, replaced);
    throw error;
  }
  return replaced;
}

function putBack(response: ServerResponse, replaced: ReadonlyMap<string, HeaderValue>): void {
  for (const [name, value] of replaced) {
    if (value !== undefined) response.setHeader(name, value);
    else if (response.hasHeader(name)) response.removeHeader(name);
  }
}

function pairsOf(headers: object): [name: string, value: string][] {
  if (!Array.isArray(headers)) return Object.entries(headers);
  if (Array.isArray(headers[0])) return headers.map(([name, value]) => [name, value]);
  if (headers.length % 2 !== 0) {
    throw Object.assign(new TypeError("The argument 'headers' is invalid"), {
      code: 'ERR_INVALID_ARG_VALUE',
    });
  }
  return Array.from({ length: headers.length / 2 }, (_, at) => [
    headers[at * 2],
    headers[at * 2 + 1],
  ]);
}
