/**
 * `session.save_path` of phpredis's handler `rediscluster`: no URL, the whole text is one query
 * string.
 */
import { SavePathError } from '../../errors.ts';
import { parsePhpQuery } from './php-query.ts';
import {
  type IgnoredParameter,
  type RedisAuth,
  readAuth,
  readBoolean,
  readDouble,
  readStream,
  readString,
  reportUnknown,
  type StreamOptions,
} from './save-path-parameters.ts';

/** A node that is asked for the layout of the cluster. */
export interface RedisClusterSeed {
  readonly host: string;
  readonly port: number;
}

export interface RedisClusterSavePath {
  readonly handler: 'rediscluster';
  readonly members: readonly RedisClusterSeed[];
  /** Connect timeout in seconds; 0 leaves it to PHP. */
  readonly timeout: number;
  /** Seconds to wait for a reply; 0 leaves it to PHP's `default_socket_timeout`. */
  readonly readTimeout: number;
  readonly persistent: boolean;
  /** What phpredis does with reads if a master fails. The bridge reads from masters only. */
  readonly failover: 'none' | 'error' | 'distribute';
  readonly prefix: string;
  readonly auth: RedisAuth | undefined;
  readonly stream: StreamOptions;
  /** phpredis speaks TLS to a cluster as soon as there is one `stream[…]`. */
  readonly tls: boolean;
  readonly ignored: readonly IgnoredParameter[];
}

const KNOWN = new Set([
  'seed',
  'timeout',
  'read_timeout',
  'persistent',
  'failover',
  'prefix',
  'auth',
  'stream',
]);

const SEEDS = 'write seed[]=host:7000&seed[]=host:7001';

export function parseRedisClusterSavePath(text: string): RedisClusterSavePath {
  const ignored: IgnoredParameter[] = [];
  const parameters = parsePhpQuery(text);
  const list = parameters.get('seed');
  if (!(list instanceof Map)) {
    throw new SavePathError(`session.save_path of rediscluster names no seed; ${SEEDS}`);
  }
  const members: RedisClusterSeed[] = [];
  for (const seed of list.values()) {
    const found = typeof seed === 'string' ? seedOf(seed) : undefined;
    if (found === undefined) ignored.push({ name: 'seed[]', reason: 'not written as host:port' });
    else members.push(found);
  }
  if (members.length === 0) {
    throw new SavePathError(`session.save_path of rediscluster has no usable seed; ${SEEDS}`);
  }
  const timeout = readDouble(parameters, 'timeout', 0);
  const readTimeout = readDouble(parameters, 'read_timeout', 0);
  if (timeout < 0 || readTimeout < 0) {
    throw new SavePathError('session.save_path of rediscluster: a timeout cannot be negative');
  }
  reportUnknown(parameters, KNOWN, ignored);
  const failover = readString(parameters, 'failover')?.toLowerCase();
  const stream = readStream(parameters);
  return {
    handler: 'rediscluster',
    members,
    timeout,
    readTimeout,
    persistent: readBoolean(parameters, 'persistent'),
    failover: failover === 'error' || failover === 'distribute' ? failover : 'none',
    prefix: readString(parameters, 'prefix') ?? 'PHPREDIS_CLUSTER_SESSION:',
    auth: readAuth(parameters, ignored),
    stream,
    tls: Object.keys(stream).length > 0,
    ignored,
  };
}

/** phpredis: the port stands behind the last colon; a scheme may stand in front. */
function seedOf(text: string): RedisClusterSeed | undefined {
  const colon = text.lastIndexOf(':');
  const port = Number.parseInt(text.slice(colon + 1), 10);
  const host = text.slice(0, Math.max(colon, 0)).replace(/^tcp:\/\//, '');
  if (host === '' || !(port > 0 && port <= 65_535)) return undefined;
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port };
}
