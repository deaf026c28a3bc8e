import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import type { ReadOptions } from '../../src/save-handler/save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
/** What another serialize handler wrote. */
const UNREADABLE = 'a:1:{s:1:"a";i:1;}';

/** Notes what is undone, and when. */
class UndoingSaveHandler extends MemorySaveHandler {
  readonly undone: [id: string, bytes: string, ttl: number][] = [];
  undoing: () => Promise<void> = async () => {};

  override async read(id: string, options: ReadOptions = {}) {
    const ttl = this.ttl(id);
    if (options.refresh && options.seen) options.seen.ttl = ttl;
    return super.read(id, options);
  }

  override async undoRefresh(id: string, stored: Uint8Array, ttl: number): Promise<void> {
    await this.undoing();
    this.undone.push([id, Buffer.from(stored).toString('latin1'), ttl]);
    await super.updateTimestamp(id, Math.round(ttl / 1000));
  }
}

let store: UndoingSaveHandler;
let id: string;
let told: string[];
function manager(options: Omit<SessionManagerOptions, 'saveHandler'> = {}): SessionManager {
  return new SessionManager({
    lockRetries: 2,
    lockWaitTime: 1000,
    onWarning: (code) => told.push(code),
    ...options,
    saveHandler: store,
  });
}
async function stored(at = id): Promise<string | undefined> {
  return (await store.read(at))?.toString('latin1');
}
const failed = expect.objectContaining({ name: 'CodecError' });

beforeEach(async () => {
  store = new UndoingSaveHandler({ gcMaxlifetime: 1440, lockRetries: 2, lockWaitTime: 1000 });
  id = createSessionId();
  told = [];
  await store.write(id, bytes(UNREADABLE));
  await store.updateTimestamp(id, 20);
});

describe('a session that nobody can read', () => {
  test('does not live longer for the attempt; the end of the request waits for that', async () => {
    const session = await manager().open(id);
    expect(store.ttl(id)).toBeGreaterThan(1_000_000);
    let finish = () => {};
    store.undoing = () => new Promise((resolve) => (finish = resolve));
    expect(() => session.variables).toThrow(failed);
    expect(() => session.variables).toThrow(failed);
    let isOver = false;
    const over = session.commit().then(() => {
      isOver = true;
    });
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    expect(isOver).toBe(false);
    finish();
    await over;
    expect(store.undone).toHaveLength(1);
    expect(store.undone[0]?.slice(0, 2)).toEqual([id, UNREADABLE]);
    expect(store.ttl(id)).toBeLessThanOrEqual(20_000);
    expect(await stored()).toBe(UNREADABLE);
  });

  test('an undoing that fails harms nobody', async () => {
    store.undoing = () => Promise.reject(new Error('away'));
    const session = await manager().open(id);
    expect(() => session.variables).toThrow(failed);
    expect((await session.commit()).outcome).toBe('unchanged');
  });

  test.each([
    { refreshAt: 'commit' },
    { refresh: 'used' },
    { refreshAt: 'commit', refresh: 'always' },
  ] as const)('nor is it refreshed at the end: %j', async (options) => {
    const session = await manager(options).open(id);
    expect(() => session.variables).toThrow(failed);
    await session.commit();
    expect(store.ttl(id)).toBeLessThanOrEqual(20_000);
  });

  test('nobody who does not look at it notices', async () => {
    const session = await manager().open(id);
    await session.commit();
    expect(store.ttl(id)).toBeGreaterThan(1_000_000);
    expect(store.undone).toEqual([]);
  });

  test('an assignment of all variables replaces it', async () => {
    const session = await manager().open(id);
    session.variables = { userid: 'kky' };
    expect(session.changed).toBe(true);
    expect(await session.commit()).toEqual({ outcome: 'written', conflicts: [] });
    expect(session.id).toBe(id);
    expect(await stored()).toBe('userid|s:3:"kky";');
  });

  test('an assignment of none, too', async () => {
    const session = await manager().open(id);
    expect(() => session.variables).toThrow(failed);
    session.variables = {};
    await session.commit();
    expect(await stored()).toBe('');
  });

  test('a replacement and a new id at once: a login', async () => {
    const session = await manager().open(id);
    session.variables = { userid: 'kky' };
    await session.regenerate();
    expect(await stored(session.id)).toBe('userid|s:3:"kky";');
    expect(await stored()).toBeUndefined();
    expect((await session.commit()).outcome).toBe('unchanged');
  });

  test.each([
    ['ERR_PSB_SESSION_REPLACED', () => store.write(id, bytes('theirs|i:1;')), 'theirs|i:1;'],
    ['ERR_PSB_SESSION_GONE', () => store.destroy(id), undefined],
  ])('what somebody else did to it meanwhile stands: %s', async (code, theirs, left) => {
    const session = await manager().open(id);
    session.variables = { userid: 'kky' };
    await theirs();
    await expect(session.commit()).rejects.toMatchObject({ code });
    expect(await stored()).toBe(left);
  });

  test('logging out works', async () => {
    const session = await manager().open(id);
    await session.destroy();
    expect(await stored()).toBeUndefined();
  });

  test('it gets no second life under a new id', async () => {
    const session = await manager().open(id);
    await expect(session.regenerate()).rejects.toThrow(failed);
    expect(session.id).toBe(id);
    await expect(session.update(() => {})).rejects.toThrow(failed);
    await session.commit();
    expect(await stored()).toBe(UNREADABLE);
    expect(store.undone).toHaveLength(1);
  });

  test('in the place of what was read: an error, and nothing is written', async () => {
    await store.write(id, bytes('n|i:1;'));
    const session = await manager().open(id);
    session.variables['n'] = 2;
    await store.write(id, bytes(UNREADABLE));
    await expect(session.save()).rejects.toThrow(failed);
    const { id: before } = session;
    await expect(session.regenerate()).rejects.toThrow(failed);
    expect(session.id).toBe(before);
    expect(await stored()).toBe(UNREADABLE);
    expect(session.variables['n']).toBe(2);
  });
});

