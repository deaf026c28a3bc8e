/**
 * The session cookie in PHP's way: how PHP reads it from a request and how it writes it.
 */
import { OptionsError } from '../errors.ts';
import { isSessionId } from '../save-handler/session-id.ts';
import type { CookieOptions } from '../session/cookie-options.ts';

/** Cookie options that were checked and completed once, at start. */
export interface CookieSettings {
  readonly name: string;
  readonly lifetime: number;
  /** What follows the value and the expiry, ready to append; `secure` stands within it. */
  readonly attributes: (secure: boolean) => string;
}

/** @throws OptionsError `ERR_PSB_OPTIONS` for what PHP or a browser would refuse */
export function resolveCookieSettings(options: CookieOptions): CookieSettings {
  const { name = 'PHPSESSID', cookieLifetime: lifetime = 0, cookiePath: path = '/' } = options;
  const { cookieDomain: domain = '', cookieSecure: secure = 'auto' } = options;
  const { cookieHttponly: httponly = true, cookieSamesite: samesite = 'Lax' } = options;

  // PHP: session_name() refuses a number, and these characters never come back in a cookie's name.
  if (name === '' || /^\d+$/.test(name) || /[=,;.[\s\0]/.test(name)) {
    throw new OptionsError(`name ${JSON.stringify(name)} cannot be the name of a PHP session`);
  }
  if (!Number.isSafeInteger(lifetime) || lifetime < 0) {
    throw new OptionsError('cookieLifetime must be a whole number of seconds, 0 or more');
  }
  for (const [option, text] of [
    ['cookiePath', path],
    ['cookieDomain', domain],
  ] as const) {
    if (/[,;\s\0]/.test(text)) {
      throw new OptionsError(`${option} must not contain a comma, a semicolon or white space`);
    }
  }
  if (!['Lax', 'Strict', 'None', ''].includes(samesite)) {
    throw new OptionsError("cookieSamesite must be 'Lax', 'Strict', 'None' or ''");
  }
  if (samesite === 'None' && secure === false) {
    throw new OptionsError("browsers drop a cookie with cookieSamesite 'None' that is not secure");
  }
  if (/^__Secure-/i.test(name) && secure === false) {
    throw new OptionsError('browsers drop a cookie named __Secure-… that is not secure');
  }
  if (/^__Host-/i.test(name) && (secure === false || path !== '/' || domain !== '')) {
    throw new OptionsError('a cookie named __Host-… must be secure, with path / and no domain');
  }

  // The order and the spelling of PHP's setcookie().
  const before = (path && `; path=${path}`) + (domain && `; domain=${domain}`);
  const after = (httponly ? '; HttpOnly' : '') + (samesite && `; SameSite=${samesite}`);
  return {
    name,
    lifetime,
    attributes: (secureRequest) => {
      const isSecure = secure === 'auto' ? secureRequest : secure;
      return before + (isSecure ? '; secure' : '') + after;
    },
  };
}

/**
 * The value of a cookie as PHP finds it in `$_COOKIE`: the first of several wins, nothing is
 * trimmed behind the value, `%2C` is decoded, `+` stays `+`, a stray `%` stays as it is.
 *
 * @param header the request's `Cookie` header
 * @returns `undefined` if the client sent no such cookie
 */
export function readCookie(header: string | null | undefined, name: string): string | undefined {
  if (!header) return undefined;
  for (let start = 0; start < header.length; ) {
    let end = header.indexOf(';', start);
    if (end === -1) end = header.length;
    while (start < end && /\s/.test(header[start]!)) start += 1;
    if (header.startsWith(name, start)) {
      const behind = start + name.length;
      if (behind === end) return '';
      if (header[behind] === '=') return rawUrlDecode(header.slice(behind + 1, end));
    }
    start = end + 1;
  }
  return undefined;
}

/**
 * The session id that a cookie's value names, if it can be one. PHP cuts a session id at a NUL
 * byte; everything else that is no id is no session, and no store is ever asked for it.
 */
export function sessionIdOf(value: string | undefined): string | undefined {
  if (!value) return undefined;
  const nul = value.indexOf('\0');
  const id = nul === -1 ? value : value.slice(0, nul);
  return isSessionId(id) ? id : undefined;
}

/** The Set-Cookie that hands a session id to the client. */
export function formatCookie(settings: CookieSettings, id: string, secure: boolean): string {
  let text = `${settings.name}=${encodeURIComponent(id)}`;
  if (settings.lifetime > 0) {
    const expires = new Date(Date.now() + settings.lifetime * 1000).toUTCString();
    text += `; expires=${expires}; Max-Age=${settings.lifetime}`;
  }
  return text + settings.attributes(secure);
}

/** The Set-Cookie that takes it away again: what PHP's `setcookie($name, '')` sends. */
export function formatCookieDeletion(settings: CookieSettings, secure: boolean): string {
  const past = 'expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0';
  return `${settings.name}=deleted; ${past}${settings.attributes(secure)}`;
}

/** PHP's rawurldecode() for the bytes that an id can have; others make no id anyway. */
function rawUrlDecode(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
