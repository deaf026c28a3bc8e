/**
 * Any other client, by the one function `command` that it has to offer.
 */
import type { RedisArgument, RedisClient, RedisCommands, RedisReply } from './client.ts';
import { KEYED_COMMANDS, normaliseReply } from './client.ts';
import { callScript } from './script-call.ts';
import { toStoreError } from './store-error.ts';

export function isRedisCommands(client: object): client is RedisCommands {
  return typeof (client as Partial<RedisCommands>).command === 'function';
}

/** @param resent does the client send again by itself what a lost connection has not answered? */
export function fromCommands(client: RedisCommands, borrowed = true, resent = false): RedisClient {
  const { keyPrefix = '', cluster = false, address = 'the given client' } = client;

  const send = async (
    name: string,
    args: readonly RedisArgument[],
    firstKey?: number,
  ): Promise<RedisReply> => {
    const wire = args.map((arg) => (typeof arg === 'number' ? String(arg) : arg));
    const key = firstKey === undefined ? undefined : wire[firstKey];
    return normaliseReply(await client.command(name, wire, key));
  };

  return {
    address,
    borrowed,
    cluster,
    keyPrefix,
    async command(name, args) {
      const keyed = KEYED_COMMANDS.has(name);
      const [key, ...rest] = args;
      try {
        if (!keyed || key === undefined) return await send(name, args);
        return await send(name, [prefixed(keyPrefix, key), ...rest], 0);
      } catch (error) {
        throw toStoreError(error, { address, command: name, resent });
      }
    },
    async script(script, keys, args) {
      try {
        return await callScript(
          // EVALSHA sha numkeys key …
          (name, all) => send(name, all, keys.length > 0 ? 2 : undefined),
          script,
          keys.map((key) => prefixed(keyPrefix, key)),
          args,
        );
      } catch (error) {
        throw toStoreError(error, { address, command: script, resent });
      }
    },
    async close() {},
  };
}

function prefixed(prefix: string, key: RedisArgument): string | Buffer {
  if (Buffer.isBuffer(key)) return prefix === '' ? key : Buffer.concat([Buffer.from(prefix), key]);
  return prefix + String(key);
}
