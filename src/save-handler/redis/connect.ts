/**
 * Clients of our own for the servers of a save path: ioredis with settings under which nothing is
 * queued while the server is away, nothing is sent twice, and nothing waits for ever.
 */
import type { TLSSocket } from 'node:tls';
import type * as Ioredis from 'ioredis';
import { OptionsError } from '../../errors.ts';
import type { RedisClient } from './client.ts';
import { Connection, type OpenedClient, type Opener } from './connection.ts';
import type { RedisAuth } from './save-path-parameters.ts';
import type { RedisAddress, RedisMember } from './save-path-redis.ts';
import type { RedisClusterSavePath } from './save-path-rediscluster.ts';
import { isClosed } from './store-error.ts';
import { assertPeer, tlsOptions } from './tls-options.ts';

export interface ConnectOptions {
  /**
   * Milliseconds for a connection to be made, handshake included. Default: `timeout` of the save
   * path; but phpredis's own default of a whole day becomes 5000.
   */
  readonly connectTimeout?: number | undefined;
  /** Milliseconds for one command. Default: `read_timeout` of the save path, else 5000. */
  readonly commandTimeout?: number | undefined;
  /** `CLIENT SETNAME`, to find the connections in `CLIENT LIST`. */
  readonly clientName?: string | undefined;
  /** Commands of one tick travel in one write. Default `false`. */
  readonly autoPipelining?: boolean | undefined;
}

/** The classes of ioredis 5.4 or newer, or 6. */
export type IoredisModule = Pick<typeof Ioredis, 'Redis' | 'Cluster'>;

const PATIENCE = 5000;
/** phpredis's default `timeout`, in seconds. */
const A_DAY = 86_400;

/** Nothing is sent until the first command. */
export function connect(
  member: RedisMember,
  options: ConnectOptions = {},
  load: () => Promise<IoredisModule> = loadIoredis,
): RedisClient {
  return new Connection(serverOpener(member, options, load));
}

/** As {@link connect}, for a whole cluster. */
export function connectCluster(
  savePath: RedisClusterSavePath,
  options: ConnectOptions = {},
  load: () => Promise<IoredisModule> = loadIoredis,
): RedisClient {
  return new Connection(clusterOpener(savePath, options, load));
}

/** ioredis is an optional peer: who brings another client need not have it. */
async function loadIoredis(): Promise<IoredisModule> {
  try {
    return await import('ioredis');
  } catch (cause) {
    throw new OptionsError(
      'a save path needs the package ioredis (^5.4 or ^6): npm install ioredis',
      {
        cause,
      },
    );
  }
}

function limits(
  timeout: number,
  readTimeout: number,
  options: ConnectOptions,
): { connectTimeout: number; commandTimeout: number } {
  const given = timeout > 0 && timeout < A_DAY ? timeout * 1000 : PATIENCE;
  const read = readTimeout > 0 ? readTimeout * 1000 : PATIENCE;
  // Node's timers end at 31 bits, and 0 would mean "no limit" to ioredis.
  const whole = (ms: number): number => Math.min(Math.max(Math.ceil(ms), 1), 2_147_483_647);
  return {
    connectTimeout: whole(options.connectTimeout ?? given),
    commandTimeout: whole(options.commandTimeout ?? read),
  };
}

function serverOpener(
  member: RedisMember,
  options: ConnectOptions,
  load: () => Promise<IoredisModule>,
): Opener {
  const { address, stream } = member;
  const { connectTimeout, commandTimeout } = limits(member.timeout, member.readTimeout, options);
  return {
    address: addressText(address),
    cluster: false,
    commandTimeout,
    async open() {
      const { Redis } = await load();
      const secure = 'tls' in address && address.tls;
      const redis = new Redis({
        ...('socketPath' in address
          ? { path: address.socketPath }
          : { host: address.host, port: address.port }),
        ...(secure ? { tls: tlsOptions(stream) } : {}),
        ...SAFE,
        connectTimeout,
        commandTimeout,
        lazyConnect: true,
        retryStrategy: () => null,
        enableAutoPipelining: options.autoPipelining === true,
      });
      return opened(redis, connectTimeout, async () => {
        if (secure) {
          const { stream: socket } = redis as unknown as { stream: TLSSocket };
          assertPeer(socket, stream, address.host);
        }
        await handshake(redis, member, options.clientName);
      });
    },
  };
}

