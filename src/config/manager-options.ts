/**
 * The options of an application, completed: checked, joined with what php.ini says, and with the
 * save handler that they name.
 */
import { OptionsError } from '../errors.ts';
import { RedisSaveHandler } from '../save-handler/redis/redis-save-handler.ts';
import { parseSavePath } from '../save-handler/redis/save-path.ts';
import type { RedisSaveHandlerOptions } from '../save-handler/redis/storage.ts';
import type { SaveHandler } from '../save-handler/save-handler.ts';
import { emitWarning } from '../save-handler/settings.ts';
import type { SessionOptions } from '../session/options.ts';
import type { StorageDescription } from '../session/session-module.ts';
import { checkOptions } from './option-checks.ts';
import { fromPhpIni, type PhpIniOptions } from './php-ini.ts';
import { describeRedis } from './storage-description.ts';

/** All options; the storage is named in exactly one way. */
export interface SessionManagerOptions
  extends SessionOptions,
    Omit<RedisSaveHandlerOptions, 'onWarning' | 'saveHandler'> {
  /**
   * With `savePath`, what PHP's `session.save_handler` says: `redis` (default) or `rediscluster`.
   * Alone, a ready save handler of your own; the manager never closes it.
   */
  readonly saveHandler?: SaveHandler | 'redis' | 'rediscluster' | (string & {}) | undefined;
  /**
   * PHP's configuration: the name of a php.ini (its scan directory is read as well), an ini text or
   * the output of `php -i`; or an object with that as `file` and the options of `fromPhpIni`.
   * Every other option that is given stands above it.
   */
  readonly phpIni?: string | ({ readonly file: string } & PhpIniOptions) | undefined;
  /** `redis.session.locking_enabled`: does PHP use phpredis's lock? Only warnings depend on it. */
  readonly lockingEnabled?: boolean | undefined;
}

export interface CompletedOptions {
  readonly options: SessionOptions & Omit<RedisSaveHandlerOptions, 'saveHandler'>;
  readonly saveHandler: SaveHandler;
  /** Was the save handler made here, so that it has to be closed here? */
  readonly owned: boolean;
  readonly storage: StorageDescription;
}

/** @throws OptionsError `ERR_PSB_OPTIONS`, SavePathError, BridgeError `ERR_PSB_PHP_INI` */
export function completeOptions(given: SessionManagerOptions): CompletedOptions {
  if (typeof given !== 'object' || given === null) {
    throw new OptionsError('options must be an object: { savePath: "tcp://host:6379" }, say');
  }
  checkOptions(given);
  assertOneStorage(given);
  const { saveHandler, lockingEnabled, ...options } = withPhpIni(given);
  if (isObject(saveHandler)) {
    const storage = { kind: saveHandler.constructor?.name || 'saveHandler' };
    return { options, saveHandler: ready(saveHandler, options), owned: false, storage };
  }
  const handler = handlerName(saveHandler, given.phpIni !== undefined);
  const { savePath } = options;
  warnOfPool(savePath, handler, lockingEnabled === true, options);
  return {
    options,
    saveHandler: new RedisSaveHandler({ ...options, saveHandler: handler }),
    owned: true,
    storage: describeRedis(options, handler),
  };
}

function assertOneStorage(given: SessionManagerOptions): void {
  const ways = [
    given.savePath !== undefined && 'savePath',
    given.phpIni !== undefined && 'phpIni',
    given.redis !== undefined && 'redis',
    isObject(given.saveHandler) && 'saveHandler',
  ].filter((way) => way !== false);
  if (ways.length === 1) return;
  if (ways.length > 1) {
    throw new OptionsError(
      `the storage is named in ${ways.length} ways: ${ways.join(' and ')}; keep one`,
    );
  }
  throw new OptionsError(
    'the storage is not named: give savePath, phpIni, redis (a client of your own) or saveHandler (an object)',
  );
}

function withPhpIni(given: SessionManagerOptions): Omit<SessionManagerOptions, 'phpIni'> {
  const { phpIni, ...options } = given;
  if (phpIni === undefined) return options;
  if (options.prefix !== undefined || typeof options.saveHandler === 'string') {
    const name = options.prefix === undefined ? 'saveHandler' : 'prefix';
    throw new OptionsError(`with phpIni the ${name} is what PHP has; leave it out`);
  }
  const { file, ...reading } = typeof phpIni === 'string' ? { file: phpIni } : phpIni;
  const php = fromPhpIni(file, reading);
  if (!php.useStrictMode && options.useStrictMode === undefined) {
    (options.onWarning ?? emitWarning)(
      'PSB_STRICT_MODE',
      'PHP runs with session.use_strict_mode = 0, and so does the bridge now: anyone can choose ' +
        'the session id of somebody else. Turn it on in PHP, or here by useStrictMode: true.',
    );
  }
  const own = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...php, ...Object.fromEntries(own) };
}

function handlerName(name: string | undefined, fromIni: boolean): 'redis' | 'rediscluster' {
  if (name === undefined || name === 'redis') return 'redis';
  if (name === 'rediscluster') return name;
  throw new OptionsError(
    fromIni
      ? `PHP keeps its sessions by session.save_handler = ${name}; the bridge reads redis and ` +
          'rediscluster. (Is it set for another PHP, or in the FPM pool? Then name fpmPool.)'
      : `saveHandler must be 'redis', 'rediscluster' or a save handler object, not '${name}'`,
  );
}

/** What a save handler of the application's own knows itself. */
const REDIS_ONLY = [
  'prefix',
  'compression',
  'compressionLevel',
  'connectTimeout',
  'commandTimeout',
  'clientName',
  'autoPipelining',
  'credentials',
] as const;

function ready(saveHandler: SaveHandler, options: RedisSaveHandlerOptions): SaveHandler {
  for (const method of ['read', 'writeIf', 'updateTimestamp', 'destroyIf', 'createSid'] as const) {
    if (typeof saveHandler[method] !== 'function') {
      throw new OptionsError(
        `saveHandler has no ${method}(): it is no save handler of this package`,
      );
    }
  }
  const foreign = REDIS_ONLY.find((name) => options[name] !== undefined);
  if (foreign !== undefined) {
    throw new OptionsError(
      `${foreign} belongs to the save handler that was handed in; set it there`,
    );
  }
  return saveHandler;
}

/** phpredis looks for its lock on another server than the one where it set it. */
function warnOfPool(
  savePath: string | undefined,
  handler: 'redis' | 'rediscluster',
  phpLocks: boolean,
  options: SessionOptions,
): void {
  if (savePath === undefined || !(phpLocks || options.concurrency === 'lock')) return;
  if (handler === 'rediscluster' || parseSavePath(savePath).members.length < 2) return;
  (options.onWarning ?? emitWarning)(
    'PSB_POOL_LOCKS',
    'phpredis leaves its locks behind when session.save_path names several servers: it sets a lock ' +
      'on the server of the session and looks for it on another one. Use one server, or no locking.',
  );
}

function isObject(value: unknown): value is SaveHandler {
  return typeof value === 'object' && value !== null;
}
