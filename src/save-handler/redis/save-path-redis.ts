/**
 * `session.save_path` of phpredis's handler `redis`: servers separated by commas or white space,
 * each read as a URL by parse_url().
 */
import { SavePathError } from '../../errors.ts';
import { parsePhpQuery } from './php-query.ts';
import { type PhpUrl, parsePhpUrl } from './php-url.ts';
import {
  type IgnoredParameter,
  type Parameters,
  type RedisAuth,
  readAuth,
  readBoolean,
  readDouble,
  readInteger,
  readStream,
  readString,
  reportUnknown,
  type StreamOptions,
} from './save-path-parameters.ts';

export type RedisAddress =
  | { readonly host: string; readonly port: number; readonly tls: boolean }
  | { readonly socketPath: string };

/** One server of the pool, with phpredis's defaults filled in. */
export interface RedisMember {
  readonly address: RedisAddress;
  /** Its share of the sessions. */
  readonly weight: number;
  /** Connect timeout in seconds; phpredis's default is a whole day. */
  readonly timeout: number;
  /** Seconds to wait for a reply; 0 leaves it to PHP's `default_socket_timeout`. */
  readonly readTimeout: number;
  readonly persistent: boolean;
  /** `undefined`: no SELECT is sent. */
  readonly database: number | undefined;
  readonly prefix: string;
  readonly auth: RedisAuth | undefined;
  readonly stream: StreamOptions;
}

export interface RedisSavePath {
  readonly handler: 'redis';
  /** In the order of the save path; phpredis chooses among them in reverse order. */
  readonly members: readonly RedisMember[];
  readonly ignored: readonly IgnoredParameter[];
}

const KNOWN = new Set([
  'weight',
  'timeout',
  'read_timeout',
  'persistent',
  'persistent_id',
  'retry_interval',
  'database',
  'prefix',
  'auth',
  'stream',
]);

/** phpredis hands the scheme to PHP's stream transports, which know these by lower case only. */
const TLS = /^(tls|ssl|tlsv1\.[0-3])$/;

export function parseRedisSavePath(text: string): RedisSavePath {
  const ignored: IgnoredParameter[] = [];
  // isspace() of the C locale, and commas.
  const tokens = text.split(/[, \t\n\v\f\r]+/).filter((token) => token !== '');
  if (tokens.length === 0) {
    throw new SavePathError('session.save_path is empty; write tcp://host:6379');
  }
  const members = tokens.map((token, at) => parseMember(token, at, tokens.length, ignored));
  return { handler: 'redis', members, ignored };
}

function parseMember(
  token: string,
  at: number,
  count: number,
  ignored: IgnoredParameter[],
): RedisMember {
  const where =
    count === 1 ? 'session.save_path' : `session.save_path, server ${at + 1} of ${count}`;
  const url = parsePhpUrl(token.startsWith('unix:') ? `file:${token.slice(5)}` : token);
  if (url === undefined) {
    throw new SavePathError(`${where} is no URL to PHP; ${howTo(token, count)}`);
  }
  // phpredis glues the fragment back on, so that auth=a#b works, but only behind a query.
  const { query, fragment } = url;
  const glued = fragment === undefined ? query : `${query}#${fragment}`;
  const parameters: Parameters = parsePhpQuery(query === undefined ? '' : (glued ?? ''));

  const weight = readInteger(parameters, 'weight', 1);
  const timeout = readDouble(parameters, 'timeout', 86_400);
  const address = addressOf(url, where, token, count);
  if (weight <= 0) {
    throw new SavePathError(`${where}: phpredis refuses this weight; write weight=1 or more`);
  }
  if (timeout <= 0) {
    throw new SavePathError(
      `${where}: phpredis refuses this timeout (0 is not "unlimited"); write seconds, timeout=2.5`,
    );
  }
  reportUnknown(parameters, KNOWN, ignored);
  reportUrlParts(url, ignored);
  const database = readInteger(parameters, 'database', -1);
  return {
    address,
    weight,
    timeout,
    readTimeout: readDouble(parameters, 'read_timeout', 0),
    persistent: readBoolean(parameters, 'persistent'),
    database: database < 0 ? undefined : database,
    prefix: readString(parameters, 'prefix') ?? 'PHPREDIS_SESSION:',
    auth: readAuth(parameters, ignored),
    stream: readStream(parameters),
  };
}

function addressOf(url: PhpUrl, where: string, token: string, count: number): RedisAddress {
  const { scheme, host, path } = url;
  if (host !== undefined) {
    const tls = TLS.test(scheme ?? 'tcp');
    if (!tls && scheme !== undefined && scheme !== 'tcp') {
      const hint = scheme === 'file' ? 'a socket is written unix:///path' : schemeHint(scheme);
      throw new SavePathError(`${where}: PHP has no transport for this scheme; ${hint}`);
    }
    return { host: withoutBrackets(host), port: url.port || 6379, tls };
  }
  // Whatever the scheme says: phpredis takes an absolute path for a socket.
  if (path?.startsWith('/')) return { socketPath: path };
  if (scheme === undefined && path !== undefined) {
    const bare = /^(?:\[([0-9A-Fa-f:.]+)\](?::(\d{1,5}))?|[^\s/:@?#[\]]+)$/.exec(path);
    const port = Number(bare?.[2] ?? 6379);
    if (bare !== null && port <= 65_535) return { host: bare[1] ?? path, port, tls: false };
  }
  throw new SavePathError(
    `${where}: PHP takes this for ${scheme === undefined ? 'a path' : 'a scheme and a path'}, not for a host; ${howTo(token, count)}`,
  );
}

function schemeHint(scheme: string): string {
  const lower = scheme.toLowerCase();
  if (lower === 'rediss') return 'write tls://host:port';
  if (TLS.test(lower)) return `write ${lower}:// in lower case`;
  return 'write tcp://host:port';
}

/** Says how to write it, without repeating what was written: it may hold the password. */
function howTo(token: string, count: number): string {
  const commas =
    count > 1 ? ' (commas and spaces separate servers: inside a value write %2C, %20)' : '';
  if (token.startsWith('unix:')) return `write unix:///path/to/redis.sock${commas}`;
  if (/^[^/]*:\d+\?/.test(token))
    return `with parameters a scheme is needed: tcp://host:port?…${commas}`;
  return `write tcp://host:port?parameter=value&…${commas}`;
}

function reportUrlParts(url: PhpUrl, ignored: IgnoredParameter[]): void {
  if (url.hasUserInfo) {
    ignored.push({
      name: 'user:password@',
      reason: 'phpredis wants auth=… or auth[]=user&auth[]=password',
    });
  }
  if (url.host !== undefined && url.path !== undefined && url.path !== '/') {
    ignored.push({ name: 'path', reason: 'phpredis wants database=… for the database' });
  }
  if (url.query === undefined && url.fragment) {
    ignored.push({ name: 'fragment', reason: 'parameters come behind a question mark' });
  }
}

/** phpredis 6 takes IPv6 with or without brackets, 5.3 only without; Node wants none. */
function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
