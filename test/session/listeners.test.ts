import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { openRequest } from '../../src/http/request-session.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';
import { SlowSaveHandler } from './slow-save-handler.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

let store: SlowSaveHandler;
let id: string;
let warnings: [string, string][];
function manager(options: Omit<SessionManagerOptions, 'saveHandler'> = {}): SessionManager {
  return new SessionManager({
    identity: [],
    onWarning: (code, message) => warnings.push([code, message]),
    ...options,
    saveHandler: store,
  });
}
beforeEach(async () => {
  store = new SlowSaveHandler();
  id = createSessionId();
  warnings = [];
  await store.write(id, bytes('n|i:1;'));
});

describe('a listener that throws', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('audit is away');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('audit is away');
      },
    ],
  ])('onCommit %s: the session is stored, and the result stands', async (_, onCommit) => {
    const session = await manager({ onCommit }).open(id);
    session.variables['n'] = 2;
    expect(await session.commit()).toEqual({ outcome: 'written', conflicts: [] });
    await sleep(1);
    expect(String(await store.read(id))).toBe('n|i:2;');
    expect(warnings).toEqual([['PSB_LISTENER', expect.stringContaining('audit is away')]]);
    expect(warnings[0]?.[1]).toContain('onCommit');
  });

  test('onLost, called by a request', async () => {
    const sessions = manager({
      onLost: () => {
        throw new Error('audit is away');
      },
    });
    const request = await openRequest(sessions, { cookie: `PHPSESSID=${id}` });
    request.variables['n'] = 2;
    await store.destroy(id);
    await expect(request.commit()).resolves.toMatchObject({ setCookie: [] });
    expect(warnings).toEqual([['PSB_LISTENER', expect.stringContaining('onLost')]]);
  });

  test('onConflict, when the session is written already: what both did is kept', async () => {
    const session = await manager({
      onConflict: () => {
        throw new Error('cannot decide');
      },
    }).open(id);
    session.variables['ours'] = 1;
    store.pause = async (call, when) => {
      if (call !== 'writeIf' || when !== 'before') return;
      store.pause = () => {};
      await store.write(id, bytes('n|i:7;'));
      session.variables['n'] = 5;
    };
    expect((await session.save()).outcome).toBe('merged');
    expect(String(await store.read(id))).toBe('n|i:7;ours|i:1;');
    expect(warnings).toEqual([['PSB_LISTENER', expect.stringContaining('onConflict')]]);
    // Before anything is written it may refuse.
    await expect(session.commit()).rejects.toThrow('cannot decide');
    expect(String(await store.read(id))).toBe('n|i:7;ours|i:1;');
  });

  test('a warning listener that throws, too', async () => {
    const session = await manager({
      onCommit: () => {
        throw new Error('one');
      },
      onWarning: () => {
        throw new Error('two');
      },
    }).open(id);
    session.variables['n'] = 2;
    expect((await session.commit()).outcome).toBe('written');
  });
});

describe('session variables that are assigned after the commit', () => {
  afterEach(() => vi.unstubAllEnvs());
  const late = () => warnings.filter(([code]) => code === 'PSB_LATE_ASSIGNMENT');

  async function commitThenAssign(sessions: SessionManager, wait = 0): Promise<void> {
    const session = await sessions.open(id);
    const { variables } = session;
    variables['before'] = Math.random();
    await session.commit();
    await sleep(wait);
    variables['after'] = 1;
  }

  test.each([0, 60])('are told, once: %s ms after it', async (wait) => {
    const sessions = manager();
    await commitThenAssign(sessions, wait);
    await commitThenAssign(sessions, wait);
    await sleep(400);
    expect(late()).toHaveLength(1);
    expect(String(await store.read(id))).not.toContain('after');
  });

  test('deep inside, and of a session that was only read', async () => {
    await store.write(id, bytes('cart|a:1:{s:3:"tea";i:1;}'));
    const session = await manager().open(id);
    const cart = session.variables['cart'] as Record<string, number>;
    await session.commit();
    cart['tea'] = 2;
    await sleep(60);
    expect(late()).toHaveLength(1);
  });

  test('nothing is told of sessions that are left alone', async () => {
    const sessions = manager();
    const session = await sessions.open(id);
    session.variables['n'] = { deep: [1, 2] };
    await session.commit();
    const merging = await sessions.open(id);
    merging.variables['m'] = 1;
    await store.write(id, bytes('n|i:9;'));
    await merging.commit();
    const aborted = await sessions.open(id);
    aborted.variables['m'] = 2;
    await aborted.abort();
    await sleep(300);
    expect(warnings).toEqual([]);
  });

  test('nor in production', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    await commitThenAssign(manager());
    await sleep(60);
    expect(late()).toEqual([]);
  });

  test('the setter of all variables says so itself', async () => {
    const session = await manager().open(id);
    await session.commit();
    expect(() => {
      session.variables = { a: 1 };
    }).toThrow(expect.objectContaining({ code: 'ERR_PSB_SESSION_CLOSED' }));
  });
});

describe('what a commit costs', () => {
  test('one that merges does no work on variables that nobody looks at', async () => {
    await store.write(id, bytes('n|i:1;cart|a:1:{s:3:"tea";i:1;}'));
    const session = await manager().open(id);
    const { variables } = session;
    variables['ours'] = 1;
    await store.write(id, bytes('n|i:7;cart|a:1:{s:3:"tea";i:1;}'));
    expect((await session.commit()).outcome).toBe('merged');
    expect(variables['n']).toBe(1);
    expect(session.variables['n']).toBe(7);
    expect(variables['n']).toBe(7);
  });
});
