/** What a browser keeps for one host: enough for the tests, without domains and paths. */
export interface CookieJar {
  /** The `Cookie` header to send, an empty string if there is none. */
  header(): string;
  /** Takes over the `Set-Cookie` headers of an answer; an expired one removes the cookie. */
  take(setCookies: readonly string[]): void;
  /** The raw value, percent-encoded as the server sent it. */
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  clear(): void;
}

/**
 * A cookie jar that `phpRequest` and `fetchWith` fill and send.
 *
 * @example
 * const jar = cookieJar();
 * await phpRequest(pool, 'login.php', { jar });
 * jar.get('PHPSESSID');
 */
export function cookieJar(): CookieJar {
  const cookies = new Map<string, string>();
  return {
    header: () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    take(setCookies) {
      for (const text of setCookies) {
        const [pair = '', ...attributes] = text.split(';');
        const at = pair.indexOf('=');
        const name = pair.slice(0, at).trim();
        if (isExpired(attributes)) cookies.delete(name);
        else cookies.set(name, pair.slice(at + 1).trim());
      }
    },
    get: (name) => cookies.get(name),
    set: (name, value) => void cookies.set(name, value),
    clear: () => cookies.clear(),
  };
}

function isExpired(attributes: readonly string[]): boolean {
  for (const attribute of attributes) {
    const [name = '', value = ''] = attribute.split('=').map((part) => part.trim());
    if (name.toLowerCase() === 'max-age') return Number(value) <= 0;
  }
  for (const attribute of attributes) {
    const [name = '', value = ''] = attribute.split('=').map((part) => part.trim());
    // PHP 7 and 8.2 write dates with hyphens, which Date.parse reads as well.
    if (name.toLowerCase() === 'expires') return Date.parse(value) <= Date.now();
  }
  return false;
}

/** `fetch` with a jar: sends its cookies, keeps the new ones, follows no redirect. */
export async function fetchWith(
  jar: CookieJar,
  url: string | URL,
  init: RequestInit = {},
): Promise<Response> {
  const headers = new Headers(init.headers);
  const cookie = jar.header();
  if (cookie !== '') headers.set('cookie', cookie);
  const response = await fetch(url, { redirect: 'manual', ...init, headers });
  jar.take(response.headers.getSetCookie());
  return response;
}
