/**
 * A borrowed ioredis client (`Redis` or `Cluster`, version 5 or 6), taken as it is: it adds its own
 * key prefix to every key, and it is never closed by us.
 */
import type { RedisArgument, RedisClient, RedisReply } from './client.ts';
import { normaliseReply } from './client.ts';
import { callScript } from './script-call.ts';
import type { Script } from './scripts.ts';
import { toStoreError } from './store-error.ts';

/** The part of ioredis that is used. */
export interface IoredisLike {
  callBuffer(command: string, ...args: RedisArgument[]): Promise<unknown>;
  readonly options?: object;
  readonly isCluster?: boolean;
}

export function isIoredis(client: object): client is IoredisLike {
  return typeof (client as Partial<IoredisLike>).callBuffer === 'function';
}

/** @param address for messages; default what the client's options say */
export function fromIoredis(client: IoredisLike, address = addressOf(client)): RedisClient {
  const send = async (name: string, args: readonly RedisArgument[]): Promise<RedisReply> =>
    normaliseReply(await callBuffer(client, name, args));
  const resendsAfter = resendDelay(client);
  const failed = (error: unknown, command: string | Script, start: number): Error =>
    toStoreError(error, { address, command, resent: performance.now() - start >= resendsAfter });
  return {
    address,
    borrowed: true,
    cluster: client.isCluster === true,
    keyPrefix: keyPrefixOf(client),
    async command(name, args) {
      const start = performance.now();
      try {
        return await send(name, args);
      } catch (error) {
        throw failed(error, name, start);
      }
    },
    async script(script: Script, keys, args) {
      const start = performance.now();
      try {
        return await callScript(send, script, keys, args);
      } catch (error) {
        throw failed(error, script, start);
      }
    },
    async close() {},
  };
}

/**
 * Milliseconds after which a Cluster sends again what was on a broken connection. What it refuses
 * before that, it has not sent.
 */
function resendDelay(client: IoredisLike): number {
  const { retryDelayOnFailover } = optionsOf(client);
  const resends = client.isCluster === true && retryDelayOnFailover !== 0;
  return resends ? Number(retryDelayOnFailover ?? 100) : Number.POSITIVE_INFINITY;
}

/**
 * The command's own method and not `callBuffer`, which forgets the command's name as soon as
 * `enableAutoPipelining` is on (ioredis 5.11 and 6.0).
 */
export function callBuffer(
  client: IoredisLike,
  name: string,
  args: readonly RedisArgument[],
): Promise<unknown> {
  // ioredis finds the keys (for its prefix and for the slot) by the lower-case name.
  const command = name.toLowerCase();
  const method = (client as unknown as Record<string, unknown>)[`${command}Buffer`];
  if (typeof method !== 'function') return client.callBuffer(command, ...args);
  return Reflect.apply(method, client, args) as Promise<unknown>;
}

function optionsOf(client: IoredisLike): Record<string, unknown> {
  return (client.options ?? {}) as Record<string, unknown>;
}

function keyPrefixOf(client: IoredisLike): string {
  const { keyPrefix, redisOptions } = optionsOf(client);
  const nested = (redisOptions as { keyPrefix?: unknown } | undefined)?.keyPrefix;
  return String(keyPrefix || (client.isCluster === true && nested) || '');
}

function addressOf(client: IoredisLike): string {
  const { path, host, port, sentinels, name } = optionsOf(client);
  if (client.isCluster === true) return 'the cluster';
  if (Array.isArray(sentinels) && sentinels.length > 0) return `Sentinel's master ${String(name)}`;
  if (typeof path === 'string' && path !== '') return path;
  return `${String(host ?? 'localhost')}:${String(port ?? 6379)}`;
}
