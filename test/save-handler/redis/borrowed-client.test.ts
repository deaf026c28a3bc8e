import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type BorrowedClient, borrow } from '../../../src/save-handler/redis/borrowed-client.ts';

/** What a client makes of SET: `after` milliseconds later, an error with this text. */
async function codeOf(
  shape: Readonly<Record<string, unknown>>,
  method: 'callBuffer' | 'sendCommand',
  text: string,
  after: number,
): Promise<string> {
  const client = {
    ...shape,
    [method]: async () => {
      await sleep(after);
      throw new Error(text);
    },
  };
  const { code } = await borrow(client as unknown as BorrowedClient, () => {})
    .command('SET', ['k', 'v'])
    .then(
      () => ({ code: 'served' }),
      (error: { code: string }) => error,
    );
  return code;
}

/** A borrowed client may send a command again that it has lost: its last word is not about the first time. */
describe('a refusal of the client itself', () => {
  const text = "Cluster isn't ready and enableOfflineQueue options is false";
  const cluster = (retryDelayOnFailover?: number) => ({
    isCluster: true,
    options: retryDelayOnFailover === undefined ? {} : { retryDelayOnFailover },
  });

  test('at once: it was not sent', async () => {
    expect(await codeOf(cluster(), 'callBuffer', text, 0)).toBe('ERR_PSB_STORE_UNREACHABLE');
  });

  test("after ioredis's delay for another attempt: not known", async () => {
    expect(await codeOf(cluster(), 'callBuffer', text, 110)).toBe('ERR_PSB_STORE_UNKNOWN_OUTCOME');
    expect(await codeOf(cluster(20), 'callBuffer', text, 30)).toBe('ERR_PSB_STORE_UNKNOWN_OUTCOME');
  });

  test('at any time, where there is no other attempt', async () => {
    expect(await codeOf(cluster(0), 'callBuffer', text, 110)).toBe('ERR_PSB_STORE_UNREACHABLE');
  });

  test("node-redis's Sentinel tries again by itself", async () => {
    const shape = { withTypeMapping() {} };
    const offline = 'The client is offline';
    expect(await codeOf(shape, 'sendCommand', offline, 0)).toBe('ERR_PSB_STORE_UNREACHABLE');
    const sentinel = { ...shape, getMasterNode() {} };
    expect(await codeOf(sentinel, 'sendCommand', offline, 0)).toBe('ERR_PSB_STORE_UNKNOWN_OUTCOME');
  });
});
