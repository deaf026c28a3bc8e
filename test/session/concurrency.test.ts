import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

let store: MemorySaveHandler;
let id: string;
function manager(options: Omit<SessionManagerOptions, 'saveHandler'> = {}): SessionManager {
  return new SessionManager({
    lockRetries: 3,
    lockWaitTime: 2000,
    onWarning: () => {},
    ...options,
    saveHandler: store,
  });
}
async function stored(): Promise<string | undefined> {
  return (await store.read(id))?.toString('latin1');
}
beforeEach(async () => {
  store = new MemorySaveHandler({ gcMaxlifetime: 100, lockRetries: 3, lockWaitTime: 2000 });
  id = createSessionId();
  await store.write(id, bytes('userid|s:3:"kky";n|i:1;'));
});

describe('merge', () => {
  test('both sides keep what they wrote; theirs first, then our new names', async () => {
    const session = await manager().open(id);
    session.variables['ours'] = 'new';
    await store.write(id, bytes('userid|s:3:"kky";n|i:1;theirs|b:1;'));
    expect(await session.commit()).toEqual({ outcome: 'merged', conflicts: [] });
    expect(await stored()).toBe('userid|s:3:"kky";n|i:1;theirs|b:1;ours|s:3:"new";');
  });

  test('the same leaf: ours by default, reported', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 2;
    await store.write(id, bytes('userid|s:3:"kky";n|i:3;'));
    expect(await session.commit()).toEqual({
      outcome: 'merged',
      conflicts: [{ path: 'n', resolution: 'ours' }],
    });
    expect(await stored()).toBe('userid|s:3:"kky";n|i:2;');
  });

  test('onConflict decides, and sees all three values', async () => {
    const asked: unknown[] = [];
    const session = await manager({
      onConflict: (path, values) => {
        asked.push([path, values]);
        return Math.max(values.ours as number, values.theirs as number);
      },
    }).open(id);
    session.variables['n'] = 2;
    await store.write(id, bytes('userid|s:3:"kky";n|i:3;'));
    const { conflicts } = await session.commit();
    expect(asked).toEqual([['n', { base: 1, ours: 2, theirs: 3 }]]);
    expect(conflicts).toEqual([{ path: 'n', resolution: 'theirs' }]);
    expect(await stored()).toBe('userid|s:3:"kky";n|i:3;');
  });

  test("the application's own objects follow a merge and stay the session's", async () => {
    await store.write(id, bytes('cart|a:2:{s:1:"a";i:1;s:5:"items";a:0:{}}x|i:1;'));
    const session = await manager().open(id);
    const { variables } = session;
    const cart = variables['cart'] as { a: number; b?: number; items: string[] };
    cart.items.push('book');
    await store.write(id, bytes('cart|a:3:{s:1:"a";i:1;s:5:"items";a:0:{}s:1:"b";i:2;}x|i:9;'));
    expect((await session.save()).outcome).toBe('merged');
    expect(session.variables).toBe(variables);
    expect(variables['cart']).toBe(cart);
    expect(variables).toEqual({ cart: { a: 1, items: ['book'], b: 2 }, x: 9 });
    expect((await session.save()).outcome).toBe('unchanged');
    cart.items.push('pen');
    await session.commit();
    expect(await stored()).toBe(
      'cart|a:3:{s:1:"a";i:1;s:5:"items";a:2:{i:0;s:4:"book";i:1;s:3:"pen";}s:1:"b";i:2;}x|i:9;',
    );
  });

  test('ten writers, each with a name of its own, lose nothing', async () => {
    const sessions = manager();
    const open = await Promise.all(Array.from({ length: 10 }, () => sessions.open(id)));
    await Promise.all(
      open.map((session, lane) => {
        session.variables[`lane${lane}`] = lane;
        return session.commit();
      }),
    );
    const { variables } = await sessions.open(id);
    for (let lane = 0; lane < 10; lane++) expect(variables[`lane${lane}`]).toBe(lane);
  });

  test('both append the same to a list: it is there twice, also if the two sessions are equal to the byte', async () => {
    await store.write(id, bytes('log|a:1:{i:0;s:1:"x";}'));
    const session = await manager().open(id);
    (session.variables['log'] as string[]).push('y');
    await store.write(id, bytes('log|a:2:{i:0;s:1:"x";i:1;s:1:"y";}'));
    expect(await session.commit()).toEqual({ outcome: 'merged', conflicts: [] });
    expect(await stored()).toBe('log|a:3:{i:0;s:1:"x";i:1;s:1:"y";i:2;s:1:"y";}');
  });

  test('both say the same otherwise: nothing is written, whoever is named by it', async () => {
    const session = await manager({ identity: ['userid'] }).open(id);
    // The same login, sent twice.
    session.variables['userid'] = 'lde';
    await store.write(id, bytes('userid|s:3:"lde";n|i:1;'));
    store.writeIf = new Proxy(store.writeIf, {
      apply(target, self, args: Parameters<typeof store.writeIf>) {
        written.push(String(args[1]));
        return Reflect.apply(target, self, args);
      },
    });
    const written: string[] = [];
    expect(await session.commit()).toEqual({ outcome: 'merged', conflicts: [] });
    expect(written).toHaveLength(1);
    expect(await stored()).toBe('userid|s:3:"lde";n|i:1;');
  });

  test("'overwrite' is the last one wins", async () => {
    const session = await manager({ concurrency: 'overwrite' }).open(id);
    session.variables['n'] = 2;
    await store.write(id, bytes('userid|s:3:"kky";n|i:1;theirs|b:1;'));
    expect((await session.commit()).outcome).toBe('written');
    expect(await stored()).toBe('userid|s:3:"kky";n|i:2;');
  });
});

