import type { IncomingMessage } from 'node:http';

/** The demo's forms are a few words long. */
const MOST_BYTES = 10_000;

/** An `application/x-www-form-urlencoded` body, as PHP's `$_POST`. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MOST_BYTES) throw Object.assign(new Error('form too large'), { status: 413 });
    chunks.push(chunk as Buffer);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
