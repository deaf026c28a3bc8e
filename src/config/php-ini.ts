/**
 * The options of the bridge straight from PHP's configuration, so that the two sides cannot
 * disagree.
 */
import { existsSync } from 'node:fs';
import type { CompressionName } from '../codec/compression/compression.ts';
import type { SessionHandlerName } from '../codec/session.ts';
import { OptionsError } from '../errors.ts';
import {
  type Environment,
  type IniContext,
  type IniSettings,
  readFpmPool,
  readIniFile,
  readIniText,
} from './ini-files.ts';
import { isPhpInfo, readPhpInfo } from './php-info.ts';

export interface PhpIniOptions {
  /**
   * What PHP_INI_SCAN_DIR says: directories with `:` between them, an empty one for PHP's own.
   * Default: `PHP_INI_SCAN_DIR` of `env`, else `conf.d` (or `php.d`) beside a php.ini. `false`: none.
   */
  readonly scanDir?: string | false | undefined;
  /** FPM's pool file, whose `php_value`, `php_flag` and admin forms come last. */
  readonly fpmPool?: string | undefined;
  /** Name of the pool, where the file has several. */
  readonly pool?: string | undefined;
  /** For `${NAME}` in the files. Default `process.env`. */
  readonly env?: Environment | undefined;
  /**
   * Version of phpredis, which decides the defaults of the lock: 10 × 2000 µs before 6.0, then
   * 100 × 20,000 µs. Default: what `php -i` says, else 6.
   */
  readonly phpredis?: string | undefined;
}

/** What PHP's configuration says, under the names of the bridge's options. */
export interface PhpConfiguration {
  /** `session.save_handler`: `redis` and `rediscluster` are what the bridge can use. */
  readonly saveHandler: string;
  readonly savePath: string;
  readonly name: string;
  readonly serializeHandler: SessionHandlerName;
  readonly serializePrecision: number;
  readonly gcMaxlifetime: number;
  readonly useStrictMode: boolean;
  readonly lazyWrite: boolean;
  readonly sidLength: number;
  readonly sidBitsPerCharacter: 4 | 5 | 6;
  readonly cookieLifetime: number;
  readonly cookiePath: string;
  readonly cookieDomain: string;
  readonly cookieSecure: boolean;
  readonly cookieHttponly: boolean;
  readonly cookieSamesite: 'Lax' | 'Strict' | 'None' | '';
  readonly partitioned: boolean;
  readonly cacheLimiter: 'nocache' | 'private' | 'private_no_expire' | 'public' | '';
  readonly cacheExpire: number;
  readonly lockingEnabled: boolean;
  readonly lockExpire: number;
  readonly lockRetries: number;
  readonly lockWaitTime: number;
  readonly onLockFailure: 'error' | 'readonly';
  readonly compression: CompressionName;
  readonly compressionLevel: number;
}

/** PHP's and phpredis's built-in values. */
const DEFAULTS: Readonly<Record<string, string>> = {
  'session.save_handler': 'files',
  'session.save_path': '',
  'session.name': 'PHPSESSID',
  'session.serialize_handler': 'php',
  serialize_precision: '-1',
  'session.gc_maxlifetime': '1440',
  'session.use_strict_mode': '0',
  'session.lazy_write': '1',
  'session.sid_length': '32',
  'session.sid_bits_per_character': '4',
  'session.cookie_lifetime': '0',
  'session.cookie_path': '/',
  'session.cookie_domain': '',
  'session.cookie_secure': '0',
  'session.cookie_httponly': '0',
  'session.cookie_samesite': '',
  'session.cookie_partitioned': '0',
  'session.cache_limiter': 'nocache',
  'session.cache_expire': '180',
  'redis.session.locking_enabled': '0',
  'redis.session.lock_expire': '0',
  'redis.session.lock_retries': '0',
  'redis.session.lock_wait_time': '0',
  'redis.session.lock_failure_readonly': '0',
  'redis.session.compression': 'none',
  'redis.session.compression_level': '3',
};

/**
 * Reads the session settings of PHP: from a php.ini with its scan directory and an FPM pool file,
 * from an ini text, or from the output of `php -i`.
 *
 * ```js
 * import { fromPhpIni, SessionManager } from 'php-session-bridge';
 *
 * const php = fromPhpIni('/etc/php/8.2/fpm/php.ini', {
 *   fpmPool: '/etc/php/8.2/fpm/pool.d/www.conf',
 * });
 * const sessions = new SessionManager({ ...php, identity: ['userid'] });
 * ```
 *
 * What a script changes by `ini_set()`, `.user.ini` or `php_admin_value` of a web server cannot be
 * seen there; `php -i` or phpinfo() of that script shows it.
 *
 * @param source a file name, or the text itself
 * @throws BridgeError `ERR_PSB_PHP_INI` for a file that cannot be read and for a value that PHP
 * would not read as it was meant (an unquoted `=` or `&`, say); the value is not shown
 */
