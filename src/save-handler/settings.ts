/**
 * What every kind of save handler is told: lifetimes, lock patience, how ids are made.
 * Names and units are those of php.ini.
 */
import { OptionsError } from '../errors.ts';
import type { SessionIdOptions } from './session-id.ts';

/** A warning for the operator: a stable code and a sentence, never a session value. */
export type WarningListener = (code: `PSB_${string}`, message: string) => void;

export interface SaveHandlerOptions extends SessionIdOptions {
  /**
   * `session.gc_maxlifetime`: the TTL of a session in seconds. Default 1440, as in PHP; but where
   * it is not given, a longer TTL that is already on a session is never lowered.
   */
  readonly gcMaxlifetime?: number | undefined;
  /** `redis.session.lock_expire`: seconds until a lock that nobody released dies. 0 means 30. */
  readonly lockExpire?: number | undefined;
  /** `redis.session.lock_retries`: further attempts for a busy lock. Default 100; -1 is endless. */
  readonly lockRetries?: number | undefined;
  /** `redis.session.lock_wait_time`: microseconds between two attempts. Default 20000. */
  readonly lockWaitTime?: number | undefined;
  /**
   * Seconds for which a destroyed id is remembered as revoked, so that a PHP request that was in
   * flight during the logout cannot bring the session back to life for the bridge. Default 0: off.
   */
  readonly revokedTtl?: number | undefined;
  /** Receives warnings instead of `process.emitWarning`. */
  readonly onWarning?: WarningListener | undefined;
}

export interface SaveHandlerSettings {
  readonly lifetime: Lifetime;
  readonly locking: LockSettings;
  readonly sid: SessionIdOptions;
  readonly revokedTtl: number;
  readonly warn: WarningListener;
}

export interface Lifetime {
  /** Milliseconds, as Redis takes them. */
  readonly ttl: number;
  /** Nobody told us PHP's lifetime: a longer TTL is somebody's wish and stays. */
  readonly keepsLonger: boolean;
}

export interface LockSettings {
  /** Milliseconds; a lock always has an expiry. */
  readonly expire: number;
  /** Attempts after the first one; -1 is endless. */
  readonly retries: number;
  /** Milliseconds between two attempts. */
  readonly wait: number;
}

/** @throws OptionsError `ERR_PSB_OPTIONS` for numbers that make no sense */
export function resolveSaveHandlerSettings(options: SaveHandlerOptions): SaveHandlerSettings {
  return {
    lifetime: {
      ttl: lifetimeSeconds(options.gcMaxlifetime) * 1000,
      keepsLonger: options.gcMaxlifetime === undefined,
    },
    locking: {
      expire: (number(options, 'lockExpire', 0, 0) || 30) * 1000,
      // phpredis reads 0 as "the default" for both of these.
      retries: number(options, 'lockRetries', 100, -1) || 100,
      wait: (number(options, 'lockWaitTime', 20_000, 0) || 20_000) / 1000,
    },
    sid: { sidLength: options.sidLength, sidBitsPerCharacter: options.sidBitsPerCharacter },
    revokedTtl: number(options, 'revokedTtl', 0, 0) * 1000,
    warn: options.onWarning ?? emitWarning,
  };
}

/** phpredis: a lifetime of 0 or less becomes 1440, one beyond 31 bits is cut. */
function lifetimeSeconds(seconds = 1440): number {
  if (!Number.isFinite(seconds))
    throw new OptionsError('gcMaxlifetime must be a number of seconds');
  return seconds <= 0 ? 1440 : Math.min(Math.trunc(seconds), 2_147_483_647);
}

function number(
  options: SaveHandlerOptions,
  name: 'lockExpire' | 'lockRetries' | 'lockWaitTime' | 'revokedTtl',
  fallback: number,
  least: number,
): number {
  const value = options[name] ?? fallback;
  if (!Number.isFinite(value) || value < least) {
    throw new OptionsError(`${name} must be a number of at least ${least}`);
  }
  return value;
}

export const emitWarning: WarningListener = (code, message) => {
  process.emitWarning(message, { type: 'PhpSessionBridgeWarning', code });
};
