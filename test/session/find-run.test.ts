import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

let store: MemorySaveHandler;
let id: string;
function manager(options: Omit<SessionManagerOptions, 'saveHandler'> = {}): SessionManager {
  return new SessionManager({
    lockRetries: 2,
    lockWaitTime: 1000,
    onWarning: () => {},
    ...options,
    saveHandler: store,
  });
}
async function stored(at = id): Promise<string | undefined> {
  return (await store.read(at))?.toString('latin1');
}
beforeEach(async () => {
  store = new MemorySaveHandler({ gcMaxlifetime: 100, lockRetries: 2, lockWaitTime: 1000 });
  id = createSessionId();
  await store.write(id, bytes('userid|s:3:"kky";'));
});

const NO_SESSION = [
  ['logged out', createSessionId()],
  ['no id at all', undefined],
  ['text that is no id', '../../x'],
] as const;

describe('run()', () => {
  test.each(NO_SESSION)('%s: rejects before the work, and stores nothing', async (_, given) => {
    const sessions = manager({ useStrictMode: false });
    let called = false;
    const run = sessions.run(given, ({ variables }) => {
      called = true;
      variables['orphan'] = true;
    });
    await expect(run).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_GONE', status: 409 });
    expect(called).toBe(false);
    if (given?.length === 32) expect(await stored(given)).toBeUndefined();
    await sessions.close();
  });

  test.each(NO_SESSION)('%s, { create: true }: a new session, under a new id', async (_, given) => {
    const sessions = manager({ useStrictMode: false });
    const made = await sessions.run(
      given,
      (session) => {
        session.variables['a'] = 1;
        return session.id;
      },
      { create: true },
    );
    expect(made).not.toBe(given);
    expect(await stored(made)).toBe('a|i:1;');
    if (given?.length === 32) expect(await stored(given)).toBeUndefined();
  });

  test('{ create: true } goes on with the session if it is there', async () => {
    await manager().run(id, ({ variables }) => void Object.assign(variables, { a: 1 }), {
      create: true,
    });
    expect(await stored()).toBe('userid|s:3:"kky";a|i:1;');
  });

  test('an empty string in the store is a session', async () => {
    await store.write(id, bytes(''));
    await manager().run(id, ({ variables }) => void Object.assign(variables, { a: 1 }));
    expect(await stored()).toBe('a|i:1;');
  });

  test.each(['merge', 'lock', 'overwrite'] as const)(
    '%s: a logout during the work is not undone',
    async (concurrency) => {
      const run = manager({ concurrency }).run(id, async (session) => {
        session.variables['late'] = true;
        await store.destroy(id);
      });
      await expect(run).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_GONE' });
      expect(await stored()).toBeUndefined();
    },
  );

  test('a logout during the work: a new id would be a new session, too', async () => {
    const run = manager().run(id, async (session) => {
      await store.destroy(id);
      await session.regenerate();
    });
    await expect(run).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_GONE' });
  });

  test('nothing of a session that is not there keeps its lock or close() waiting', async () => {
    const sessions = manager({ concurrency: 'lock', closeTimeout: 5000 });
    const unknown = createSessionId();
    await sessions.run(unknown, () => {}).catch(() => {});
    await (await store.lock(unknown)).release();
    const started = performance.now();
    await sessions.close();
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('find()', () => {
  test.each(NO_SESSION)('%s: null', async (_, given) => {
    const sessions = manager({ useStrictMode: false });
    expect(await sessions.find(given)).toBeNull();
    expect(await sessions.find(given, { write: true })).toBeNull();
  });

  test('read-only as long as nobody says otherwise, and without a refresh', async () => {
    await store.updateTimestamp(id, 5);
    const session = await manager().find(id);
    expect(session?.variables).toEqual({ userid: 'kky' });
    expect(session?.readOnly).toBe(true);
    await expect(session?.save()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_READ_ONLY' });
    expect(store.ttl(id)).toBeLessThanOrEqual(5000);
  });

  test('for writing', async () => {
    const session = await manager().find(id, { write: true });
    if (session === null) throw new Error('it is there');
    session.variables['a'] = 1;
    await session.commit();
    expect(await stored()).toBe('userid|s:3:"kky";a|i:1;');
  });

  test.each(['merge', 'overwrite'] as const)(
    '%s: never creates one, not even when it is written',
    async (concurrency) => {
      const session = await manager({ concurrency }).find(id, { write: true });
      if (session === null) throw new Error('it is there');
      session.variables['a'] = 1;
      await store.destroy(id);
      await expect(session.save()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_GONE' });
      expect(await stored()).toBeUndefined();
    },
  );

  test("'overwrite', too, keeps what others wrote", async () => {
    const session = await manager({ concurrency: 'overwrite' }).find(id, { write: true });
    if (session === null) throw new Error('it is there');
    session.variables['a'] = 1;
    await store.write(id, bytes('userid|s:3:"kky";theirs|i:1;'));
    await session.commit();
    expect(await stored()).toBe('userid|s:3:"kky";theirs|i:1;a|i:1;');
  });

  test('an empty string in the store is a session', async () => {
    await store.write(id, bytes(''));
    expect((await manager().find(id))?.exists).toBe(true);
  });

  test('a closed manager finds nothing', async () => {
    const sessions = manager();
    await sessions.close();
    await expect(sessions.find(id)).rejects.toMatchObject({
      code: 'ERR_PSB_MANAGER_CLOSED',
      status: 503,
    });
  });
});

describe("onLockFailure 'readonly' and a lock that stays busy", () => {
  const busy = { concurrency: 'lock', onLockFailure: 'readonly' } as const;

  test.each([{}, { create: true }])('run(%o) rejects before the work', async (options) => {
    await store.lock(id);
    let called = false;
    const run = manager(busy).run(
      id,
      () => {
        called = true;
      },
      options,
    );
    await expect(run).rejects.toMatchObject({ code: 'ERR_PSB_LOCK_BUSY' });
    expect(called).toBe(false);
  });

  test('find() for writing rejects, for reading it does not ask for the lock', async () => {
    await store.lock(id);
    const sessions = manager(busy);
    await expect(sessions.find(id, { write: true })).rejects.toMatchObject({
      code: 'ERR_PSB_LOCK_BUSY',
    });
    expect((await sessions.find(id))?.variables).toEqual({ userid: 'kky' });
    expect((await sessions.open(id)).readOnly).toBe(true);
  });
});
