/**
 * What PHP's `session.save_path` means, read as phpredis reads it.
 */
import { OptionsError, SavePathError } from '../../errors.ts';
import { parseRedisSavePath, type RedisSavePath } from './save-path-redis.ts';
import { parseRedisClusterSavePath, type RedisClusterSavePath } from './save-path-rediscluster.ts';

export type SavePath = RedisSavePath | RedisClusterSavePath;

/**
 * Reads a `session.save_path` of phpredis, with phpredis's defaults.
 *
 * ```js
 * import { parseSavePath } from 'php-session-bridge';
 * parseSavePath('tcp://10.0.0.1:6379?weight=2&prefix=shop_, tcp://10.0.0.2:6379?prefix=shop_');
 * ```
 *
 * @param text the value as PHP sees it, without the quotes that php.ini needs around it
 * @param saveHandler `session.save_handler`; default `redis`
 * @returns the servers in the order of the text, and in `ignored` what has no effect in phpredis
 * @throws SavePathError `ERR_PSB_SAVE_PATH` for what phpredis refuses, saying how to write it;
 * what was written is not repeated, since it may hold a password
 * @throws OptionsError `ERR_PSB_OPTIONS` for another save handler, whose path means something else
 */
export function parseSavePath(
  text: string,
  saveHandler: 'redis' | 'rediscluster' = 'redis',
): SavePath {
  if (typeof text !== 'string') {
    throw new SavePathError('session.save_path must be a text like tcp://host:6379');
  }
  if (saveHandler === 'rediscluster') return parseRedisClusterSavePath(text);
  if (saveHandler === 'redis') return parseRedisSavePath(text);
  throw new OptionsError(
    `saveHandler must be 'redis' or 'rediscluster', not '${String(saveHandler)}'`,
  );
}
