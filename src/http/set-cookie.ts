import type { ServerResponse } from 'node:http';

/** The Set-Cookie headers that a response has so far. */
export function setCookiesOf(response: ServerResponse): string[] {
  return [response.getHeader('Set-Cookie') ?? []].flat().map(String);
}

/** Adds those that it does not have yet; the application's own stay. */
export function addSetCookies(response: ServerResponse, texts: readonly string[]): void {
  if (texts.length === 0) return;
  const present = setCookiesOf(response);
  const missing = texts.filter((text) => !present.includes(text));
  if (missing.length > 0) response.setHeader('Set-Cookie', [...present, ...missing]);
}
