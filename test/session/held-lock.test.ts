import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';
import { SlowSaveHandler } from './slow-save-handler.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

let store: SlowSaveHandler;
let id: string;
let warnings: string[];
function manager(options: Omit<SessionManagerOptions, 'saveHandler'> = {}): SessionManager {
  return new SessionManager({
    concurrency: 'lock',
    lockRetries: 2,
    lockWaitTime: 1000,
    onWarning: (code) => warnings.push(code),
    ...options,
    saveHandler: store,
  });
}
async function stored(): Promise<string | undefined> {
  return (await store.read(id))?.toString('latin1');
}
/** Until somebody else can have the lock, or this many milliseconds. */
async function freeAfter(patience: number): Promise<number> {
  const started = performance.now();
  for (;;) {
    const lock = await store.lock(id).catch(() => undefined);
    const passed = performance.now() - started;
    if (lock) {
      await lock.release();
      return passed;
    }
    if (passed > patience) throw new Error('the lock is held still');
    await sleep(5);
  }
}
beforeEach(async () => {
  store = new SlowSaveHandler({ gcMaxlifetime: 100, lockRetries: 2, lockWaitTime: 1000 });
  id = createSessionId();
  warnings = [];
  await store.write(id, bytes('n|i:1;'));
});

describe('maxHold', () => {
  test('ends the lock, not the session: what is written later is merged', async () => {
    const session = await manager({ maxHold: 50 }).open(id);
    session.variables['ours'] = 1;
    expect(await freeAfter(2000)).toBeGreaterThan(20);
    expect(session.state).toBe('open');
    // Somebody else's whole request.
    const lock = await store.lock(id);
    await store.write(id, bytes('n|i:1;theirs|i:1;'));
    await lock.release();
    expect(await session.commit()).toEqual({ outcome: 'merged', conflicts: [] });
    expect(await stored()).toBe('n|i:1;theirs|i:1;ours|i:1;');
  });

  test('is told once', async () => {
    const sessions = manager({ maxHold: 20 });
    const other = createSessionId();
    await store.write(other, bytes('n|i:1;'));
    const open = [await sessions.open(id), await sessions.open(other)];
    await sleep(60);
    expect(warnings).toEqual(['PSB_LOCK_PATIENCE', 'PSB_LOCK_HELD_TOO_LONG']);
    await Promise.all(open.map((session) => session.commit()));
  });

  test('a lock that is released in time is no matter', async () => {
    const session = await manager({ maxHold: 40 }).open(id);
    session.variables['n'] = 2;
    await session.commit();
    await sleep(80);
    expect(warnings).toEqual(['PSB_LOCK_PATIENCE']);
  });

  test('what is under way keeps its lock to the end', async () => {
    const session = await manager({ maxHold: 30 }).open(id);
    session.variables['n'] = 2;
    store.pause = async (call, when) => {
      if (call === 'writeIf' && when === 'before') await sleep(80);
    };
    expect((await session.save()).outcome).toBe('written');
    expect(await freeAfter(2000)).toBeLessThan(1000);
    store.pause = () => {};
    expect(await stored()).toBe('n|i:2;');
    session.variables['n'] = 3;
    expect((await session.commit()).outcome).toBe('written');
  });

  test('renews until then, beyond the expiry of the lock', async () => {
    store = new SlowSaveHandler({ lockExpire: 1, lockRetries: 1, lockWaitTime: 1000 });
    await store.write(id, bytes('n|i:1;'));
    const session = await manager({ maxHold: 1400, lockExpire: 1 }).open(id);
    expect(await freeAfter(3000)).toBeGreaterThan(1300);
    await session.abort();
  });

  test('a new id has a time of its own', async () => {
    const session = await manager({ maxHold: 60 }).open(id);
    await session.regenerate();
    id = session.id;
    expect(await freeAfter(2000)).toBeGreaterThan(20);
    session.variables['n'] = 2;
    expect((await session.commit()).outcome).toBe('written');
  });

  test('a session without a lock has no time limit', async () => {
    const session = await manager({ maxHold: 10, concurrency: 'merge' }).open(id);
    session.variables['n'] = 2;
    await sleep(40);
    expect((await session.commit()).outcome).toBe('written');
    expect(warnings).toEqual([]);
  });

  test.each([0, -1, '60', Number.POSITIVE_INFINITY])('maxHold: %s is refused', (maxHold) => {
    expect(() => manager({ maxHold: maxHold as number })).toThrow(
      expect.objectContaining({
        code: 'ERR_PSB_OPTIONS',
        message: expect.stringContaining('maxHold'),
      }),
    );
  });
});
