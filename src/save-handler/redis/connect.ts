/**
 * Clients of our own for the servers of a save path: ioredis with settings under which nothing is
 * queued while the server is away, nothing is sent twice, and nothing waits for ever.
 */
import type { Socket } from 'node:net';
import type * as Ioredis from 'ioredis';
import { OptionsError, StoreError } from '../../errors.ts';
import { Backoff } from './backoff.ts';
import type { RedisClient } from './client.ts';
import { Connection, type OpenedClient, type Opener } from './connection.ts';
import { addressText, type Destination, dial } from './dial.ts';
import type { CredentialsFunction } from './login.ts';
import type { RedisMember } from './save-path-redis.ts';
import type { RedisClusterSavePath } from './save-path-rediscluster.ts';
import { isClosed, isTimeout } from './store-error.ts';

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
  /**
   * In the place of `auth=` in the save path: a function that gives user and password, for tokens
   * that expire and passwords that rotate. It is asked at every new connection, in a cluster at
   * that to every node, within `connectTimeout` and after the certificate was checked. If it fails,
   * the error is `ERR_PSB_STORE_AUTH`, without what the function itself said.
   */
  readonly credentials?: CredentialsFunction | undefined;
}

/** The classes of ioredis 5.4 or newer, or 6. */
export type IoredisModule = Pick<typeof Ioredis, 'Redis' | 'Cluster'>;

const PATIENCE = 5000;
/** Milliseconds by which other limits come later than that of a connection, which has a reason. */
const GRACE = 100;
/** Node's timers end at 31 bits. */
const LONGEST = 2_147_483_647 - GRACE;
/** Milliseconds for a server to close the connection in its turn, as ioredis waits. */
const FAREWELL = 2000;
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
  // 0 would mean "no limit" to ioredis.
  const whole = (ms: number): number => Math.min(Math.max(Math.ceil(ms), 1), LONGEST);
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
  const destination: Destination = {
    address,
    tls: 'tls' in address && address.tls ? stream : undefined,
    login: options.credentials ?? member.auth,
    database: member.database,
    clientName: options.clientName,
    timeout: connectTimeout,
  };
  return {
    address: addressText(address),
    cluster: false,
    async open() {
      const { Redis } = await load();
      const redis = new Redis({
        // For what ioredis reports of itself; the connector alone dials.
        ...('socketPath' in address
          ? { path: address.socketPath }
          : { host: address.host, port: address.port }),
        ...SAFE,
        ...connector(() => destination),
        commandTimeout,
        lazyConnect: true,
        retryStrategy: () => null,
        enableAutoPipelining: options.autoPipelining === true,
      });
      return opened(redis, connectTimeout);
    },
  };
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
  const node: Omit<Destination, 'address'> = {
    tls: tls ? stream : undefined,
    login: options.credentials ?? auth,
    timeout: connectTimeout,
  };
  return {
    address: `cluster ${members.map((address) => addressText(address)).join(', ')}`,
    cluster: true,
    async open() {
      const { Cluster } = await load();
      const backoffs = new Map<string, Backoff>();
      const cluster = new Cluster([...members], {
        lazyConnect: true,
        // A node is connected to when it is first asked: who comes in between waits for that.
        enableOfflineQueue: true,
        enableReadyCheck: false,
        enableAutoPipelining: options.autoPipelining === true,
        clusterRetryStrategy: () => null,
        // A replica may not have the login yet.
        scaleReads: 'master',
        // ioredis would send again what was on a broken connection; a redirect is not that.
        retryDelayOnFailover: 0,
        slotsRefreshTimeout: connectTimeout + GRACE,
        // A certificate is for the name of a seed, which ioredis would replace by its address.
        dnsLookup: (host, found) => found(null, host),
        redisOptions: {
          ...SAFE,
          ...connector(({ host, port }) => ({ ...node, address: { host, port } }), backoffs),
          ...(options.clientName === undefined ? {} : { connectionName: options.clientName }),
          commandTimeout,
        },
      });
      // ioredis lets go of ASKING: that it failed would end the process as an unhandled rejection,
      // while the command behind it says so to its caller.
      cluster.on('+node', (node: Ioredis.Redis) => {
        const asking = node.asking.bind(node);
        node.asking = () => {
          const asked = asking();
          asked.catch(() => undefined);
          return asked;
        };
      });
      return opened(cluster, connectTimeout);
    },
  };
}

