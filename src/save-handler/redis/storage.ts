/**
 * Where the sessions of a RedisSaveHandler lie: which server and which prefix an id belongs to.
 */
import type { CompressionName } from '../../codec/compression/compression.ts';
import { OptionsError } from '../../errors.ts';
import type { SaveHandlerOptions, SaveHandlerSettings, WarningListener } from '../settings.ts';
import { type BorrowedClient, borrow } from './borrowed-client.ts';
import type { RedisClient } from './client.ts';
import { type ConnectOptions, connect, connectCluster } from './connect.ts';
import { tombstoneFits } from './keys.ts';
import { selectMember } from './pool.ts';
import { parseSavePath, type SavePath } from './save-path.ts';

/** phpredis: the default of `prefix=` in a save path. */
export const DEFAULT_PREFIX = 'PHPREDIS_SESSION:';

export interface RedisSaveHandlerOptions extends SaveHandlerOptions, ConnectOptions {
  /**
   * `session.save_path` of phpredis: `tcp://host:6379?prefix=…`, several servers with weights,
   * `unix:///path`, `tls://…`. It also names the prefix, the database, the password and the time
   * limits. Connections are made when they are first needed and closed by `close()`.
   */
  readonly savePath?: string | undefined;
  /** `session.save_handler`, which says how `savePath` is to be read. Default `redis`. */
  readonly saveHandler?: 'redis' | 'rediscluster' | undefined;
  /** Your own client: ioredis 5 or 6, node-redis 5 or 6, or anything with a `command` method. */
  readonly redis?: BorrowedClient | undefined;
  /** With `redis`: what stands before the session id in the key. Default `PHPREDIS_SESSION:`. */
  readonly prefix?: string | undefined;
  /** `redis.session.compression`. Default `none`. */
  readonly compression?: CompressionName | undefined;
  /** `redis.session.compression_level`. Default 3. */
  readonly compressionLevel?: number | undefined;
}

export interface RedisStorage {
  /** The server and the prefix of a session. */
  locate(id: string): { readonly client: RedisClient; readonly prefix: string };
  /** Closes the connections that were made here, never a borrowed client. */
  close(): Promise<void>;
}

export const NO_SLOT_FOR_TOMBSTONES =
  'in a cluster revokedTtl needs a prefix with a hash tag, prefix={app}: say: without one the ' +
  'memory of a logout would lie in another slot than the session';

/**
 * @throws OptionsError `ERR_PSB_OPTIONS` unless the storage is named in exactly one way, and for a
 * `revokedTtl` that a cluster cannot honour
 * @throws SavePathError `ERR_PSB_SAVE_PATH`
 */
export function redisStorage(
  options: RedisSaveHandlerOptions,
  { revokedTtl, warn }: Pick<SaveHandlerSettings, 'revokedTtl' | 'warn'>,
): RedisStorage {
  const { redis, savePath } = options;
  if (redis !== undefined && savePath !== undefined) {
    throw new OptionsError('name the storage in one way only: redis or savePath');
  }
  if (redis !== undefined) return borrowedStorage(redis, options, revokedTtl > 0, warn);
  if (savePath === undefined) {
    throw new OptionsError('name the storage: savePath, or redis (a client of your own)');
  }
  if (options.prefix !== undefined) {
    throw new OptionsError('with savePath the prefix is a part of it: tcp://host:6379?prefix=…');
  }
  const path = parseSavePath(savePath, options.saveHandler);
  reportIgnored(path, warn);
  assertOneLogin(path, options);
  if (path.handler === 'rediscluster') {
    const client = connectCluster(path, options);
    const place = { client, prefix: path.prefix };
    if (revokedTtl > 0) assertTombstonesFit(place);
    return { locate: () => place, close: () => client.close() };
  }
  const places = path.members.map((member) => ({
    client: connect(member, options),
    prefix: member.prefix,
    weight: member.weight,
  }));
  return {
    locate: (id) => selectMember(places, id),
    async close() {
      await Promise.all(places.map(({ client }) => client.close()));
    },
  };
}

const OURS = [
  'connectTimeout',
  'commandTimeout',
  'clientName',
  'autoPipelining',
  'credentials',
] as const;

function borrowedStorage(
  redis: BorrowedClient,
  options: RedisSaveHandlerOptions,
  revokes: boolean,
  warn: WarningListener,
): RedisStorage {
  const foreign = OURS.find((name) => options[name] !== undefined);
  if (foreign !== undefined) {
    throw new OptionsError(`${foreign} is a setting of your own Redis client; set it there`);
  }
  const place = { client: borrow(redis, warn), prefix: options.prefix ?? DEFAULT_PREFIX };
  if (revokes) assertTombstonesFit(place);
  return { locate: () => place, close: async () => {} };
}

function assertOneLogin(path: SavePath, { credentials }: ConnectOptions): void {
  if (credentials === undefined) return;
  if (typeof credentials !== 'function') {
    throw new OptionsError('credentials must be a function that gives { username?, password }');
  }
  const named =
    path.handler === 'redis'
      ? path.members.some(({ auth }) => auth !== undefined)
      : path.auth !== undefined;
  if (named) {
    throw new OptionsError(
      'the login is named in two ways: auth= of the save path and credentials',
    );
  }
}

function assertTombstonesFit({ client, prefix }: ReturnType<RedisStorage['locate']>): void {
  // An id holds no braces, so a hash tag stands in the prefix or nowhere.
  if (!client.cluster || tombstoneFits(prefix, client.keyPrefix)) return;
  throw new OptionsError(NO_SLOT_FOR_TOMBSTONES);
}

/** phpredis says nothing about what it ignores, and its owner believes that it works. */
function reportIgnored({ ignored }: SavePath, warn: WarningListener): void {
  if (ignored.length === 0) return;
  const list = ignored.map(({ name, reason }) => `${name} (${reason})`).join(', ');
  warn('PSB_SAVE_PATH', `session.save_path has parts without effect: ${list}`);
}