export function fromPhpIni(source: string, options: PhpIniOptions = {}): PhpConfiguration {
  const { env = process.env, scanDir, fpmPool, pool } = options;
  const settings: IniSettings = new Map();
  const context: IniContext = {
    settings,
    env,
    isWanted: (name) => Object.hasOwn(DEFAULTS, name),
  };
  if (!isText(source)) readIniFile(source, scanDir, context);
  else if (isPhpInfo(source)) readPhpInfo(source, context);
  else readIniText(source, 'the ini text', context);
  if (fpmPool !== undefined) readFpmPool(fpmPool, pool, context);
  return configurationOf(settings, options.phpredis ?? settings.get('redis.version') ?? '6');
}

/** A name has neither a line end nor, unless there is such a file, an equals sign. */
function isText(source: string): boolean {
  if (typeof source !== 'string') {
    throw new OptionsError(
      'phpIni must be the name of a php.ini, its text, or the output of php -i',
    );
  }
  return source === '' || /[\r\n]/.test(source) || (source.includes('=') && !existsSync(source));
}

function configurationOf(settings: IniSettings, phpredis: string): PhpConfiguration {
  const text = (name: string): string => settings.get(name) ?? DEFAULTS[name] ?? '';
  const flag = (name: string): boolean => isOn(text(name));
  const number = (name: string): number => quantity(text(name));
  const old = Number.parseInt(phpredis, 10) < 6;
  return {
    // PHP finds both kinds of handlers in any case.
    saveHandler: text('session.save_handler').toLowerCase(),
    savePath: text('session.save_path'),
    name: text('session.name'),
    serializeHandler: text('session.serialize_handler').toLowerCase() as SessionHandlerName,
    serializePrecision: number('serialize_precision'),
    // phpredis asks for the plain number: `2K` is two seconds to it (seen on the wire).
    gcMaxlifetime: integer(text('session.gc_maxlifetime')),
    useStrictMode: flag('session.use_strict_mode'),
    lazyWrite: flag('session.lazy_write'),
    sidLength: number('session.sid_length'),
    sidBitsPerCharacter: number('session.sid_bits_per_character') as 4 | 5 | 6,
    cookieLifetime: number('session.cookie_lifetime'),
    cookiePath: text('session.cookie_path'),
    cookieDomain: text('session.cookie_domain'),
    cookieSecure: flag('session.cookie_secure'),
    cookieHttponly: flag('session.cookie_httponly'),
    cookieSamesite: sameSite(text('session.cookie_samesite')),
    partitioned: flag('session.cookie_partitioned'),
    cacheLimiter: cacheLimiter(text('session.cache_limiter')),
    cacheExpire: number('session.cache_expire'),
    lockingEnabled: flag('redis.session.locking_enabled'),
    lockExpire: integer(text('redis.session.lock_expire')),
    // phpredis reads 0 as "the default".
    lockRetries: integer(text('redis.session.lock_retries')) || (old ? 10 : 100),
    lockWaitTime: integer(text('redis.session.lock_wait_time')) || (old ? 2000 : 20_000),
    onLockFailure: flag('redis.session.lock_failure_readonly') ? 'readonly' : 'error',
    compression: compression(text('redis.session.compression')),
    compressionLevel: integer(text('redis.session.compression_level')),
  };
}

/** zend_ini_parse_bool(). */
function isOn(text: string): boolean {
  return /^(true|yes|on)$/i.test(text) || (Number.parseInt(text, 10) || 0) !== 0;
}

/** strtol() with base 0: decimal, 0x…, or octal behind a leading zero; what follows is ignored. */
function integer(text: string): number {
  const match = /^\s*([+-]?)(?:0x([0-9a-f]+)|(0[0-7]*)|(\d+))/i.exec(text);
  if (match === null) return 0;
  const [, sign, hex, octal, decimal] = match;
  const size =
    hex !== undefined
      ? Number.parseInt(hex, 16)
      : octal !== undefined
        ? Number.parseInt(octal, 8)
        : Number(decimal);
  return sign === '-' && size !== 0 ? -size : size;
}

/** ZEND_ATOL(): the same with K, M or G as the last character. */
function quantity(text: string): number {
  const power = 'kmg'.indexOf(text.trim().slice(-1).toLowerCase() || '-') + 1;
  return integer(text) * 1024 ** power;
}

function sameSite(text: string): PhpConfiguration['cookieSamesite'] {
  const known = (['Lax', 'Strict', 'None'] as const).find(
    (name) => name.toLowerCase() === text.toLowerCase(),
  );
  return known ?? '';
}

function cacheLimiter(text: string): PhpConfiguration['cacheLimiter'] {
  const names = ['nocache', 'private', 'private_no_expire', 'public'] as const;
  // PHP knows its limiters by lower case and does nothing for any other name.
  return names.find((name) => name === text) ?? '';
}

/** phpredis compares the beginning only and any case: `LZ4HC` is lz4. */
function compression(text: string): CompressionName {
  const names = ['lzf', 'zstd', 'lz4'] as const;
  return names.find((name) => text.toLowerCase().startsWith(name)) ?? 'none';
}
