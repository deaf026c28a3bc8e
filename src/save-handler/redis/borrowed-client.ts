/**
 * The user's own client: taken as it is, with one warning if its settings undermine what the
 * session cycle promises.
 */
import { OptionsError } from '../../errors.ts';
import type { WarningListener } from '../settings.ts';
import type { RedisClient, RedisCommands } from './client.ts';
import { fromCommands, isRedisCommands } from './commands-client.ts';
import { fromIoredis, type IoredisLike, isIoredis } from './ioredis-client.ts';
import {
  fromNodeRedis,
  isNodeRedis,
  type NodeRedisLike,
  unsafeNodeRedis,
} from './node-redis-client.ts';

export type BorrowedClient = IoredisLike | NodeRedisLike | RedisCommands;

/** One client may serve several handlers; its owner need not be told twice. */
const warned = new WeakSet<object>();

/** @throws OptionsError for something that is no client */
export function borrow(client: BorrowedClient, warn: WarningListener): RedisClient {
  if (typeof client !== 'object' || client === null) throw notAClient();
  if (isIoredis(client)) {
    name(client, unsafeIoredis(client), warn);
    return fromIoredis(client);
  }
  if (isNodeRedis(client)) {
    name(client, unsafeNodeRedis(client), warn);
    return fromNodeRedis(client);
  }
  if (isRedisCommands(client)) return fromCommands(client);
  throw notAClient();
}

function notAClient(): OptionsError {
  return new OptionsError(
    'redis must be an ioredis or node-redis client, or have a command method',
  );
}

function name(client: object, settings: readonly string[], warn: WarningListener): void {
  if (settings.length === 0 || warned.has(client)) return;
  warned.add(client);
  warn(
    'PSB_CLIENT_SETTINGS',
    'the given Redis client may hold requests back or send a write twice while Redis is away; ' +
      `set ${settings.join(', ')} (or name the storage by savePath)`,
  );
}

type Settings = Readonly<Record<string, unknown>>;

function unsafeIoredis(client: IoredisLike): string[] {
  const options = (client.options ?? {}) as Settings;
  const unsafe: string[] = [];
  if (options['enableOfflineQueue'] !== false) unsafe.push('enableOfflineQueue: false');
  if (client.isCluster === true) {
    const nodes = (options['redisOptions'] ?? {}) as Settings;
    if (options['retryDelayOnFailover'] !== 0) unsafe.push('retryDelayOnFailover: 0');
    if (!nodes['commandTimeout']) unsafe.push('redisOptions: { commandTimeout }');
    if ((options['scaleReads'] ?? 'master') !== 'master') unsafe.push("scaleReads: 'master'");
    return unsafe;
  }
  if (options['autoResendUnfulfilledCommands'] !== false) {
    unsafe.push('autoResendUnfulfilledCommands: false');
  }
  if (options['maxRetriesPerRequest'] !== 0) unsafe.push('maxRetriesPerRequest: 0');
  if (!options['commandTimeout']) unsafe.push('commandTimeout');
  return unsafe;
}