describe("onUnreadable: 'new'", () => {
  test('goes on with a new session; the bytes are left to PHP', async () => {
    const session = await manager({ onUnreadable: 'new' }).open(id);
    expect(session.variables).toEqual({});
    expect(session.id).not.toBe(id);
    expect(session.isNew).toBe(true);
    expect(session.requestedId).toBe(id);
    session.variables['userid'] = 'kky';
    await session.commit();
    expect(await stored(session.id)).toBe('userid|s:3:"kky";');
    expect(await stored()).toBe(UNREADABLE);
    expect(store.ttl(id)).toBeLessThanOrEqual(20_000);
    expect(told).toEqual(['PSB_UNREADABLE']);
  });

  test('is told to onLost, if there is one', async () => {
    const lost: unknown[] = [];
    const session = await manager({
      onUnreadable: 'new',
      onLost: (error, { id: at, variables }) => lost.push([error.code, at, variables]),
    }).open(id);
    session.variables;
    expect(lost).toEqual([[expect.stringMatching(/^ERR_PSB_CODEC_/), session.id, {}]]);
    expect(told).toEqual([]);
  });

  test.each(['update', 'regenerate'] as const)('%s() of it', async (method) => {
    const session = await manager({ onUnreadable: 'new' }).open(id);
    if (method === 'update') {
      await session.update((variables) => {
        variables['n'] = 1;
      });
      expect(await stored(session.id)).toBe('n|i:1;');
    } else {
      await session.regenerate();
      expect(session.exists).toBe(false);
    }
    expect(session.id).not.toBe(id);
    expect(await stored()).toBe(UNREADABLE);
  });

  test('its lock is released', async () => {
    const session = await manager({ onUnreadable: 'new', concurrency: 'lock' }).open(id);
    session.variables['n'] = 1;
    await session.commit();
    await (await store.lock(id)).release();
  });

  test('nothing is stored if nothing is assigned', async () => {
    const session = await manager({ onUnreadable: 'new' }).open(id);
    session.variables;
    await session.commit();
    expect(session.exists).toBe(false);
  });

  test('a session that was found is not replaced by another one', async () => {
    const sessions = manager({ onUnreadable: 'new' });
    const session = await sessions.find(id);
    expect(() => session?.variables).toThrow(failed);
    const run = sessions.run(id, ({ variables }) => variables['a']);
    await expect(run).rejects.toThrow(failed);
  });

  test('another word is refused', () => {
    expect(() => manager({ onUnreadable: 'ignore' as 'new' })).toThrow(
      expect.objectContaining({ code: 'ERR_PSB_OPTIONS' }),
    );
  });
});
