/**
 * A borrowed node-redis client (`createClient`, `createClientPool`, `createCluster` or
 * `createSentinel`; version 5 or 6). Its raw `sendCommand` adds no key prefix, so it is added here.
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
  readonly options?: unknown;
}

export function isNodeRedis(client: object): client is NodeRedisLike {
  const { sendCommand, withTypeMapping } = client as Partial<NodeRedisLike>;
  return typeof sendCommand === 'function' && typeof withTypeMapping === 'function';
}

export function fromNodeRedis(client: NodeRedisLike): RedisClient {
  return fromCommands(nodeRedisCommands(client), true);
}

function nodeRedisCommands(client: NodeRedisLike): RedisCommands {
  const options = (client.options ?? {}) as NodeRedisOptions;
  const { keyPrefix } = options;
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
  if ('getMasterNode' in client) {
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

interface NodeRedisOptions {
  readonly keyPrefix?: RedisArgument;
  readonly socket?: { readonly host?: string; readonly port?: number; readonly path?: string };
}

function addressOf({ socket = {} }: NodeRedisOptions): string {
  return socket.path ?? `${socket.host ?? 'localhost'}:${socket.port ?? 6379}`;
}
