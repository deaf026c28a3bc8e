/**
 * The options of the session floor, under their php.ini names where PHP has them.
 */
import { types } from 'node:util';
import type { SessionHandlerName } from '../codec/session.ts';
import { type BridgeError, OptionsError } from '../errors.ts';
import type { SaveHandler } from '../save-handler/save-handler.ts';
import { emitWarning, type LockSettings, type WarningListener } from '../save-handler/settings.ts';
import type { CommitResult } from './commit-result.ts';
import type { CookieOptions } from './cookie-options.ts';
import { type Identity, type IdentityOption, resolveIdentity } from './identity.ts';
import { LateAssignments } from './late-assignments.ts';
import { heard } from './listeners.ts';
import type { OnConflict } from './merge/conflicts.ts';
import type { SessionVariables } from './session-variables.ts';

/** A session as listeners see it. */
export interface ObservedSession {
  readonly id: string;
  readonly requestedId: string | undefined;
  readonly variables: SessionVariables;
}

export interface SessionOptions extends CookieOptions {
  /**
   * `session.serialize_handler`. Default `php`. It must be what PHP has: of `php_serialize` bytes
   * that PHP reads as `php`, a string that a visitor typed becomes an object of any class there.
   */
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
   * Milliseconds for which a session lock is held at most (`concurrency: 'lock'`). After them the
   * lock is released, with a warning, and the session goes on without it: its next write is merged
   * with what others wrote. Default 60000.
   */
  readonly maxHold?: number | undefined;
  /**
   * What becomes of stored bytes that are no session of `serializeHandler`, when their variables
   * are first asked for. `error` (default): a `CodecError`; only a logout or an assignment of all
   * variables gets past them. `new`: the request goes on with empty variables under a new id, told
   * to `onLost` or by a warning, and the bytes are left to PHP.
   */
  readonly onUnreadable?: 'error' | 'new' | undefined;
  /**
   * Whose session it is: names of session variables (`['userid']`), paths into them
   * (`['user.id']`), or a synchronous function of the variables. If one of them differs between
   * the session that was read and the one that is stored at the time of writing, another user has
   * logged in under this id: nothing is merged, nothing is written. Without it the first merge
   * warns (`PSB_IDENTITY`); `[]` says that sessions have no users.
   */
  readonly identity?: IdentityOption | undefined;
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
  /**
   * Told after every successful commit; `destroy()` and `abort()` end a session without one. What
   * a listener throws is a warning (`PSB_LISTENER`): the session is stored all the same.
   */
  readonly onCommit?: ((result: CommitResult, session: ObservedSession) => void) | undefined;
  /**
   * Told when a commit could not be written since the session is gone, was replaced, or its lock
   * could not be had (`onLockFailure: 'readonly'`); the response goes out all the same. Told, too,
   * when a request goes on with a new session: `regenerate()` found the old one gone, or nobody
   * could read it (`onUnreadable: 'new'`).
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
  readonly maxHold: number;
  readonly onUnreadable: 'error' | 'new';
  readonly identity: Identity;
  readonly refresh: 'always' | 'used' | false;
  readonly refreshAt: 'open' | 'commit';
  readonly maxBytes: number;
  readonly closeTimeout: number;
  readonly onConflict: OnConflict | undefined;
  readonly onCommit: ((result: CommitResult, session: ObservedSession) => void) | undefined;
  readonly onLost: ((error: BridgeError, session: ObservedSession) => void) | undefined;
  readonly warn: WarningListener;
  /** A warning of which one is enough. */
  readonly warnOnce: WarningListener;
  /** `undefined` in production. */
  readonly lateAssignments: LateAssignments | undefined;
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
    maxHold = 60_000,
    onUnreadable = 'error',
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
  choice('onUnreadable', onUnreadable, ['error', 'new']);
  if (!(maxBytes >= 1)) throw new OptionsError('maxBytes must be a number of bytes');
  if (!(closeTimeout >= 0)) {
    throw new OptionsError('closeTimeout must be a number of milliseconds');
  }
  if (types.isAsyncFunction(options.onConflict)) {
    throw new OptionsError('onConflict must be synchronous');
  }
  if (!(maxHold > 0)) throw new OptionsError('maxHold must be a number of milliseconds');
  const warn = options.onWarning ?? emitWarning;
  return {
    saveHandler,
    locking,
    handler: serializeHandler,
    serializePrecision: options.serializePrecision ?? -1,
    useStrictMode: options.useStrictMode ?? true,
    lazyWrite: options.lazyWrite ?? true,
    concurrency,
    onLockFailure,
    maxHold,
    onUnreadable,
    identity: resolveIdentity(options.identity, concurrency === 'overwrite' ? undefined : warn),
    refresh,
    refreshAt,
    maxBytes,
    closeTimeout,
    onConflict: options.onConflict,
    onCommit: heard('onCommit', options.onCommit, warn),
    onLost: heard('onLost', options.onLost, warn),
    warn,
    warnOnce: once(warn),
    lateAssignments:
      process.env['NODE_ENV'] === 'production' ? undefined : new LateAssignments(warn),
  };
}

function once(warn: WarningListener): WarningListener {
  const told = new Set<string>();
  return (code, message) => {
    if (told.has(code)) return;
    told.add(code);
    warn(code, message);
  };
}

function choice(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (allowed.includes(value)) return;
  const names = allowed.map((item) => (typeof item === 'string' ? `'${item}'` : String(item)));
  throw new OptionsError(`${name} must be one of ${names.join(', ')}`);
}
