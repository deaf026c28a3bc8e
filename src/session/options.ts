/**
 * The options of the session floor, under their php.ini names where PHP has them.
 */
import type { SessionHandlerName } from '../codec/session.ts';
import { type BridgeError, OptionsError } from '../errors.ts';
import type { SaveHandler } from '../save-handler/save-handler.ts';
import { emitWarning, type LockSettings, type WarningListener } from '../save-handler/settings.ts';
import type { CommitResult } from './commit-result.ts';
import type { CookieOptions } from './cookie-options.ts';
import type { OnConflict } from './merge.ts';
import type { SessionVariables } from './session-variables.ts';

/** A session as listeners see it. */
export interface ObservedSession {
  readonly id: string;
  readonly requestedId: string | undefined;
  readonly variables: SessionVariables;
}

export interface SessionOptions extends CookieOptions {
  /** `session.serialize_handler`. Default `php`. */
  readonly serializeHandler?: SessionHandlerName | undefined;
  /** `serialize_precision`: how floats are written. Default -1, shortest. */
  readonly serializePrecision?: number | undefined;
  /**
   * `session.use_strict_mode`: an id that the store does not know is replaced by a new one. PHP's
   * own default is off, which lets anyone choose another one's session id; here it is on.
   */
  readonly useStrictMode?: boolean | undefined;
  /** `session.lazy_write`: an unchanged session is not written again. Default true. */
  readonly lazyWrite?: boolean | undefined;
  /**
   * What happens when somebody else wrote meanwhile. `merge` (default): a three-way merge.
   * `lock`: phpredis's lock is held from open to commit. `overwrite`: the last one wins, as in
   * phpredis without locks.
   */
  readonly concurrency?: 'merge' | 'lock' | 'overwrite' | undefined;
  /**
   * When the lock stays busy beyond the patience: `error` (default) rejects; `readonly` opens the
   * session read-only, as phpredis does with `redis.session.lock_failure_readonly`.
   */
  readonly onLockFailure?: 'error' | 'readonly' | undefined;
  /**
   * Names of session variables that say whose session it is, `['userid']` say. If one of them
   * differs between the session that was read and the one that is stored at the time of writing,
   * another user has logged in under this id: nothing is merged, nothing is written.
   */
  readonly identity?: readonly string[] | undefined;
  /**
   * When the TTL is refreshed: by every request, only by those that use the session, or never by
   * reading. Default `always`, as in PHP.
   */
  readonly refresh?: 'always' | 'used' | false | undefined;
  /** `open` (default): together with the read. `commit`: at the end of the request, as in PHP. */
  readonly refreshAt?: 'open' | 'commit' | undefined;
  /**
   * Bytes, uncompressed: a write that would make a session larger is refused with
   * `ERR_PSB_SESSION_TOO_LARGE`, unless it is no larger than what was read. Default 16 MiB.
   */
  readonly maxBytes?: number | undefined;
  /** Milliseconds that `close()` waits for open sessions. Default 10000. */
  readonly closeTimeout?: number | undefined;
  /** Asked when both sides changed the same leaf. Default: ours stands. */
  readonly onConflict?: OnConflict | undefined;
  /** Told after every successful commit; `destroy()` and `abort()` end a session without one. */
  readonly onCommit?: ((result: CommitResult, session: ObservedSession) => void) | undefined;
  /**
   * Told when a commit could not be written since the session is gone, was replaced, or its lock
   * could not be had (`onLockFailure: 'readonly'`); the response goes out all the same.
   */
  readonly onLost?: ((error: BridgeError, session: ObservedSession) => void) | undefined;
  /** Receives warnings instead of `process.emitWarning`. */
  readonly onWarning?: WarningListener | undefined;
}

export interface SessionSettings {
  readonly saveHandler: SaveHandler;
  /** Patience and expiry of locks, for the waiting that the session floor does itself. */
  readonly locking: LockSettings;
  readonly handler: SessionHandlerName;
  readonly serializePrecision: number;
  readonly useStrictMode: boolean;
  readonly lazyWrite: boolean;
  readonly concurrency: 'merge' | 'lock' | 'overwrite';
  readonly onLockFailure: 'error' | 'readonly';
  readonly identity: readonly string[];
  readonly refresh: 'always' | 'used' | false;
  readonly refreshAt: 'open' | 'commit';
  readonly maxBytes: number;
  readonly closeTimeout: number;
  readonly onConflict: OnConflict | undefined;
  readonly onCommit: ((result: CommitResult, session: ObservedSession) => void) | undefined;
  readonly onLost: ((error: BridgeError, session: ObservedSession) => void) | undefined;
  readonly warn: WarningListener;
}

/** @throws OptionsError `ERR_PSB_OPTIONS` */
export function resolveSessionSettings(
  options: SessionOptions,
  saveHandler: SaveHandler,
  locking: LockSettings,
): SessionSettings {
  const {
    serializeHandler = 'php',
    concurrency = 'merge',
    onLockFailure = 'error',
    refresh = 'always',
    refreshAt = 'open',
    maxBytes = 16 * 1024 * 1024,
    closeTimeout = 10_000,
  } = options;
  choice('serializeHandler', serializeHandler, [
    'php',
    'php_binary',
    'php_serialize',
    'igbinary',
    'msgpack',
  ]);
  choice('concurrency', concurrency, ['merge', 'lock', 'overwrite']);
  choice('onLockFailure', onLockFailure, ['error', 'readonly']);
  choice('refresh', refresh, ['always', 'used', false]);
  choice('refreshAt', refreshAt, ['open', 'commit']);
  if (!(maxBytes >= 1)) throw new OptionsError('maxBytes must be a number of bytes');
  if (!(closeTimeout >= 0)) {
    throw new OptionsError('closeTimeout must be a number of milliseconds');
  }
  return {
    saveHandler,
    locking,
    handler: serializeHandler,
    serializePrecision: options.serializePrecision ?? -1,
    useStrictMode: options.useStrictMode ?? true,
    lazyWrite: options.lazyWrite ?? true,
    concurrency,
    onLockFailure,
    identity: options.identity ?? [],
    refresh,
    refreshAt,
    maxBytes,
    closeTimeout,
    onConflict: options.onConflict,
    onCommit: options.onCommit,
    onLost: options.onLost,
    warn: options.onWarning ?? emitWarning,
  };
}

function choice(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (allowed.includes(value)) return;
  const names = allowed.map((item) => (typeof item === 'string' ? `'${item}'` : String(item)));
  throw new OptionsError(`${name} must be one of ${names.join(', ')}`);
}
