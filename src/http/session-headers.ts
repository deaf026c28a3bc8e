import type { ServerResponse } from 'node:http';
import type { RequestSession } from './request-session.ts';
import { addSetCookies } from './set-cookie.ts';

/** Puts onto a response what it owes to the session; what the application said itself stays. */
export function addSessionHeaders(response: ServerResponse, request: RequestSession): void {
  const { setCookie, headers } = request.response();
  for (const name of Object.keys(headers)) {
    // What the application says about caching is more precise.
    if (!response.hasHeader(name)) response.setHeader(name, headers[name] as string);
  }
  if (setCookie.length === 0) return;
  addSetCookies(response, setCookie);
  request.warnIfPublic(response.getHeader('Cache-Control'));
}
