/**
 * The settings of PHP's session module that only matter where there is a web request. The session
 * floor carries them; the http floor checks and uses them.
 */

/** The `session.cookie_*` and `session.cache_*` settings of php.ini. */
export interface CookieOptions {
  /** `session.name`. Default `PHPSESSID`. */
  readonly name?: string | undefined;
  /** `session.cookie_lifetime` in seconds; 0, the default: until the browser is closed. */
  readonly cookieLifetime?: number | undefined;
  /** `session.cookie_path`. Default `/`. */
  readonly cookiePath?: string | undefined;
  /** `session.cookie_domain`. Default none: the host itself. */
  readonly cookieDomain?: string | undefined;
  /** `session.cookie_secure`. Default `'auto'`: on a secure request. (PHP's default is off.) */
  readonly cookieSecure?: boolean | 'auto' | undefined;
  /** `session.cookie_httponly`. Default `true`. (PHP's default is off.) */
  readonly cookieHttponly?: boolean | undefined;
  /** `session.cookie_samesite`. Default `'Lax'`; `''`, PHP's default, leaves it out. */
  readonly cookieSamesite?: 'Lax' | 'Strict' | 'None' | '' | undefined;
  /** `session.cache_limiter`. Default `''`: no headers. (PHP's default is `'nocache'`.) */
  readonly cacheLimiter?: 'nocache' | 'private' | 'private_no_expire' | 'public' | '' | undefined;
  /** `session.cache_expire` in minutes. Default 180. */
  readonly cacheExpire?: number | undefined;
  /**
   * Sends a cookie with a lifetime again with every response that has a session, so that it slides
   * along with the session's TTL. Default `false`, as in PHP.
   */
  readonly rolling?: boolean | undefined;
}
