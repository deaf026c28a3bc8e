import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';
import { SlowSaveHandler } from './slow-save-handler.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

let slow: SlowSaveHandler;
let store: MemorySaveHandler;
let id: string;
let lost: string[];
function manager(options: Omit<SessionManagerOptions, 'saveHandler'> = {}): SessionManager {
  return new SessionManager({
    onWarning: () => {},
    onLost: (error) => lost.push(error.code),
    ...options,
    saveHandler: slow,
  });
}
async function stored(at: string): Promise<string | undefined> {
  return (await store.read(at))?.toString('latin1');
}
beforeEach(async () => {
  store = new MemorySaveHandler({ gcMaxlifetime: 100 });
  slow = new SlowSaveHandler({ gcMaxlifetime: 100 }, store);
  id = createSessionId();
  lost = [];
  await store.write(id, bytes('userid|s:3:"kky";cart|a:1:{s:3:"tea";i:2;}list|a:1:{i:0;i:7;}'));
});

describe('regenerate() of a session that is gone', () => {
  test('unchanged: it goes on, empty, as a new session', async () => {
    const session = await manager().open(id);
    const { variables } = session;
    const cart = variables['cart'];
    const list = variables['list'];
    await store.destroy(id);
    expect(await session.regenerate()).toEqual({ outcome: 'unchanged', conflicts: [] });
    expect(session.variables).toBe(variables);
    expect([variables, cart, list]).toEqual([{}, {}, []]);
    expect(session.isNew).toBe(true);
    expect(session.exists).toBe(false);
    expect(session.id).not.toBe(id);
    expect(lost).toEqual(['ERR_PSB_SESSION_GONE']);
    variables['userid'] = 'lde';
    expect((await session.commit()).outcome).toBe('written');
    expect(await stored(session.id)).toBe('userid|s:3:"lde";');
    expect(await stored(id)).toBeUndefined();
  });

  test('with PHP objects, which are decoded at once', async () => {
    await store.write(id, bytes('user|O:4:"User":1:{s:4:"name";s:3:"kky";}n|i:1;'));
    const session = await manager().open(id);
    const { user } = session.variables as { user: { name?: string } };
    expect(user.name).toBe('kky');
    await store.destroy(id);
    await session.regenerate();
    expect(Object.keys(session.variables)).toEqual([]);
    expect(user.name).toBeUndefined();
  });

  test("what is the application's own is not emptied, though it lay in the session", async () => {
    const session = await manager().open(id);
    const own = { tea: 2 };
    session.variables['cart'] = own;
    await store.destroy(id);
    await session.regenerate();
    expect(session.variables).toEqual({});
    expect(own).toEqual({ tea: 2 });
  });

  test('never looked at', async () => {
    const session = await manager().open(id);
    await store.destroy(id);
    await session.regenerate();
    expect(session.variables).toEqual({});
    await session.commit();
    expect(session.exists).toBe(false);
  });

  test('nothing is revived if nothing is assigned', async () => {
    const session = await manager().open(id);
    expect(session.variables['userid']).toBe('kky');
    await store.destroy(id);
    await session.regenerate();
    expect(await session.commit()).toEqual({ outcome: 'unchanged', conflicts: [] });
    expect(await stored(session.id)).toBeUndefined();
  });

  test('with revokedTtl the new id is none that was revoked on the way', async () => {
    store = new MemorySaveHandler({ revokedTtl: 60 });
    slow = new SlowSaveHandler({ revokedTtl: 60 }, store);
    await store.write(id, bytes('a|i:1;'));
    const session = await manager({ revokedTtl: 60 }).open(id);
    await store.destroy(id);
    await session.regenerate();
    session.variables['userid'] = 'lde';
    expect((await session.commit()).outcome).toBe('written');
  });

  test('what is assigned meanwhile stays', async () => {
    const session = await manager().open(id);
    await store.destroy(id);
    slow.pause = (call, when) => {
      if (call === 'destroyIf' && when === 'before') session.variables['userid2'] = 'lde';
    };
    await session.regenerate();
    await session.commit();
    expect(await stored(session.id)).toBe('userid2|s:3:"lde";');
  });

  test.each([
    ['before', (v: Record<string, unknown>) => Object.assign(v, { userid: 'lde' }), false],
    [
      'deep inside',
      (v: Record<string, unknown>) => Object.assign(v['cart'] as object, { a: 1 }),
      false,
    ],
    [
      'meanwhile, what was there',
      (v: Record<string, unknown>) => Object.assign(v, { userid: 'lde' }),
      true,
    ],
  ])('changed %s: it rejects', async (_, change, meanwhile) => {
    const session = await manager().open(id);
    const { variables, id: before } = session;
    if (!meanwhile) change(variables);
    await store.destroy(id);
    slow.pause = (call, when) => {
      if (meanwhile && call === 'destroyIf' && when === 'before') change(variables);
    };
    await expect(session.regenerate()).rejects.toMatchObject({
      code: 'ERR_PSB_SESSION_GONE',
      status: 409,
    });
    expect(session.id).toBe(before);
    expect(variables['list']).toEqual([7]);
    expect(lost).toEqual([]);
  });

  test('replaced: it rejects, changed or not', async () => {
    const session = await manager({ identity: ['userid'] }).open(id);
    await store.write(id, bytes('userid|s:3:"lde";'));
    await expect(session.regenerate()).rejects.toMatchObject({
      code: 'ERR_PSB_SESSION_REPLACED',
      status: 409,
    });
    expect(await stored(id)).toBe('userid|s:3:"lde";');
  });

  test('deleteOld: false does not bring it back under a new id', async () => {
    const session = await manager().open(id);
    await store.destroy(id);
    await session.regenerate({ deleteOld: false });
    await session.commit();
    expect(await stored(session.id)).toBeUndefined();
    expect(lost).toEqual(['ERR_PSB_SESSION_GONE']);
  });

  test('deleteOld: false brings along what others wrote meanwhile', async () => {
    const session = await manager().open(id);
    await store.write(id, bytes('userid|s:3:"kky";theirs|i:1;'));
    expect((await session.regenerate({ deleteOld: false })).outcome).toBe('merged');
    expect(await stored(session.id)).toBe('userid|s:3:"kky";theirs|i:1;');
    expect(session.variables).toEqual({ userid: 'kky', theirs: 1 });
  });

  test('with a lock: neither the old id nor the new one stays locked', async () => {
    slow = new SlowSaveHandler({ lockRetries: 1, lockWaitTime: 1000 }, store);
    const session = await manager({ concurrency: 'lock' }).open(id);
    await store.destroy(id);
    await session.regenerate();
    await (await slow.lock(id)).release();
    await (await slow.lock(session.id)).release();
    session.variables['userid'] = 'lde';
    expect((await session.commit()).outcome).toBe('written');
  });
});

describe('regenerate() says what became of the variables', () => {
  test('its conflicts are told as those of save() are', async () => {
    const session = await manager().open(id);
    session.variables['userid'] = 'lde';
    await store.write(id, bytes('userid|s:3:"own";list|a:1:{i:0;i:7;}'));
    expect(await session.regenerate()).toEqual({
      outcome: 'merged',
      conflicts: [{ path: 'userid', resolution: 'ours' }],
    });
    expect(session.variables['userid']).toBe('lde');
  });

  test('before anything is stored, nothing', async () => {
    const session = await manager().open();
    expect(await session.regenerate()).toEqual({ outcome: 'unchanged', conflicts: [] });
  });
});
