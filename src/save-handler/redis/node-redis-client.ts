/**
 * A borrowed node-redis client (`createClient`, `createClientPool`, `createCluster` or
 * `createSentinel`; version 5 or 6). Its raw `sendCommand` adds no key prefix, so it is added here;
 * version 5 knows none.
 */
import type { RedisArgument, RedisClient, RedisCommands } from './client.ts';
import { fromCommands } from './commands-client.ts';

/** node-redis names its reply types by RESP's marker bytes: `$`, `+`, `=`. */
const AS_BUFFER = { typeMapping: { 36: Buffer, 43: Buffer, 61: Buffer } };

type SendCommand = (args: readonly (string | Buffer)[], options: object) => Promise<unknown>;
type SendToCluster = (
  key: string | Buffer | undefined,
  isReadonly: boolean,
  args: readonly (string | Buffer)[],
  options: object,
) => Promise<unknown>;

/** The part of node-redis that is used. */
export interface NodeRedisLike {
  // The three kinds of client have this method with different parameters.
  sendCommand(...args: never[]): Promise<unknown>;
  withTypeMapping(...args: never[]): unknown;
}

export function isNodeRedis(client: object): client is NodeRedisLike {
  const { sendCommand, withTypeMapping } = client as Partial<NodeRedisLike>;
  return typeof sendCommand === 'function' && typeof withTypeMapping === 'function';
}

export function fromNodeRedis(client: NodeRedisLike): RedisClient {
  // Sentinel tries again with the next master, whatever became of the first attempt.
  return fromCommands(nodeRedisCommands(client), true, isSentinel(client));
}

/** What the kinds of client show of their settings: each of them in another place, or not at all. */
interface NodeRedisSettings {
  /** Version 6, every kind. Version 5 keeps an option `keyPrefix` and does nothing with it. */
  readonly _keyPrefix?: RedisArgument;
  /** A single connection. */
  readonly options?: NodeRedisOptions;
  /** A cluster. */
  readonly _options?: NodeRedisOptions;
  /** A connection, a cluster, a pool. */
  readonly _commandOptions?: { readonly timeout?: number };
  /** Sentinel. */
  readonly commandOptions?: { readonly timeout?: number };
}

interface NodeRedisOptions {
  readonly disableOfflineQueue?: boolean;
  readonly socket?: { readonly host?: string; readonly port?: number; readonly path?: string };
  /** A cluster's settings for its nodes. */
  readonly defaults?: NodeRedisOptions;
}

/** Settings to change; a pool and Sentinel do not show whether they queue, so nothing is said. */
export function unsafeNodeRedis(client: NodeRedisLike): string[] {
  const shown = client as NodeRedisSettings;
  const options = shown.options ?? shown._options;
  if (options === undefined) return [];
  const unsafe: string[] = [];
  const { disableOfflineQueue } = options.defaults ?? options;
  if (disableOfflineQueue !== true) unsafe.push('disableOfflineQueue: true');
  // Version 6 has a limit of its own (5 s), which its options do not show.
  if (!shown._commandOptions?.timeout) unsafe.push('commandOptions: { timeout }');
  return unsafe;
}

function nodeRedisCommands(client: NodeRedisLike): RedisCommands {
  const { _keyPrefix: keyPrefix, options = {} } = client as NodeRedisSettings;
  const prefix = keyPrefix === undefined ? {} : { keyPrefix: String(keyPrefix) };
  if ('slots' in client) {
    const send = client.sendCommand.bind(client) as unknown as SendToCluster;
    return {
      ...prefix,
      cluster: true,
      address: 'the cluster',
      // Session reads go to masters: a replica may not have the login yet.
      command: (_name, args, key) => send(key, false, [_name, ...args], AS_BUFFER),
    };
  }
  if (isSentinel(client)) {
    const send = client.sendCommand.bind(client) as unknown as (
      isReadonly: boolean,
      args: readonly (string | Buffer)[],
      options: object,
    ) => Promise<unknown>;
    return {
      ...prefix,
      address: "Sentinel's master",
      command: (name, args) => send(false, [name, ...args], AS_BUFFER),
    };
  }
  const send = client.sendCommand.bind(client) as unknown as SendCommand;
  return {
    ...prefix,
    address: addressOf(options),
    command: (name, args) => send([name, ...args], AS_BUFFER),
  };
}

function isSentinel(client: NodeRedisLike): boolean {
  return 'getMasterNode' in client;
}

function addressOf({ socket = {} }: NodeRedisOptions): string {
  return socket.path ?? `${socket.host ?? 'localhost'}:${socket.port ?? 6379}`;
}
