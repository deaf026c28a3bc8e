/** Sessions that nobody ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { SessionManager } from '../../src/config/session-manager.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Opens sessions and forgets them, until the garbage collector has them. */
async function forget(sessions: SessionManager, store: MemorySaveHandler, count: number) {
  let collected = 0;
  const registry = new FinalizationRegistry(() => {
    collected++;
  });
  const ids = Array.from({ length: count }, () => createSessionId());
  for (const id of ids) {
    await store.write(id, Buffer.from('n|i:1;'));
    const session = await sessions.open(id);
    session.variables['n'] = 2;
    registry.register(session, id);
  }
  // The last one may be known to the loop that made it.
  for (let look = 0; look < 100 && collected < count - 1; look++) {
    await sleep(5);
    collectGarbage();
  }
  // Were the registry collected before them, nobody would be told.
  return { ids, collected, registry };
}

describe('sessions that nobody ends', () => {
  test.each([
    ['merge', 2000],
    ['lock', 20],
  ] as const)(
    '%s: they leave, and close() does not wait for them',
    async (concurrency, count) => {
      const store = new MemorySaveHandler({ lockExpire: 1, lockRetries: 1, lockWaitTime: 1000 });
      const sessions = new SessionManager({
        saveHandler: store,
        concurrency,
        lockExpire: 1,
        closeTimeout: 20_000,
        onWarning: () => {},
      });
      const { ids, collected } = await forget(sessions, store, count);
      expect(collected).toBeGreaterThan(0.9 * count);
      if (concurrency === 'lock') {
        // A third of the lock's lifetime, until it is looked whether somebody holds it still.
        await sleep(500);
        const locks = await Promise.allSettled(ids.map((id) => store.lock(id)));
        const free = locks.filter(({ status }) => status === 'fulfilled');
        expect(free.length).toBeGreaterThan(0.9 * count);
      }
      const started = performance.now();
      const closed = sessions.close();
      await sleep(20);
      collectGarbage();
      await closed;
      expect(performance.now() - started).toBeLessThan(2000);
    },
    20_000,
  );

  test('close() releases their locks at once', async () => {
    const store = new MemorySaveHandler({ lockRetries: 1, lockWaitTime: 1000 });
    const sessions = new SessionManager({
      saveHandler: store,
      concurrency: 'lock',
      closeTimeout: 50,
      onWarning: () => {},
    });
    const { ids, collected } = await forget(sessions, store, 20);
    expect(collected).toBeGreaterThan(17);
    await expect(store.lock(ids[0] as string)).rejects.toMatchObject({ code: 'ERR_PSB_LOCK_BUSY' });
    // The sessions stay in this store, so that their locks can be looked at.
    store.close = async () => {};
    await sessions.close();
    for (const id of ids) await (await store.lock(id)).release();
  });

  test('close() waits for those that somebody has', async () => {
    const sessions = new SessionManager({ saveHandler: new MemorySaveHandler() });
    const session = await sessions.open();
    session.variables['n'] = 1;
    let isClosed = false;
    const closed = sessions.close().then(() => {
      isClosed = true;
    });
    await sleep(120);
    collectGarbage();
    expect(isClosed).toBe(false);
    expect((await session.commit()).outcome).toBe('written');
    await closed;
  });

  test('and for those of which only a method is under way', async () => {
    const store = new MemorySaveHandler();
    const id = createSessionId();
    await store.write(id, Buffer.from('n|i:1;'));
    const sessions = new SessionManager({ saveHandler: store, onWarning: () => {} });
    const lock = await store.lock(id);
    const commit = async () => {
      const session = await sessions.open(id);
      session.variables['n'] = 2;
      void session.commit();
    };
    await commit();
    const closed = sessions.close();
    await sleep(60);
    collectGarbage();
    await sleep(60);
    await lock.release();
    await closed;
    expect(String(await store.read(id))).toBe('n|i:2;');
  });
});
