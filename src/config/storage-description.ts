/**
 * Where the sessions lie, in words that may stand in a log.
 */
import { parseSavePath } from '../save-handler/redis/save-path.ts';
import { DEFAULT_PREFIX, type RedisSaveHandlerOptions } from '../save-handler/redis/storage.ts';
import type { StorageDescription } from '../session/session-module.ts';

/** Of a save path or a client: kind, addresses and prefixes, never a user or a password. */
export function describeRedis(
  options: RedisSaveHandlerOptions,
  handler: 'redis' | 'rediscluster',
): StorageDescription {
  const { savePath } = options;
  if (savePath === undefined) {
    return { kind: 'a Redis client of the application', prefix: options.prefix ?? DEFAULT_PREFIX };
  }
  const path = parseSavePath(savePath, handler);
  if (path.handler === 'rediscluster') {
    const address = path.members.map(({ host, port }) => `${host}:${port}`).join(', ');
    return { kind: handler, address, prefix: path.prefix };
  }
  const addresses = path.members.map(({ address }) =>
    'socketPath' in address ? address.socketPath : `${address.host}:${address.port}`,
  );
  const prefixes = new Set(path.members.map(({ prefix }) => prefix));
  return { kind: handler, address: addresses.join(', '), prefix: [...prefixes].join(', ') };
}
