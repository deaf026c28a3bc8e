/**
 * EVALSHA, with EVAL where the server has not seen the script: after its restart, or the first
 * time. phpredis releases its lock the same way.
 */
import type { RedisArgument, RedisReply } from './client.ts';
import type { Script } from './scripts.ts';
import { isNoScript } from './store-error.ts';

type Send = (name: 'EVALSHA' | 'EVAL', args: readonly RedisArgument[]) => Promise<RedisReply>;

export async function callScript(
  send: Send,
  script: Script,
  keys: readonly (string | Buffer)[],
  args: readonly RedisArgument[],
): Promise<RedisReply> {
  const rest = [keys.length, ...keys, ...args];
  try {
    return await send('EVALSHA', [script.sha, ...rest]);
  } catch (error) {
    // Nothing ran yet, so the second attempt cannot do anything twice.
    if (!isNoScript(error)) throw error;
    return send('EVAL', [script.lua, ...rest]);
  }
}
