import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
/** Written by PHP 8.2, serialize handler php. */
const LOGGED_IN = bytes('username|s:9:"\xed\x99\x8d\xea\xb8\xb8\xeb\x8f\x99";userid|s:3:"kky";');

/** Counts what the session floor asks of its store. */
class CountingSaveHandler extends MemorySaveHandler {
  readonly calls: string[] = [];
  override read(...args: Parameters<MemorySaveHandler['read']>) {
    this.calls.push(args[1]?.refresh ? 'read+refresh' : 'read');
    return super.read(...args);
  }
  override writeIf(...args: Parameters<MemorySaveHandler['writeIf']>) {
    this.calls.push('writeIf');
    return super.writeIf(...args);
  }
  override updateTimestamp(...args: Parameters<MemorySaveHandler['updateTimestamp']>) {
    this.calls.push('touch');
    return super.updateTimestamp(...args);
  }
  override destroyIf(...args: Parameters<MemorySaveHandler['destroyIf']>) {
    this.calls.push('destroyIf');
    return super.destroyIf(...args);
  }
  override lock(...args: Parameters<MemorySaveHandler['lock']>) {
    this.calls.push('lock');
    return super.lock(...args);
  }
}

let store: CountingSaveHandler;
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
beforeEach(async () => {
  store = new CountingSaveHandler({ gcMaxlifetime: 100, lockRetries: 2, lockWaitTime: 1000 });
  id = createSessionId();
  await store.write(id, LOGGED_IN);
});