/**
 * Sent by us and not by ioredis, which would go on where AUTH or SELECT failed: in database 0, say.
 */
async function handshake(
  redis: Ioredis.Redis,
  { auth, database }: Pick<RedisMember, 'auth' | 'database'>,
  clientName: string | undefined,
): Promise<void> {
  const steps: Promise<unknown>[] = [];
  if (auth !== undefined) steps.push(redis.call('auth', credentials(auth)));
  if (database !== undefined && database > 0) steps.push(redis.call('select', database));
  if (clientName !== undefined) {
    // A name is a help in CLIENT LIST; a user who may not give one can still have sessions.
    steps.push(redis.call('client', 'SETNAME', clientName).catch(() => undefined));
  }
  const results = await Promise.allSettled(steps);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function credentials({ user, password }: RedisAuth): string[] {
  return user === undefined ? [password] : [user, password];
}

function clusterOpener(
  savePath: RedisClusterSavePath,
  options: ConnectOptions,
  load: () => Promise<IoredisModule>,
): Opener {
  const { auth, stream, tls, members } = savePath;
  const { connectTimeout, commandTimeout } = limits(
    savePath.timeout,
    savePath.readTimeout,
    options,
  );
  return {
    address: `cluster ${members.map(({ host, port }) => hostAndPort(host, port)).join(', ')}`,
    cluster: true,
    commandTimeout,
    async open() {
      const { Cluster } = await load();
      const cluster = new Cluster([...members], {
        lazyConnect: true,
        enableOfflineQueue: false,
        enableReadyCheck: false,
        enableAutoPipelining: options.autoPipelining === true,
        clusterRetryStrategy: () => null,
        // A replica may not have the login yet.
        scaleReads: 'master',
        // ioredis would send again what was on a broken connection; a redirect is not that.
        retryDelayOnFailover: 0,
        slotsRefreshTimeout: connectTimeout,
        redisOptions: {
          ...SAFE,
          ...(tls ? { tls: tlsOptions(stream) } : {}),
          ...(auth === undefined ? {} : { password: auth.password }),
          ...(auth?.user === undefined ? {} : { username: auth.user }),
          ...(options.clientName === undefined ? {} : { connectionName: options.clientName }),
          connectTimeout,
          commandTimeout,
        },
      });
      return opened(cluster, connectTimeout, async () => {
        // ioredis goes on with a warning on the console where a node wants no password.
        if (auth !== undefined) await cluster.nodes('master')[0]?.call('auth', credentials(auth));
      });
    },
  };
}

/** What both kinds of client are told. */
const SAFE = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  // INFO, HELLO and CLIENT SETINFO would be three more commands for the user's ACL to allow.
  enableReadyCheck: false,
  protocol: 2,
  disableClientInfo: true,
  keepAlive: 30_000,
} as const;

interface Openable extends OpenedClient {
  connect(): Promise<unknown>;
}

/** Connects, does what comes first, and gives up after the time limit whatever is going on. */
async function opened(
  client: Openable,
  connectTimeout: number,
  first: () => Promise<void>,
): Promise<OpenedClient> {
  let cause: unknown;
  // ioredis says why in an event and rejects with "Connection is closed." only.
  client.on('error', (error) => {
    cause = lastNodeError(error) ?? error;
  });
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('connecting timed out')), connectTimeout);
  });
  try {
    const ready = client.connect().then(first);
    // It may fail after the deadline has won.
    ready.catch(() => undefined);
    await Promise.race([ready, deadline]);
    return client;
  } catch (error) {
    client.disconnect();
    throw isClosed(error) ? (cause ?? error) : (lastNodeError(error) ?? error);
  } finally {
    clearTimeout(timer);
  }
}

/** Cluster: "Failed to refresh slots cache." hides what the last node said. */
function lastNodeError(error: unknown): unknown {
  return (error as { lastNodeError?: unknown } | null)?.lastNodeError;
}

function addressText(address: RedisAddress): string {
  if ('socketPath' in address) return address.socketPath;
  return hostAndPort(address.host, address.port);
}

function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
