/**
 * The headers of PHP's `session.cache_limiter`, which keep a page made for one user out of shared
 * caches. Off by default: an application usually says itself what may be cached.
 */
import { OptionsError } from '../errors.ts';
import type { CookieOptions } from '../session/cookie-options.ts';

/** Header names and values, as they stand at the moment of the call. */
export type CacheLimiter = () => Readonly<Record<string, string>>;

const NONE = Object.freeze({});
/** PHP's own past: the birthday of its session module's author. */
const PAST = 'Thu, 19 Nov 1981 08:52:00 GMT';

/** A response that hands out a session id is for one person, and not even for that one's cache. */
export const FOR_ONE: Readonly<Record<string, string>> = Object.freeze({
  'Cache-Control': 'private, no-store',
});

/** @throws OptionsError `ERR_PSB_OPTIONS` for a limiter that PHP does not have */
export function createCacheLimiter(options: CookieOptions): CacheLimiter {
  const { cacheLimiter = '', cacheExpire = 180 } = options;
  const seconds = cacheExpire * 60;
  if (!Number.isFinite(seconds) || seconds < 0) {
    throw new OptionsError('cacheExpire must be a number of minutes, 0 or more');
  }
  switch (cacheLimiter) {
    case '':
      return () => NONE;
    case 'nocache':
      return constant({
        Expires: PAST,
        'Cache-Control': 'no-store, no-cache, must-revalidate',
        Pragma: 'no-cache',
      });
    case 'private':
      return constant({ Expires: PAST, 'Cache-Control': `private, max-age=${seconds}` });
    case 'private_no_expire':
      return constant({ 'Cache-Control': `private, max-age=${seconds}` });
    case 'public':
      return () => ({
        Expires: new Date(Date.now() + seconds * 1000).toUTCString(),
        'Cache-Control': `public, max-age=${seconds}`,
      });
    default:
      throw new OptionsError(
        "cacheLimiter must be 'nocache', 'private', 'private_no_expire', 'public' or ''",
      );
  }
}

function constant(headers: Record<string, string>): CacheLimiter {
  const frozen = Object.freeze(headers);
  return () => frozen;
}
