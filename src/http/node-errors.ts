/**
 * What Node's responses throw at their caller, thrown for them while a response is held back. The
 * errors are Node's own: a spent response is asked to do what it refuses.
 */
import { IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { types } from 'node:util';

/** Or is it the response of HTTP/2's compatibility API? */
export function isHttp1(response: ServerResponse): boolean {
  return !('stream' in (Object.getPrototypeOf(response) as object));
}

/** @throws what `write()` says to such a chunk */
export function assertChunk(chunk: unknown): void {
  if (typeof chunk === 'string' || types.isUint8Array(chunk)) return;
  new OutgoingMessage().write(chunk);
}

/** @throws `ERR_UNKNOWN_ENCODING` */
export function assertEncoding(chunk: unknown, encoding: unknown): void {
  if (typeof chunk !== 'string' || typeof encoding !== 'string') return;
  if (encoding === '' || encoding === 'buffer' || Buffer.isEncoding(encoding)) return;
  Buffer.from('x', encoding as BufferEncoding);
}

/** What a reason phrase must not contain. */
const INVALID_CHAR = /[^\t\x20-\x7e\x80-\xff]/;

/** @throws what the response would say if its head went out with this status */
export function assertStatus(response: ServerResponse, status: unknown, message: unknown): void {
  const code = Number(status) | 0;
  if (!isHttp1(response)) {
    if (code >= 200 && code <= 599) return;
    throw Object.assign(new RangeError(`Invalid status code: ${code}`), {
      code: 'ERR_HTTP2_STATUS_INVALID',
    });
  }
  if (code >= 100 && code <= 999 && !(message && INVALID_CHAR.test(String(message)))) return;
  const scapegoat = new ServerResponse(new IncomingMessage(new Socket()));
  scapegoat.writeHead(status as number, message ? String(message) : undefined);
}

/** @throws `ERR_HTTP_HEADERS_SENT` or HTTP/2's counterpart, for a header that comes too late */
export function refuseLate(
  response: ServerResponse,
  method: 'setHeader' | 'appendHeader' | 'removeHeader' | 'writeHead',
): never {
  if (isHttp1(response)) {
    const spent = new ServerResponse(new IncomingMessage(new Socket()));
    spent.writeHead(200);
    if (method === 'writeHead') spent.writeHead(200);
    else if (method === 'removeHeader') spent.removeHeader('x');
    else spent[method]('x', 'x');
  }
  throw Object.assign(new Error('Response has already been initiated.'), {
    code: 'ERR_HTTP2_HEADERS_SENT',
  });
}
