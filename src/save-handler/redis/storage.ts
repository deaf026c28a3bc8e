/**
 * Where the sessions of a RedisSaveHandler lie: which server and which prefix an id belongs to.
 */
import type { CompressionName } from '../../codec/compression/compression.ts';
import { OptionsError } from '../../errors.ts';
import type { SaveHandlerOptions, WarningListener } from '../settings.ts';
import type { RedisClient, RedisCommands } from './client.ts';
import { fromCommands, isRedisCommands } from './commands-client.ts';
import { fromIoredis, type IoredisLike, isIoredis } from './ioredis-client.ts';
import { fromNodeRedis, isNodeRedis, type NodeRedisLike } from './node-redis-client.ts';

/** phpredis: the default of `prefix=` in a save path. */
export const DEFAULT_PREFIX = 'PHPREDIS_SESSION:';

export interface RedisSaveHandlerOptions extends SaveHandlerOptions {
  /** Your own client: ioredis 5 or 6, node-redis 5 or 6, or anything with a `command` method. */
  readonly redis?: IoredisLike | NodeRedisLike | RedisCommands | undefined;
  /** What stands before the session id in the key. Default `PHPREDIS_SESSION:`. */
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

/** @throws OptionsError `ERR_PSB_OPTIONS` unless the storage is named in exactly one way */
export function redisStorage(
  options: RedisSaveHandlerOptions,
  _warn: WarningListener,
): RedisStorage {
  if (options.redis === undefined) {
    throw new OptionsError('name the storage: redis (a client) or savePath');
  }
  const place = { client: borrow(options.redis), prefix: options.prefix ?? DEFAULT_PREFIX };
  return { locate: () => place, close: async () => {} };
}

function borrow(client: object): RedisClient {
  if (isIoredis(client)) return fromIoredis(client);
  if (isNodeRedis(client)) return fromNodeRedis(client);
  if (isRedisCommands(client)) return fromCommands(client);
  throw new OptionsError('redis must be an ioredis or node-redis client, or have a command method');
}