describe('gone and replaced', () => {
  test('a logout in the meantime is not undone', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 2;
    await store.destroy(id);
    await expect(session.commit()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_GONE' });
    expect(await stored()).toBeUndefined();
    expect(session.state).toBe('closed');
  });

  test.each([
    ['emptied', ''],
    ['no variable survives', 'other|s:1:"x";'],
  ])('replaced: %s', async (_, now) => {
    const session = await manager().open(id);
    session.variables['n'] = 2;
    await store.write(id, bytes(now));
    await expect(session.save()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_REPLACED' });
    expect(await stored()).toBe(now);
  });

  test('another user under the same id', async () => {
    const session = await manager({ identity: ['userid'] }).open(id);
    session.variables['cart'] = ['of kky'];
    await store.write(id, bytes('userid|s:3:"lde";n|i:1;'));
    await expect(session.commit()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_REPLACED' });
    expect(await stored()).toBe('userid|s:3:"lde";n|i:1;');
  });

  test('an update refuses, too', async () => {
    const session = await manager({ identity: ['userid'] }).open(id);
    await store.write(id, bytes('userid|s:3:"lde";n|i:1;'));
    const change = session.update((variables) => {
      variables['n'] = Number(variables['n']) + 1;
    });
    await expect(change).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_REPLACED' });
    await store.destroy(id);
    const gone = await manager().open(id);
    expect(gone.isNew).toBe(true);
  });

  test('an unchanged session that is gone stays gone', async () => {
    const session = await manager({ refreshAt: 'commit' }).open(id);
    session.variables;
    await store.destroy(id);
    expect((await session.commit()).outcome).toBe('unchanged');
    expect(await stored()).toBeUndefined();
  });
});

describe('update', () => {
  test('a counter loses no increment', async () => {
    const sessions = manager();
    const open = await Promise.all(Array.from({ length: 20 }, () => sessions.open(id)));
    await Promise.all(
      open.map((session) =>
        session.update((variables) => {
          variables['n'] = Number(variables['n']) + 1;
        }),
      ),
    );
    expect(await stored()).toBe('userid|s:3:"kky";n|i:21;');
  });

  test('an unsaved change of the same variable stands, and is reported', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 100;
    const { conflicts } = await session.update((fresh) => {
      fresh['n'] = Number(fresh['n']) + 1;
    });
    expect(conflicts).toEqual([{ path: 'n', resolution: 'ours' }]);
    expect(session.variables['n']).toBe(100);
  });

  test('unsaved changes of the session stay unsaved and are not lost', async () => {
    const session = await manager().open(id);
    const { variables } = session;
    variables['mine'] = 'pending';
    await store.write(id, bytes('userid|s:3:"kky";n|i:5;theirs|i:7;'));
    const { outcome } = await session.update((fresh) => {
      expect(fresh).not.toHaveProperty('mine');
      fresh['n'] = Number(fresh['n']) + 1;
    });
    expect(outcome).toBe('merged');
    expect(await stored()).toBe('userid|s:3:"kky";n|i:6;theirs|i:7;');
    expect(session.variables).toBe(variables);
    expect(variables).toEqual({ userid: 'kky', n: 6, theirs: 7, mine: 'pending' });
    expect((await session.commit()).outcome).toBe('written');
    expect(await stored()).toBe('userid|s:3:"kky";n|i:6;theirs|i:7;mine|s:7:"pending";');
  });

  test('nothing to change writes nothing; a promise is refused', async () => {
    const session = await manager().open(id);
    expect((await session.update(() => {})).outcome).toBe('unchanged');
    const later = session.update(async () => {});
    await expect(later).rejects.toMatchObject({ code: 'ERR_PSB_OPTIONS' });
  });

  test('a new session begins with an update', async () => {
    const session = await manager().open();
    await session.update((variables) => {
      variables['n'] = 1;
    });
    expect((await store.read(session.id))?.toString()).toBe('n|i:1;');
  });
});

describe('locks', () => {
  test('a PHP request that holds the lock is never written into; after the release we write', async () => {
    const session = await manager({ lockRetries: 100 }).open(id);
    session.variables['n'] = 2;
    const lock = await store.lock(id);
    const committed = session.commit();
    await sleep(10);
    expect(await stored()).toBe('userid|s:3:"kky";n|i:1;');
    await store.write(id, bytes('userid|s:3:"kky";n|i:1;php|b:1;'));
    await lock.release();
    expect((await committed).outcome).toBe('merged');
    expect(await stored()).toBe('userid|s:3:"kky";n|i:2;php|b:1;');
  });

  test('the patience ends with an error, and nothing is written', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 2;
    await store.lock(id);
    await expect(session.commit()).rejects.toMatchObject({
      code: 'ERR_PSB_LOCK_BUSY',
      status: 503,
    });
    expect(await stored()).toBe('userid|s:3:"kky";n|i:1;');
  });

  test("'lock' keeps others out from open to commit", async () => {
    const sessions = manager({ concurrency: 'lock' });
    const session = await sessions.open(id);
    await expect(sessions.open(id)).rejects.toMatchObject({ code: 'ERR_PSB_LOCK_BUSY' });
    session.variables['n'] = 2;
    await session.commit();
    const next = await sessions.open(id);
    expect(next.variables['n']).toBe(2);
    await next.abort();
    await (await sessions.open(id)).destroy();
    expect(await stored()).toBeUndefined();
  });

  test("onLockFailure 'readonly' opens without the lock and refuses writes", async () => {
    const sessions = manager({ concurrency: 'lock', onLockFailure: 'readonly' });
    const first = await sessions.open(id);
    const second = await sessions.open(id);
    expect(second.readOnly).toBe(true);
    expect(second.variables['userid']).toBe('kky');
    await expect(second.save()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_READ_ONLY' });
    await second.commit();
    await first.commit();
  });

  test('a stolen lock refuses the write', async () => {
    const session = await manager({ concurrency: 'lock', lockExpire: 1 }).open(id);
    session.variables['n'] = 2;
    const internals = await stealLock();
    await expect(session.commit()).rejects.toMatchObject({ code: 'ERR_PSB_LOCK_LOST' });
    expect(await stored()).toBe('userid|s:3:"kky";n|i:1;');
    expect(await internals.release()).toBe(true);
  });

  test('a held lock is renewed while the request lives', async () => {
    store = new MemorySaveHandler({ lockExpire: 1, lockRetries: 1, lockWaitTime: 1000 });
    await store.write(id, bytes('n|i:1;'));
    const session = await manager({ concurrency: 'lock', lockExpire: 1 }).open(id);
    await sleep(1300);
    session.variables['n'] = 2;
    expect((await session.commit()).outcome).toBe('written');
  });

  test('an unknown id in strict mode leaves no lock behind', async () => {
    const unknown = createSessionId();
    const session = await manager({ concurrency: 'lock' }).open(unknown);
    await expect(store.lock(unknown)).resolves.toBeDefined();
    await session.commit();
  });

  /** Lets the lock of the session under test die and takes it, as another request would. */
  async function stealLock() {
    const thief = new MemorySaveHandler({ lockRetries: -1, lockWaitTime: 1000 }, store);
    // The store's own clock is the test's: an expired lock is what a stalled process leaves.
    const now = Date.now;
    Date.now = () => now() + 3_600_000;
    try {
      const lock = await thief.lock(id);
      return lock;
    } finally {
      Date.now = now;
    }
  }
});

describe('regenerate', () => {
  test('the new id holds the session, the old one is dead', async () => {
    const session = await manager().open(id);
    session.variables['userid'] = 'lde';
    await session.regenerate();
    expect(session.id).not.toBe(id);
    expect(await stored()).toBeUndefined();
    expect(String(await store.read(session.id))).toBe('userid|s:3:"lde";n|i:1;');
    session.variables['n'] = 2;
    await session.commit();
    expect(String(await store.read(session.id))).toBe('userid|s:3:"lde";n|i:2;');
  });

  test('deleteOld: false keeps the old one, saved, as PHP does', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 2;
    await session.regenerate({ deleteOld: false });
    expect(await stored()).toBe('userid|s:3:"kky";n|i:2;');
    expect(String(await store.read(session.id))).toBe('userid|s:3:"kky";n|i:2;');
  });

  test('a grace period ends', async () => {
    const session = await manager().open(id);
    await session.regenerate({ deleteOld: false, graceSeconds: 3 });
    expect(store.ttl(id)).toBeLessThanOrEqual(3000);
    expect(store.ttl(session.id)).toBeGreaterThan(99_000);
    const refused = session.regenerate({ graceSeconds: 3 });
    await expect(refused).rejects.toMatchObject({ code: 'ERR_PSB_OPTIONS' });
  });

  test('what was written meanwhile comes along', async () => {
    const session = await manager().open(id);
    session.variables['ours'] = 1;
    await store.write(id, bytes('userid|s:3:"kky";n|i:7;'));
    await session.regenerate();
    expect(String(await store.read(session.id))).toBe('userid|s:3:"kky";n|i:7;ours|i:1;');
    expect(session.variables).toEqual({ userid: 'kky', n: 7, ours: 1 });
    expect((await session.commit()).outcome).toBe('unchanged');
  });

  test('a session that was logged out meanwhile does not live on under the new id', async () => {
    const session = await manager().open(id);
    const { variables } = session;
    variables['n'] = 2;
    await store.destroy(id);
    await expect(session.regenerate()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_GONE' });
    expect(session.id).toBe(id);
  });

  test('with a lock: the new id is locked, the old lock is gone', async () => {
    const session = await manager({ concurrency: 'lock' }).open(id);
    await session.regenerate();
    await expect(store.lock(session.id)).rejects.toMatchObject({ code: 'ERR_PSB_LOCK_BUSY' });
    await expect(store.lock(id)).resolves.toBeDefined();
    session.variables['n'] = 5;
    await session.commit();
    await expect(store.lock(session.id)).resolves.toBeDefined();
  });

  test('with a lock on an id that was adopted and not yet stored', async () => {
    const strange = 'adopted0123456789adopted';
    const session = await manager({ concurrency: 'lock', useStrictMode: false }).open(strange);
    session.variables['userid'] = 'kky';
    await session.regenerate();
    expect((await session.commit()).outcome).toBe('written');
    expect(session.id).not.toBe(strange);
    await expect(store.lock(strange)).resolves.toBeDefined();
  });

  test('before anything is stored only the id changes', async () => {
    const session = await manager().open();
    const { id: before } = session;
    session.variables['a'] = 1;
    await session.regenerate();
    expect(session.id).not.toBe(before);
    await session.commit();
    expect(await store.read(before)).toBeNull();
    expect(String(await store.read(session.id))).toBe('a|i:1;');
  });
});
