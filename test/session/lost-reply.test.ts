/** What a session makes of its own writes whose replies were lost. */
import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { StoreError } from '../../src/errors.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import type { WriteResult } from '../../src/save-handler/save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';

const UNKNOWN = { code: 'ERR_PSB_STORE_UNKNOWN_OUTCOME' };
const CART = 'user|s:1:"a";cart|a:1:{i:0;s:1:"a";}';

type Fate = 'carried out' | 'not carried out' | 'answered' | 'sent twice';

/** Loses the replies to the first writes. */
class LosingSaveHandler extends MemorySaveHandler {
  readonly fates: Fate[] = [];
  override async writeIf(...args: Parameters<MemorySaveHandler['writeIf']>): Promise<WriteResult> {
    const fate = this.fates.shift() ?? 'answered';
    if (fate === 'sent twice') await super.writeIf(...args);
    const result = fate === 'not carried out' ? undefined : await super.writeIf(...args);
    if (fate === 'carried out' || result === undefined) {
      throw new StoreError('ERR_PSB_STORE_UNKNOWN_OUTCOME', 'lost');
    }
    return result;
  }
}

let store: LosingSaveHandler;
let id: string;
const manager = (options: Omit<SessionManagerOptions, 'saveHandler'> = {}) =>
  new SessionManager({
    identity: ['user'],
    lockRetries: 2,
    lockWaitTime: 1000,
    onWarning: () => {},
    ...options,
    saveHandler: store,
  });
const stored = async (of = id) => (await store.read(of))?.toString() ?? null;
const put = (text: string, of = id) => store.write(of, Buffer.from(text));
beforeEach(async () => {
  store = new LosingSaveHandler({ gcMaxlifetime: 100, lockRetries: 2, lockWaitTime: 1000 });
  id = createSessionId();
  await put(CART);
});
async function pushed(...fates: Fate[]) {
  const session = await manager().open(id);
  (session.variables['cart'] as string[]).push('b');
  for (const fate of fates) {
    store.fates.push(fate);
    await expect(session.save()).rejects.toMatchObject(UNKNOWN);
  }
  return session;
}
const BOTH = 'user|s:1:"a";cart|a:2:{i:0;s:1:"a";i:1;s:1:"b";}';

describe('a list that was appended to, and the reply was lost', () => {
  test.each<readonly Fate[]>([
    ['carried out'],
    ['not carried out'],
    ['carried out', 'not carried out'],
    ['not carried out', 'carried out', 'carried out'],
    Array.from({ length: 20 }, () => 'carried out' as const),
  ])('%s %s %s: the item is stored once', async (...fates) => {
    const session = await pushed(...(fates.filter(Boolean) as Fate[]));
    await session.commit();
    expect(await stored()).toBe(BOTH);
    expect(session.changed).toBe(false);
  });

  test('what is appended after it comes behind it', async () => {
    const session = await pushed('carried out');
    (session.variables['cart'] as string[]).push('c');
    expect(await session.commit()).toEqual({ outcome: 'written', conflicts: [] });
    expect(await stored()).toBe('user|s:1:"a";cart|a:3:{i:0;s:1:"a";i:1;s:1:"b";i:2;s:1:"c";}');
  });

  test('what was taken out again after it is not stored', async () => {
    const session = await pushed('carried out');
    (session.variables['cart'] as string[]).pop();
    await session.commit();
    expect(await stored()).toBe(CART);
  });

  test('the lost write was a merge', async () => {
    const session = await manager().open(id);
    (session.variables['cart'] as string[]).push('b');
    await put(`${CART}php|b:1;`);
    store.fates.push('answered', 'carried out');
    await expect(session.save()).rejects.toMatchObject(UNKNOWN);
    (session.variables['cart'] as string[]).push('c');
    expect((await session.commit()).outcome).toBe('merged');
    expect(await stored()).toBe(
      'user|s:1:"a";cart|a:3:{i:0;s:1:"a";i:1;s:1:"b";i:2;s:1:"c";}php|b:1;',
    );
  });

  test('two writes were lost, the second on top of the first', async () => {
    const session = await pushed('carried out');
    (session.variables['cart'] as string[]).push('c');
    store.fates.push('answered', 'carried out');
    await expect(session.save()).rejects.toMatchObject(UNKNOWN);
    (session.variables['cart'] as string[]).push('d');
    await session.commit();
    expect(await stored()).toBe(
      'user|s:1:"a";cart|a:4:{i:0;s:1:"a";i:1;s:1:"b";i:2;s:1:"c";i:3;s:1:"d";}',
    );
  });

  test('update() goes on from it', async () => {
    const session = await pushed('carried out');
    await session.update((variables) => {
      variables['n'] = 1;
    });
    expect(session.variables).toEqual({ user: 'a', cart: ['a', 'b'], n: 1 });
    await session.commit();
    expect(await stored()).toBe(`${BOTH}n|i:1;`);
  });

  test('update() itself was lost: the commit does not take it for another login', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 1;
    store.fates.push('carried out');
    const login = session.update((variables) => {
      variables['user'] = 'b';
    });
    await expect(login).rejects.toMatchObject(UNKNOWN);
    await session.commit();
    expect(await stored()).toBe('user|s:1:"b";cart|a:1:{i:0;s:1:"a";}n|i:1;');
  });

  test.each([true, false])('regenerate() goes on from it, deleteOld: %s', async (deleteOld) => {
    const session = await pushed('carried out');
    (session.variables['cart'] as string[]).push('c');
    await session.regenerate({ deleteOld });
    const all = 'user|s:1:"a";cart|a:3:{i:0;s:1:"a";i:1;s:1:"b";i:2;s:1:"c";}';
    expect(await stored(session.id)).toBe(all);
    expect(await stored()).toBe(deleteOld ? null : all);
    expect((await session.commit()).outcome).toBe('unchanged');
  });

  test('a login that was lost is no other login', async () => {
    const session = await manager().open(id);
    session.variables['user'] = 'b';
    store.fates.push('carried out');
    await expect(session.save()).rejects.toMatchObject(UNKNOWN);
    session.variables['n'] = 1;
    await session.commit();
    expect(await stored()).toBe('user|s:1:"b";cart|a:1:{i:0;s:1:"a";}n|i:1;');
  });

  test('under the lock', async () => {
    const session = await manager({ concurrency: 'lock' }).open(id);
    (session.variables['cart'] as string[]).push('b');
    store.fates.push('carried out');
    await expect(session.save()).rejects.toMatchObject(UNKNOWN);
    await session.commit();
    expect(await stored()).toBe(BOTH);
  });
});

