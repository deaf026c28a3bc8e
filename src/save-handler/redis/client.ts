/**
 * What a save handler asks of a Redis client: the one interface to which ioredis, node-redis and
 * Valkey's clients are brought.
 */
import type { Script } from './scripts.ts';

export type RedisArgument = string | Buffer | number;

/** Every reply in one shape: strings of all kinds as Buffer, integers as number, nil as null. */
export type RedisReply = Buffer | number | null | readonly RedisReply[];

export interface RedisClient {
  /**
   * Sends one command. For the commands in {@link KEYED_COMMANDS} the first argument is the key,
   * to which the client adds its own key prefix; other commands are sent as they are.
   * @throws StoreError, with the address and the command's name, never with an argument
   */
  command(name: string, args: readonly RedisArgument[]): Promise<RedisReply>;
  /** EVALSHA, and EVAL where the server does not know the script yet. Keys get the key prefix. */
  script(
    script: Script,
    keys: readonly (string | Buffer)[],
    args: readonly RedisArgument[],
  ): Promise<RedisReply>;
  /** The prefix that the client itself puts before every key (`''` for none). */
  readonly keyPrefix: string;
  /** A cluster: two keys may be joined in a script only if they share a slot. */
  readonly cluster: boolean;
  /** Host and port or socket, for messages. */
  readonly address: string;
  /** The user's own client: `close()` leaves it open. */
  readonly borrowed: boolean;
  close(): Promise<void>;
}

/** Commands of the session cycle, all with the key as their first argument. */
export const KEYED_COMMANDS: ReadonlySet<string> = new Set([
  'GET',
  'GETEX',
  'SET',
  'SETEX',
  'EXISTS',
  'EXPIRE',
  'PEXPIRE',
  'TTL',
  'PTTL',
  'DEL',
  'TYPE',
  'STRLEN',
]);

/**
 * The least that another client has to offer (`redis: { command, … }`); Valkey GLIDE, say:
 *
 * ```js
 * const redis = {
 *   command: (name, args) => glide.customCommand([name, ...args], { decoder: Decoder.Bytes }),
 * };
 * ```
 */
export interface RedisCommands {
  /**
   * Sends one command and answers its reply: strings as Buffer (a string would be read as UTF-8,
   * which loses binary sessions), integers as number, nil as null, arrays as arrays. An error
   * reply rejects with the server's own text as message.
   *
   * @param name upper case, e.g. `GET`, `EVALSHA`
   * @param args key first; for `EVALSHA` and `EVAL` the script, the number of keys, the keys
   * @param key the key that decides the node of a cluster; absent for commands without a key
   */
  command(
    name: string,
    args: readonly (string | Buffer)[],
    key?: string | Buffer,
  ): Promise<unknown>;
  /** A prefix that the session keys get in front of `prefix`. Default none. */
  readonly keyPrefix?: string | undefined;
  /** Is it a cluster? Default `false`. */
  readonly cluster?: boolean | undefined;
  /** Host and port, for messages. */
  readonly address?: string | undefined;
}

/**
 * @throws TypeError for a reply that is neither a string, a number, nil nor an array of these
 */
export function normaliseReply(reply: unknown): RedisReply {
  if (reply === null || reply === undefined) return null;
  if (typeof reply === 'number' || Buffer.isBuffer(reply)) return reply;
  if (typeof reply === 'string') return Buffer.from(reply);
  if (typeof reply === 'bigint') return Number(reply);
  if (typeof reply === 'boolean') return reply ? 1 : 0;
  if (reply instanceof Uint8Array) {
    return Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength);
  }
  if (Array.isArray(reply)) return reply.map(normaliseReply);
  throw new TypeError('the Redis client answered with something that is no plain reply');
}
