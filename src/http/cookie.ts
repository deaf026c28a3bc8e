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
  readonly partitioned: boolean;
  /** Is the cookie secure in answer to a request that is, or is not? */
  readonly isSecure: (secureRequest: boolean) => boolean;
  /** What follows the value and the expiry, ready to append; `secure` stands within it. */
  readonly attributes: (secure: boolean) => string;
}

/** @throws OptionsError `ERR_PSB_OPTIONS` for what PHP or a browser would refuse */
export function resolveCookieSettings(options: CookieOptions): CookieSettings {
  const { name = 'PHPSESSID', cookieLifetime: lifetime = 0, cookiePath: path = '/' } = options;
  const { cookieDomain: domain = '', cookieSecure: secure = 'auto' } = options;
  const { cookieHttponly: httponly = true, cookieSamesite: samesite = 'Lax' } = options;
  const { partitioned = false } = options;

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
  if (/^__Host-/i.test(name) && (path !== '/' || domain !== '')) {
    throw new OptionsError('a cookie named __Host-… must have the path / and no domain');
  }
  const reason = secureFor(name, samesite, partitioned);
  if (reason !== undefined && secure === false) {
    throw new OptionsError(`browsers drop a cookie ${reason} that is not secure`);
  }

  // The order and the spelling of PHP's setcookie(); Partitioned as PHP 8.5 has it, at the end.
  const before = (path && `; path=${path}`) + (domain && `; domain=${domain}`);
  const after =
    (httponly ? '; HttpOnly' : '') +
    (samesite && `; SameSite=${samesite}`) +
    (partitioned ? '; Partitioned' : '');
  const always = secure === true || reason !== undefined;
  const isSecure = (secureRequest: boolean) => always || (secure === 'auto' && secureRequest);
  return {
    name,
    lifetime,
    partitioned,
    isSecure,
    attributes: (secureRequest) => before + (isSecure(secureRequest) ? '; secure' : '') + after,
  };
}

/** What it is about a cookie that makes browsers drop it unless it is secure, if anything. */
function secureFor(name: string, samesite: string, partitioned: boolean): string | undefined {
  if (/^__Secure-/i.test(name)) return 'named __Secure-…';
  if (/^__Host-/i.test(name)) return 'named __Host-…';
  if (samesite === 'None') return "with cookieSamesite 'None'";
  return partitioned ? 'that is partitioned' : undefined;
}

/**
 * The session id that a cookie's value names, if it can be one. Everything else is no session, and
 * no store is ever asked for it. (With a NUL byte in it, too: `session_id()` shows what stands
 * before, but phpredis's key has all of it.)
 */
export function sessionIdOf(value: string | undefined): string | undefined {
  return isSessionId(value) ? value : undefined;
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
