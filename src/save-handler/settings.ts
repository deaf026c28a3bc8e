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
   * it is not given, a longer TTL that is already on a session is never lowered. If it is given the
   * TTL is set to it, as PHP does, and the first longer one that is cut is told (`PSB_TTL_SHORTENED`).
   */
  readonly gcMaxlifetime?: number | undefined;
  /**
   * A longer TTL that is already on a session stays, also where `gcMaxlifetime` is given: PHP sets
   * one for "remember me", say. Default: only where `gcMaxlifetime` is not given.
   */
  readonly keepLongerTtl?: boolean | undefined;
  /** `redis.session.lock_expire`: seconds until a lock that nobody released dies. 0 means 30. */
  readonly lockExpire?: number | undefined;
  /** `redis.session.lock_retries`: further attempts for a busy lock. Default 100; -1 is endless. */
  readonly lockRetries?: number | undefined;
  /** `redis.session.lock_wait_time`: microseconds between two attempts. Default 20000. */
  readonly lockWaitTime?: number | undefined;
  /**
   * Seconds for which a destroyed id is remembered as revoked, so that a PHP request that was in
   * flight during the logout cannot bring the session back to life for the bridge. Default 0: off.
   * At least `gcMaxlifetime`, else what PHP brought back may outlive it (`PSB_REVOKED_TTL`).
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
  /** A longer TTL is somebody's wish and stays: by option, or since nobody told us PHP's lifetime. */
  readonly keepsLonger: boolean;
  /** Nobody told us PHP's lifetime. */
  readonly assumed: boolean;
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
      keepsLonger: options.keepLongerTtl ?? options.gcMaxlifetime === undefined,
      assumed: options.gcMaxlifetime === undefined,
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

/** For the save handlers, once: PHP may keep alive what they forget to be dead. */
export function warnOfBriefRevocation({ revokedTtl, lifetime, warn }: SaveHandlerSettings): void {
  if (revokedTtl === 0 || revokedTtl >= lifetime.ttl) return;
  warn(
    'PSB_REVOKED_TTL',
    `revokedTtl (${revokedTtl / 1000} s) is shorter than gcMaxlifetime (${lifetime.ttl / 1000} s): ` +
      'a session that a PHP request brings back after its logout can outlive the memory of the logout.',
  );
}

/** A TTL that was found, against the one that is set: told once for each save handler. */
export class TtlWatch {
  readonly #settings: SaveHandlerSettings;
  #told = false;

  constructor(settings: SaveHandlerSettings) {
    this.#settings = settings;
  }

  /** @param left milliseconds that a session had before it was refreshed or written */
  notice(left: number): void {
    const { lifetime, warn } = this.#settings;
    // A clock that is a little off is no other lifetime.
    if (this.#told || left <= lifetime.ttl + 1000) return;
    this.#told = true;
    const [had, ours] = [Math.round(left / 1000), lifetime.ttl / 1000];
    if (lifetime.keepsLonger) {
      // Where both options are given it is what was asked for.
      if (!lifetime.assumed) return;
      warn(
        'PSB_TTL_LONGER',
        `a session has a TTL of ${had} s, longer than the assumed ${ours} s; it is kept. ` +
          "Set gcMaxlifetime (or phpIni) to PHP's value.",
      );
    } else {
      warn(
        'PSB_TTL_SHORTENED',
        `a session had a TTL of ${had} s, which gcMaxlifetime cut to ${ours} s. ` +
          "Is that PHP's session.gc_maxlifetime? keepLongerTtl: true keeps longer ones.",
      );
    }
  }
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