describe('what is not our own', () => {
  test('the equal write of another request is another one, if every reply is known', async () => {
    const session = await manager().open(id);
    (session.variables['cart'] as string[]).push('b');
    await put(BOTH);
    await session.commit();
    expect(await stored()).toBe('user|s:1:"a";cart|a:3:{i:0;s:1:"a";i:1;s:1:"b";i:2;s:1:"b";}');
  });

  test('nor is one forgotten write the other, once a later write is known', async () => {
    const session = await pushed('carried out');
    session.variables['n'] = 1;
    await session.save();
    await put(BOTH);
    (session.variables['cart'] as string[]).push('c');
    expect((await session.commit()).outcome).toBe('merged');
  });
});

describe('a new session whose first write was lost', () => {
  test('its commit finds it', async () => {
    const session = await manager().open();
    session.variables['cart'] = ['a'];
    store.fates.push('carried out');
    await expect(session.save()).rejects.toMatchObject(UNKNOWN);
    expect((await session.commit()).outcome).toBe('written');
    expect(session.exists).toBe(true);
    expect(await stored(session.id)).toBe('cart|a:1:{i:0;s:1:"a";}');
  });

  test('reload() reads it', async () => {
    const session = await manager().open();
    session.variables['user'] = 'a';
    store.fates.push('carried out');
    await expect(session.save()).rejects.toMatchObject(UNKNOWN);
    const reloaded = session.reload();
    await Promise.resolve();
    session.variables['late'] = 1;
    await reloaded;
    expect(session.variables).toEqual({ user: 'a', late: 1 });
  });

  test.each(['carried out', 'not carried out'] as const)(
    '%s: destroy() leaves nothing',
    async (fate) => {
      const session = await manager().open();
      session.variables['user'] = 'a';
      store.fates.push(fate);
      await expect(session.save()).rejects.toMatchObject(UNKNOWN);
      await session.destroy();
      expect(await stored(session.id)).toBeNull();
    },
  );

  test('regenerate() leaves nothing under the old id', async () => {
    const session = await manager().open();
    const { id: first } = session;
    session.variables['cart'] = ['a'];
    store.fates.push('carried out');
    await expect(session.save()).rejects.toMatchObject(UNKNOWN);
    await session.regenerate();
    await session.commit();
    expect(await stored(first)).toBeNull();
    expect(await stored(session.id)).toBe('cart|a:1:{i:0;s:1:"a";}');
  });
});

test('bytes that nobody can read, replaced by a write that was lost', async () => {
  await put('{"no": "php"}');
  const session = await manager().open(id);
  session.variables = { cart: ['a'] };
  store.fates.push('carried out');
  await expect(session.save()).rejects.toMatchObject(UNKNOWN);
  (session.variables['cart'] as string[]).push('b');
  await session.commit();
  expect(await stored()).toBe('cart|a:2:{i:0;s:1:"a";i:1;s:1:"b";}');
});

test('a client that sends the write to the new id twice has moved the session', async () => {
  const session = await manager().open(id);
  store.fates.push('sent twice');
  await session.regenerate();
  expect(await stored(session.id)).toBe(CART);
  expect(await stored()).toBeNull();
});
