/**
 * What of a manager's options the web floors see. By name, so that nothing secret comes along.
 */
import type { SessionOptions, SessionSettings } from '../session/options.ts';
import type { WebOptions } from '../session/session-module.ts';

/** Complete: the compiler asks for every name there is. */
const NAMES: Readonly<Record<keyof WebOptions, true>> = {
  name: true,
  cookieLifetime: true,
  cookiePath: true,
  cookieDomain: true,
  cookieSecure: true,
  cookieHttponly: true,
  cookieSamesite: true,
  partitioned: true,
  cacheLimiter: true,
  cacheExpire: true,
  rolling: true,
  onLost: true,
  onWarning: true,
  concurrency: true,
  refresh: true,
  refreshAt: true,
};

/** `onLost` comes as the session floor calls it: what it throws harms nobody. */
export function webOptionsOf(options: SessionOptions, settings: SessionSettings): WebOptions {
  const given = Object.entries(options).filter(([name]) => Object.hasOwn(NAMES, name));
  return { ...(Object.fromEntries(given) as WebOptions), onLost: settings.onLost };
}
