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
  /**
   * `session.cookie_secure`. Default `'auto'`: on a secure request. (PHP's default is off.) Where
   * browsers drop a cookie that is not secure (a name that begins with `__Host-` or `__Secure-`,
   * `cookieSamesite: 'None'`, `partitioned`) it always is.
   */
  readonly cookieSecure?: boolean | 'auto' | undefined;
  /** `session.cookie_httponly`. Default `true`. (PHP's default is off.) */
  readonly cookieHttponly?: boolean | undefined;
  /** `session.cookie_samesite`. Default `'Lax'`; `''`, PHP's default, leaves it out. */
  readonly cookieSamesite?: 'Lax' | 'Strict' | 'None' | '' | undefined;
  /**
   * `session.cookie_partitioned` of PHP 8.5 (CHIPS): the browser keeps the cookie apart for each
   * site in which the page is embedded. Only where PHP's cookie is partitioned, too: a browser
   * holds the two kinds for two cookies. Default `false`.
   */
  readonly partitioned?: boolean | undefined;
  /**
   * `session.cache_limiter`. Default `''`: no headers, except that a response which sets the
   * session cookie is `Cache-Control: private, no-store` unless the application said something
   * else. (PHP's default is `'nocache'`.)
   */
  readonly cacheLimiter?: 'nocache' | 'private' | 'private_no_expire' | 'public' | '' | undefined;
  /** `session.cache_expire` in minutes. Default 180. */
  readonly cacheExpire?: number | undefined;
  /**
   * Sends a cookie with a lifetime again with every response that has a session, so that it slides
   * along with the session's TTL. Default `false`, as in PHP.
   */
  readonly rolling?: boolean | undefined;
}