describe('reading', () => {
  test('what PHP wrote is there as ordinary values', async () => {
    const session = await manager().open(id);
    expect(session.id).toBe(id);
    expect(session.isNew).toBe(false);
    expect(session.variables).toEqual({ username: '홍길동', userid: 'kky' });
  });

  test('an unchanged session is only refreshed, in one step with the read', async () => {
    const session = await manager().open(id);
    expect(session.variables['userid']).toBe('kky');
    expect(await session.commit()).toEqual({ outcome: 'unchanged', conflicts: [] });
    expect(store.calls).toEqual(['read+refresh']);
    expect(await store.read(id)).toEqual(LOGGED_IN);
  });

  test.each([
    ['open', 'always', false, ['read+refresh']],
    ['commit', 'always', false, ['read', 'touch']],
    ['open', 'used', false, ['read']],
    ['open', 'used', true, ['read', 'touch']],
    ['open', false, true, ['read']],
  ] as const)('refreshAt %s, refresh %s, used %s: %j', async (refreshAt, refresh, used, calls) => {
    const session = await manager({ refreshAt, refresh }).open(id);
    if (used) session.variables;
    await session.commit();
    expect(store.calls).toEqual(calls);
  });

  test('a read-only session refreshes nothing and cannot be written', async () => {
    const session = await manager().open(id, { readOnly: true });
    await expect(session.save()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_READ_ONLY' });
    await session.commit();
    expect(store.calls).toEqual(['read']);
  });

  test('an empty string in the store is an existing, empty session', async () => {
    await store.write(id, bytes(''));
    const session = await manager().open(id);
    expect(session.isNew).toBe(false);
    expect(session.id).toBe(id);
    expect(session.variables).toEqual({});
    await session.commit();
    expect(await store.read(id)).toEqual(bytes(''));
  });

  test('bytes that are no session are an error and stay as they are', async () => {
    await store.write(id, bytes('{"json":true}'));
    const session = await manager().open(id);
    expect(() => session.variables).toThrowError(
      expect.objectContaining({ name: 'CodecError', status: 500 }),
    );
    expect(await session.commit()).toEqual({ outcome: 'unchanged', conflicts: [] });
    expect(await store.read(id)).toEqual(bytes('{"json":true}'));
  });

  test.each(['../../x', 'x'.repeat(5000), `${'a'.repeat(32)}_LOCK`, '', 'short', 'a b'.repeat(10)])(
    'the store is never asked for an id like %.20j',
    async (text) => {
      const session = await manager().open(text);
      expect(session.isNew).toBe(true);
      expect(session.requestedId).toBeUndefined();
      expect(session.id).toMatch(/^[0-9a-f]{32}$/);
      await session.commit();
      expect(store.calls).toEqual([]);
    },
  );

  test('form that PHP would write otherwise does not make a reader write', async () => {
    await store.write(id, bytes('f|d:0.10000000000000000;b|i:1;b|i:2;'));
    const session = await manager().open(id);
    expect(session.variables['b']).toBe(2);
    expect((await session.commit()).outcome).toBe('unchanged');
    expect(await store.read(id)).toEqual(bytes('f|d:0.10000000000000000;b|i:1;b|i:2;'));
  });
});

describe('strict mode', () => {
  test('an unknown id is replaced', async () => {
    const unknown = createSessionId();
    const session = await manager().open(unknown);
    expect(session.requestedId).toBe(unknown);
    expect(session.id).not.toBe(unknown);
    session.variables['a'] = 1;
    await session.commit();
    expect(await store.read(unknown)).toBeNull();
    expect(await store.read(session.id)).toEqual(bytes('a|i:1;'));
  });

  test('without it, the id is adopted as PHP does', async () => {
    const unknown = createSessionId();
    const session = await manager({ useStrictMode: false }).open(unknown);
    session.variables['a'] = 1;
    await session.commit();
    expect(await store.read(unknown)).toEqual(bytes('a|i:1;'));
  });

  test('an id that was left by a move is adopted by nobody: nothing could be written under it', async () => {
    const saveHandler = new MemorySaveHandler({ gcMaxlifetime: 100, revokedTtl: 100 });
    const sessions = new SessionManager({ useStrictMode: false, saveHandler });
    const first = await sessions.open();
    first.variables['userid'] = 'kky';
    await first.commit();
    const moving = await sessions.open(first.id);
    await moving.regenerate();
    await moving.commit();
    // The answer with the new cookie did not arrive.
    const again = await sessions.open(first.id);
    expect(again.id).not.toBe(first.id);
    expect(again.id).not.toBe(moving.id);
    expect(again.variables).toEqual({});
    expect(again.revoked).toBe(false);
    again.variables['userid'] = 'lde';
    expect((await again.commit()).outcome).toBe('written');
    expect(await saveHandler.read(again.id)).toEqual(bytes('userid|s:3:"lde";'));
    expect(await saveHandler.read(moving.id)).toEqual(bytes('userid|s:3:"kky";'));
  });
});

describe('writing', () => {
  test('a changed variable is written, the rest stays byte for byte', async () => {
    const session = await manager().open(id);
    session.variables['userid'] = 'lde';
    expect(await session.commit()).toEqual({ outcome: 'written', conflicts: [] });
    expect(await store.read(id)).toEqual(
      bytes('username|s:9:"\xed\x99\x8d\xea\xb8\xb8\xeb\x8f\x99";userid|s:3:"lde";'),
    );
    expect(store.calls.slice(0, 2)).toEqual(['read+refresh', 'writeIf']);
  });

  test('nothing comes into being without something to store', async () => {
    const session = await manager().open();
    session.variables;
    await session.commit();
    expect(store.calls).toEqual([]);
    expect(session.exists).toBe(false);
  });

  test('a new session is stored under its new id', async () => {
    const told: string[] = [];
    const session = await manager().open(undefined, { beforeNewId: () => told.push('new') });
    session.variables['a'] = 'x';
    expect(session.isNew).toBe(true);
    await session.save();
    expect(session.isNew).toBe(false);
    expect(await store.read(session.id)).toEqual(bytes('a|s:1:"x";'));
    session.variables['a'] = 'y';
    await session.commit();
    expect(told).toEqual(['new']);
    expect(await store.read(session.id)).toEqual(bytes('a|s:1:"y";'));
  });

  test('what cannot be named by a cookie any more is not stored', async () => {
    const session = await manager().open(undefined, {
      beforeNewId: () => {
        throw new Error('headers sent');
      },
    });
    session.variables['a'] = 1;
    await expect(session.save()).rejects.toThrow('headers sent');
    await expect(session.regenerate()).resolves.toMatchObject({ outcome: 'unchanged' });
    expect(store.calls).toEqual([]);
  });

  test('an emptied session is stored empty, as PHP stores it', async () => {
    const session = await manager().open(id);
    for (const name of Object.keys(session.variables)) delete session.variables[name];
    await session.commit();
    expect(await store.read(id)).toEqual(bytes(''));
  });

  test('assigning an object replaces all variables under the same id', async () => {
    const session = await manager().open(id);
    const own = { cart: ['book'] };
    session.variables = own;
    own.cart.push('pen');
    await session.commit();
    expect(await store.read(id)).toEqual(bytes('cart|a:2:{i:0;s:4:"book";i:1;s:3:"pen";}'));
  });

  test.each([null, undefined, 5, 'text', [1], new Map()])('%o is no session', async (value) => {
    const session = await manager().open(id);
    expect(() => {
      session.variables = value as never;
    }).toThrowError(expect.objectContaining({ code: 'ERR_PSB_CODEC_VALUE' }));
  });

  test('variables that PHP cannot hold are refused and nothing is written', async () => {
    const session = await manager().open(id);
    session.variables['f'] = () => 1;
    await expect(session.commit()).rejects.toMatchObject({ name: 'CodecError' });
    expect(await store.read(id)).toEqual(LOGGED_IN);
    expect(session.state).toBe('closed');
  });

  test('without lazyWrite an unchanged session is written again', async () => {
    const session = await manager({ lazyWrite: false }).open(id);
    await session.commit();
    expect(store.calls).toEqual(['read+refresh', 'writeIf']);
    expect(await store.read(id)).toEqual(LOGGED_IN);
  });

  test('save() twice writes once; a closed session refuses', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 1;
    expect((await session.save()).outcome).toBe('written');
    expect((await session.save()).outcome).toBe('unchanged');
    await session.commit();
    await session.commit();
    await expect(session.save()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_CLOSED' });
  });
});

describe('ends', () => {
  test('destroy() deletes, and a later commit writes nothing', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 1;
    await session.destroy();
    expect(session.state).toBe('destroyed');
    expect(session.variables).toEqual({});
    await session.commit();
    expect(await store.read(id)).toBeNull();
  });

  test('a session that was never stored costs no command to destroy', async () => {
    const session = await manager().open();
    await session.destroy();
    expect(store.calls).toEqual([]);
  });

  test('abort() leaves everything as it was', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 1;
    await session.abort();
    await session.commit();
    expect(await store.read(id)).toEqual(LOGGED_IN);
  });

  test('reload() forgets unsaved changes and sees new ones', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 1;
    await store.write(id, bytes('userid|s:3:"kky";theirs|b:1;'));
    await session.reload();
    expect(session.variables).toEqual({ userid: 'kky', theirs: true });
  });

  test('run() commits on return and aborts on a throw', async () => {
    const sessions = manager();
    const seen = await sessions.run(id, (session) => {
      session.variables['seen'] = true;
      return session.variables['userid'];
    });
    expect(seen).toBe('kky');
    await expect(
      sessions.run(id, async (session) => {
        session.variables['lost'] = true;
        throw new Error('job failed');
      }),
    ).rejects.toThrow('job failed');
    const { variables } = await sessions.open(id, { readOnly: true });
    expect(variables).toMatchObject({ seen: true });
    expect(variables).not.toHaveProperty('lost');
  });

  test('close() waits for open sessions, then refuses', async () => {
    const sessions = manager();
    const session = await sessions.open(id);
    session.variables['n'] = 1;
    const closed = sessions.close();
    await expect(sessions.open(id)).rejects.toMatchObject({ code: 'ERR_PSB_MANAGER_CLOSED' });
    await session.commit();
    await closed;
    expect(await store.read(id)).not.toBeNull();
  });

  test('close() does not wait for ever, and releases locks', async () => {
    const sessions = manager({ closeTimeout: 20, concurrency: 'lock' });
    const session = await sessions.open(id);
    await sessions.close();
    expect(session.state).toBe('aborted');
    await expect(store.lock(id)).resolves.toBeDefined();
  });

  test('await using commits', async () => {
    const sessions = manager();
    {
      await using session = await sessions.open(id);
      session.variables['n'] = 1;
    }
    expect(String(await store.read(id))).toContain('n|i:1;');
  });
});
