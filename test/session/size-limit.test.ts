import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';

/** `x|s:<n>:"…";` */
const text = (length: number) => `x|s:${length}:"${'a'.repeat(length)}";`;

let store: MemorySaveHandler;
let id: string;
const manager = (options: Omit<SessionManagerOptions, 'saveHandler'> = {}) =>
  new SessionManager({ maxBytes: 1000, onWarning: () => {}, ...options, saveHandler: store });
const stored = async (of = id) => (await store.read(of))?.toString() ?? null;
const refused = { code: 'ERR_PSB_SESSION_TOO_LARGE', status: 413, expose: false };

beforeEach(async () => {
  store = new MemorySaveHandler({ gcMaxlifetime: 100 });
  id = createSessionId();
  await store.write(id, Buffer.from(text(10)));
});

describe('maxBytes', () => {
  test.each(['merge', 'overwrite', 'lock'] as const)(
    "'%s': what would be larger is refused, and nothing is written",
    async (concurrency) => {
      const session = await manager({ concurrency }).open(id);
      // x|s:989:"…"; has 1000 bytes.
      session.variables['x'] = 'b'.repeat(990);
      await expect(session.save()).rejects.toMatchObject(refused);
      expect(await stored()).toBe(text(10));
      session.variables['x'] = 'a'.repeat(989);
      await session.commit();
      expect(await stored()).toBe(text(989));
      expect((await stored())?.length).toBe(1000);
    },
  );

  test('so are an update, a new session, and a move', async () => {
    const sessions = manager();
    const session = await sessions.open(id);
    const grow = (variables: Record<string, unknown>) => {
      variables['x'] = 'b'.repeat(2000);
    };
    await expect(session.update(grow)).rejects.toMatchObject(refused);
    const fresh = await sessions.open();
    grow(fresh.variables);
    await expect(fresh.commit()).rejects.toMatchObject(refused);
    expect(await stored(fresh.id)).toBeNull();
    grow(session.variables);
    await expect(session.regenerate()).rejects.toMatchObject(refused);
    expect(await stored()).toBe(text(10));
    expect(session.id).toBe(id);
  });

  test('a session that is too large already may shrink, move, be replaced by no larger one, and end', async () => {
    await store.write(id, Buffer.from(text(5000)));
    const sessions = manager();
    const session = await sessions.open(id);
    await session.regenerate();
    expect(await stored(session.id)).toBe(text(5000));
    session.variables['x'] = 'a'.repeat(4000);
    await session.save();
    expect(await stored(session.id)).toBe(text(4000));
    session.variables['x'] = 'a'.repeat(4001);
    await expect(session.save()).rejects.toMatchObject(refused);
    await session.destroy();
    expect(await stored(session.id)).toBeNull();
  });

  test.each(['save', 'commit', 'regenerate'] as const)(
    '%s() of what replaces bytes that nobody can read',
    async (method) => {
      const unreadable = 'a:1:{garbage';
      await store.write(id, Buffer.from(unreadable));
      const session = await manager().open(id);
      session.variables = { x: 'b'.repeat(990) };
      await expect(session[method]()).rejects.toMatchObject(refused);
      expect(await stored()).toBe(unreadable);
      expect(await stored(session.id)).toBe(unreadable);
    },
  );

  test('what is no larger than the bytes that nobody can read may replace them', async () => {
    await store.write(id, Buffer.from(`a:1:{${'g'.repeat(2000)}`));
    const session = await manager().open(id);
    session.variables = { x: 'a'.repeat(1500) };
    await session.commit();
    expect(await stored()).toBe(text(1500));
  });

  test('a merge that only together is too large is refused', async () => {
    const session = await manager().open(id);
    session.variables['ours'] = 'o'.repeat(600);
    const theirs = `${text(10)}theirs|s:600:"${'t'.repeat(600)}";`;
    await store.write(id, Buffer.from(theirs));
    await expect(session.commit()).rejects.toMatchObject(refused);
    expect(await stored()).toBe(theirs);
  });

  test('the default is 16 MiB', async () => {
    const sessions = manager({ maxBytes: undefined });
    const session = await sessions.open(id);
    session.variables['x'] = 'a'.repeat(16 * 1024 * 1024 - 16);
    await session.save();
    session.variables['x'] = 'a'.repeat(16 * 1024 * 1024);
    await expect(session.save()).rejects.toMatchObject(refused);
  });

  test.each([0, -1, 1.5, '1 MB'])('%s is no number of bytes', (maxBytes) => {
    expect(() => manager({ maxBytes: maxBytes as number })).toThrowError(
      expect.objectContaining({ code: 'ERR_PSB_OPTIONS' }),
    );
  });
});
