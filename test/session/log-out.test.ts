/** Logouts while somebody else holds the lock, and what is left of a session after one. */
import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import type { SessionLock } from '../../src/save-handler/save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';

const BASE = Buffer.from('userid|s:3:"kky";');

let php: MemorySaveHandler;
let id: string;
let lock: SessionLock;
let told: string[];
beforeEach(async () => {
  php = new MemorySaveHandler({ gcMaxlifetime: 100, lockRetries: 2, lockWaitTime: 1000 });
  id = createSessionId();
  told = [];
  await php.write(id, BASE);
});

function manager(
  revokedTtl: number,
  options: Omit<SessionManagerOptions, 'saveHandler'> = {},
): SessionManager {
  const given = { gcMaxlifetime: 100, lockRetries: 3, lockWaitTime: 5000 };
  const saveHandler = new MemorySaveHandler({ ...given, revokedTtl, onWarning: () => {} }, php);
  return new SessionManager({
    ...given,
    onWarning: (code) => told.push(code),
    ...options,
    saveHandler,
  });
}

describe('while PHP holds the lock', () => {
  beforeEach(async () => {
    lock = await php.lock(id);
  });

  test('a logout waits for it', async () => {
    const session = await manager(0).open(id);
    const destroyed = session.destroy();
    setTimeout(() => void lock.release(), 8);
    expect(await destroyed).toEqual({ forced: false });
    expect(await php.read(id)).toBeNull();
  });

  test('without revokedTtl its patience ends in an error, 503, and nothing happened', async () => {
    const session = await manager(0).open(id);
    await expect(session.destroy()).rejects.toMatchObject({
      code: 'ERR_PSB_LOCK_BUSY',
      status: 503,
    });
    expect(await php.read(id)).toEqual(BASE);
    await expect(manager(0).destroy(id)).rejects.toMatchObject({ code: 'ERR_PSB_LOCK_BUSY' });
  });

  test.each([
    ['of its own', async (sessions: SessionManager) => (await sessions.open(id)).destroy()],
    ["by an administrator's hand", (sessions: SessionManager) => sessions.destroy(id)],
  ])('with revokedTtl the session %s goes all the same, and that is told', async (_, destroy) => {
    const sessions = manager(100);
    const started = performance.now();
    expect(await destroy(sessions)).toEqual({ forced: true });
    expect(performance.now() - started).toBeGreaterThanOrEqual(14);
    expect(await php.read(id)).toBeNull();
    expect(await lock.renew()).toBe(true);
    // PHP writes once more; the bridge takes that down at its next sight.
    await php.write(id, BASE);
    await lock.release();
    const after = await sessions.open(id);
    expect(after.isNew).toBe(true);
    expect(after.revoked).toBe(true);
    expect(after.id).not.toBe(id);
    expect(await php.read(id)).toBeNull();
    await php.write(id, BASE);
    await php.lock(id);
    await sessions.destroy(id);
    expect(told).toEqual(['PSB_LOGOUT_FORCED']);
  });

  test("onLockFailure 'readonly' may log out, too", async () => {
    const options = { concurrency: 'lock', onLockFailure: 'readonly' } as const;
    const session = await manager(100, options).open(id);
    expect(session.readOnly).toBe(true);
    expect(await session.destroy()).toEqual({ forced: true });
    expect(session.state).toBe('destroyed');
    expect(await php.read(id)).toBeNull();
    await php.write(id, BASE);
    const careful = await manager(0, options).open(id);
    await expect(careful.destroy()).rejects.toMatchObject({ code: 'ERR_PSB_LOCK_BUSY' });
    // One that was only to be looked at stays so.
    const looking = await manager(100).open(id, { readOnly: true });
    await expect(looking.destroy()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_READ_ONLY' });
  });
});

test('a logout that lost its own lock needs none', async () => {
  const session = await manager(0, { concurrency: 'lock', lockRetries: 3 }).open(id);
  const { now } = Date;
  Date.now = () => now() + 60_000;
  try {
    await php.write(id, BASE);
    expect(await session.destroy()).toEqual({ forced: false });
    expect(await php.read(id)).toBeNull();
  } finally {
    Date.now = now;
  }
});

describe('after a logout that is remembered', () => {
  beforeEach(async () => {
    await (await manager(100).open(id)).destroy();
    await php.write(id, BASE);
  });

  test.each([true, false])(
    'the id is not opened and not adopted (strict mode %s)',
    async (useStrictMode) => {
      const session = await manager(100, { useStrictMode }).open(id);
      expect(session.revoked).toBe(true);
      expect(session.id).not.toBe(id);
      session.variables['a'] = 1;
      await session.commit();
      expect(await php.read(id)).toBeNull();
      expect(String(await php.read(session.id))).toBe('a|i:1;');
    },
  );

  test('a look reads nothing either', async () => {
    const session = await manager(100).open(id, { readOnly: true });
    expect(session.variables).toEqual({});
    expect(session.revoked).toBe(true);
  });

  test("a session that was never logged out is not 'revoked'", async () => {
    const other = createSessionId();
    expect((await manager(100).open(other)).revoked).toBe(false);
    expect((await manager(100).open()).revoked).toBe(false);
    await php.write(other, BASE);
    expect((await manager(100).open(other)).revoked).toBe(false);
  });

  test('nor is one that moved by regenerate()', async () => {
    const sessions = manager(100);
    const other = createSessionId();
    await php.write(other, BASE);
    await (await sessions.open(other)).regenerate();
    const after = await sessions.open(other);
    expect(after.isNew).toBe(true);
    expect(after.revoked).toBe(false);
  });
});

test.each(['merge', 'overwrite'] as const)(
  "a request under '%s' that began before the logout writes nothing",
  async (concurrency) => {
    const sessions = manager(100, { concurrency });
    const session = await sessions.open(id);
    session.variables['n'] = 1;
    await sessions.destroy(id);
    await php.write(id, BASE);
    await expect(session.commit()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_GONE' });
    expect(await php.read(id)).toEqual(BASE);
  },
);

test('an adopted id under which another request stored a session meanwhile', async () => {
  const other = createSessionId();
  const session = await manager(0, { useStrictMode: false }).open(other);
  expect(session.exists).toBe(false);
  await php.write(other, BASE);
  await session.destroy();
  expect(await php.read(other)).toBeNull();
});

test('of an id that regenerate() left: the next request with it does not end the cookie', async () => {
  const sessions = manager(100);
  await lock.release();
  const session = await sessions.open(id);
  const beside = await sessions.open(id);
  await session.regenerate();
  await beside.destroy();
  await sessions.destroy(id);
  const late = await sessions.open(id);
  expect(late.revoked).toBe(false);
  expect(late.id).not.toBe(id);
  expect(String(await php.read(session.id))).toBe(String(BASE));
});
