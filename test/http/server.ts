import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** Serves until the test is over; returns the address. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
  readonly setCookie: string[];
  /** What a browser would send with the next request. */
  readonly cookie: string | undefined;
}

export async function get(url: string, cookie?: string): Promise<Answer> {
  const response = await fetch(url, cookie ? { headers: { cookie } } : {});
  const setCookie = response.headers.getSetCookie();
  return {
    status: response.status,
    body: await response.text(),
    headers: response.headers,
    setCookie,
    cookie: setCookie.at(-1)?.split(';')[0],
  };
}
