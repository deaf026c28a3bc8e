/**
 * The web side of a manager's options, checked and completed once per manager.
 */
import { emitWarning, type WarningListener } from '../save-handler/settings.ts';
import type { SessionOptions } from '../session/options.ts';
import type { SessionModule } from '../session/session-module.ts';
import { type CacheLimiter, createCacheLimiter } from './cache-limiter.ts';
import { type CookieSettings, resolveCookieSettings } from './cookie.ts';

export interface WebSettings {
  readonly cookie: CookieSettings;
  /** Seconds; 0 for a cookie that ends with the browser. */
  readonly lifetime: number;
  /** Is a cookie with a lifetime sent with every response? */
  readonly rolling: boolean;
  readonly cacheLimiter: CacheLimiter;
  readonly onLost: SessionOptions['onLost'];
  /** Warns, once, of changes that were dropped since the session's lock was busy. */
  readonly warnLockBusy: (message: string) => void;
  /** For failures that no caller is there to catch. */
  readonly reportFailure: (error: unknown) => void;
  /** Warns, once, of a response that sets the session cookie and may be kept for everybody. */
  readonly warnIfPublic: (cacheControl: unknown) => void;
}

const known = new WeakMap<SessionModule, WebSettings>();

/** @throws OptionsError `ERR_PSB_OPTIONS` */
export function webSettingsOf(sessions: SessionModule): WebSettings {
  let settings = known.get(sessions);
  if (!settings) {
    const options = sessions.webOptions;
    const warn = options.onWarning ?? emitWarning;
    const cookie = resolveCookieSettings(options);
    settings = {
      cookie,
      lifetime: cookie.lifetime,
      rolling: options.rolling ?? false,
      cacheLimiter: createCacheLimiter(options),
      onLost: options.onLost,
      warnLockBusy: lockBusyWarning(warn),
      reportFailure: (error) => warn('PSB_COMMIT_FAILED', describe(error)),
      warnIfPublic: publicCookieWarning(warn),
    };
    known.set(sessions, settings);
  }
  return settings;
}

function describe(error: unknown): string {
  return `a session could not be stored: ${error instanceof Error ? error.message : String(error)}`;
}

function lockBusyWarning(warn: WarningListener): (message: string) => void {
  let warned = false;
  return (message) => {
    if (warned) return;
    warned = true;
    warn('PSB_LOCK_BUSY', `${message}. onLost is told of each one.`);
  };
}

function publicCookieWarning(warn: WarningListener): (cacheControl: unknown) => void {
  let warned = false;
  return (cacheControl) => {
    if (warned || !/\bpublic\b|\bs-maxage\b/i.test(String(cacheControl ?? ''))) return;
    warned = true;
    warn(
      'PSB_PUBLIC_COOKIE',
      'a response that sets the session cookie says Cache-Control: public or s-maxage: a cache ' +
        'that keeps it hands one visitor the session of another. Say private, or nothing, there.',
    );
  };
}