/** The part of an ioredis client's options that says which server it is for. */
interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Every connection that ioredis makes comes from here: to the server, to the seeds of a cluster, to
 * nodes that `CLUSTER SLOTS` or a redirect named, and the one that asks for the slots.
 *
 * @param backoffs of a cluster's nodes. ioredis asks for a new connection with every command for a
 * node that it has lost; a single server is left alone by {@link Connection}.
 */
function connector(
  destinationOf: (options: NodeAddress) => Destination,
  backoffs?: Map<string, Backoff>,
): Pick<Ioredis.RedisOptions, 'Connector'> {
  class DialConnector {
    /** What ioredis tells the commands of a socket that died before it was handed over. */
    firstError: Error | undefined;
    readonly #destination: Destination;
    #dialling: AbortController | undefined;
    #socket: Socket | undefined;

    constructor(options: NodeAddress) {
      this.#destination = destinationOf(options);
    }

    async connect(): Promise<Socket> {
      const name = addressText(this.#destination.address);
      const lost = backoffs?.get(name);
      if (lost?.resting) throw lost.failure;
      const dialling = new AbortController();
      this.#dialling = dialling;
      let socket: Socket;
      try {
        socket = await dial(this.#destination, dialling.signal);
      } catch (error) {
        if (!dialling.signal.aborted) {
          const backoff = backoffs?.get(name) ?? new Backoff();
          backoff.failed(error);
          backoffs?.set(name, backoff);
        }
        throw error;
      }
      backoffs?.delete(name);
      this.#socket = socket;
      socket.once('error', (error) => {
        this.firstError = error;
      });
      return socket;
    }

    disconnect(): void {
      // The text by which ioredis knows that it was its own wish.
      this.#dialling?.abort(new Error('Connection is closed.'));
      const socket = this.#socket;
      if (socket === undefined) return;
      const patience = setTimeout(() => socket.destroy(), FAREWELL);
      socket.once('close', () => clearTimeout(patience));
      socket.end();
    }

    check(): boolean {
      return true;
    }
  }
  // ioredis wants its own class for a base, which is loaded when it is first needed.
  return { Connector: DialConnector as unknown as NonNullable<Ioredis.RedisOptions['Connector']> };
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

/** Connects, and gives up after the time limit whatever is going on. */
async function opened(client: Openable, connectTimeout: number): Promise<OpenedClient> {
  const said: unknown[] = [];
  let opening = true;
  const listen = (error: unknown): void => {
    // Cluster: "Failed to refresh slots cache." hides what the last node said.
    if (opening) said.push((error as { lastNodeError?: unknown } | null)?.lastNodeError ?? error);
  };
  // ioredis says why in events, and rejects with a sentence of its own. The first listener stays:
  // without one, ioredis prints what comes after a failure.
  client.on('error', listen);
  client.on('node error', listen);
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('connecting timed out')), connectTimeout + GRACE);
  });
  try {
    const ready = client.connect();
    // It may fail after the deadline has won.
    ready.catch(() => undefined);
    await Promise.race([ready, deadline]);
    return client;
  } catch (error) {
    client.disconnect();
    throw said.findLast((reason) => !isAbsence(reason)) ?? said.at(-1) ?? error;
  } finally {
    opening = false;
    clearTimeout(timer);
    client.off('node error', listen);
  }
}

/** Of a seed that was not there. One that refused us says more. */
function isAbsence(error: unknown): boolean {
  if (!(error instanceof StoreError)) return isClosed(error) || isTimeout(error);
  return error.code === 'ERR_PSB_STORE_UNREACHABLE' && !error.message.includes('TLS');
}
