/**
 * The errors of the whole package. Every error has a stable `code` to switch on, a `message` for
 * people, and never a session value: sessions are secrets.
 */

export type BridgeErrorCode =
  // codec
  | 'ERR_PSB_CODEC_SYNTAX'
  | 'ERR_PSB_CODEC_LIMIT'
  | 'ERR_PSB_CODEC_UNSUPPORTED'
  | 'ERR_PSB_CODEC_VALUE'
  | 'ERR_PSB_CODEC_REFERENCE'
  | 'ERR_PSB_CODEC_INTERNAL'
  | 'ERR_PSB_CLASS_LOST'
  | 'ERR_PSB_COMPRESSION'
  // configuration
  | 'ERR_PSB_OPTIONS'
  | 'ERR_PSB_SAVE_PATH'
  | 'ERR_PSB_PHP_INI'
  // storage
  | 'ERR_PSB_STORE'
  | 'ERR_PSB_STORE_TIMEOUT'
  | 'ERR_PSB_STORE_UNKNOWN_OUTCOME'
  | 'ERR_PSB_STORE_AUTH'
  | 'ERR_PSB_STORE_PERMISSION'
  | 'ERR_PSB_STORE_TYPE'
  | 'ERR_PSB_STORE_UNREACHABLE'
  // locks
  | 'ERR_PSB_LOCK_BUSY'
  | 'ERR_PSB_LOCK_LOST'
  // sessions
  | 'ERR_PSB_SESSION_ID'
  | 'ERR_PSB_SESSION_GONE'
  | 'ERR_PSB_SESSION_REPLACED'
  | 'ERR_PSB_SESSION_CONFLICT'
  | 'ERR_PSB_SESSION_CLOSED'
  | 'ERR_PSB_SESSION_READ_ONLY'
  | 'ERR_PSB_SESSION_TOO_LARGE'
  | 'ERR_PSB_MANAGER_CLOSED'
  // web
  | 'ERR_PSB_HEADERS_SENT';

export interface BridgeErrorOptions {
  readonly cause?: unknown;
  /** Byte offset in the blob that was read. */
  readonly offset?: number | undefined;
  /** Where in the session variables, e.g. `cart.items[3].price`. */
  readonly path?: string | undefined;
}

/**
 * Base of every error of this package. `instanceof` works across two installed copies of the
 * package, since it asks for a registered symbol and not for the constructor.
 */
export class BridgeError extends Error {
  readonly code: BridgeErrorCode;
  /** Byte offset in the blob, where it applies. */
  readonly offset?: number;
  /** Path in the session variables, where it applies. */
  readonly path?: string;
  /**
   * HTTP status for web frameworks: 503 for the store, its locks and a manager that closes, 409 for
   * a session that somebody else ended, replaced or kept writing, 413 for one that grew too large,
   * else 500.
   */
  readonly status: number = 500;
  /** Web frameworks must not show the message to clients. */
  readonly expose = false;

  constructor(code: BridgeErrorCode, message: string, options: BridgeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options.offset !== undefined) this.offset = options.offset;
    if (options.path !== undefined) this.path = options.path;
  }

  static {
    brand(BridgeError, 'BridgeError');
  }
}

/** Bytes that PHP would not accept, or values that PHP's format cannot say. */
export class CodecError extends BridgeError {
  static {
    brand(CodecError, 'CodecError');
  }
}

/** Options that contradict each other or make no sense; thrown at start, never in a request. */
export class OptionsError extends BridgeError {
  constructor(message: string, options?: BridgeErrorOptions) {
    super('ERR_PSB_OPTIONS', message, options);
  }

  static {
    brand(OptionsError, 'OptionsError');
  }
}

/** A `session.save_path` that phpredis would refuse. Never contains a password. */
export class SavePathError extends BridgeError {
  constructor(message: string, options?: BridgeErrorOptions) {
    super('ERR_PSB_SAVE_PATH', message, options);
  }

  static {
    brand(SavePathError, 'SavePathError');
  }
}

/** The store did not do what was asked: unreachable, timed out, refused, or of another type. */
export class StoreError extends BridgeError {
  override readonly status: number = 503;

  static {
    brand(StoreError, 'StoreError');
  }
}

/** phpredis's session lock: busy beyond the patience, or lost while it was needed. */
export class LockError extends BridgeError {
  override readonly status: number = 503;

  static {
    brand(LockError, 'LockError');
  }
}

/** What the client may do about it: try again with what is there now, or a little later. */
const SESSION_STATUS: { readonly [code in BridgeErrorCode]?: number } = {
  ERR_PSB_SESSION_GONE: 409,
  ERR_PSB_SESSION_REPLACED: 409,
  ERR_PSB_SESSION_CONFLICT: 409,
  ERR_PSB_SESSION_TOO_LARGE: 413,
  ERR_PSB_MANAGER_CLOSED: 503,
};

/** The session is not what it was when it was opened: gone, replaced, closed; or it is too large. */
export class SessionError extends BridgeError {
  override readonly status: number;

  constructor(code: BridgeErrorCode, message: string, options?: BridgeErrorOptions) {
    super(code, message, options);
    this.status = SESSION_STATUS[code] ?? 500;
  }

  static {
    brand(SessionError, 'SessionError');
  }
}

/**
 * Gives an error class its name and makes `instanceof` ask for the registered symbol: a package
 * that is installed twice has two constructors, yet one kind of error.
 */
function brand(type: { readonly prototype: object }, name: string): void {
  const { prototype } = type;
  const kind = Symbol.for(`php-session-bridge.${name}`);
  Object.defineProperty(prototype, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(prototype, kind, { value: true });
  Object.defineProperty(type, Symbol.hasInstance, {
    value: function hasInstance(this: unknown, value: unknown): boolean {
      if (this !== type) {
        // A user's own subclass: the ordinary test.
        return Function.prototype[Symbol.hasInstance].call(this, value);
      }
      return typeof value === 'object' && value !== null && kind in value;
    },
  });
}
