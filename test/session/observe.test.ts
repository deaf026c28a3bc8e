import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';

const NAMES = ['open', 'commit', 'conflict', 'lock', 'destroy', 'error'] as const;

let store: MemorySaveHandler;
let id: string;
let events: [string, Record<string, unknown>][];
const listeners = NAMES.map((name) => ({
  channel: `php-session-bridge:${name}`,
  listener: (event: unknown) => events.push([name, event as Record<string, unknown>]),
}));

beforeEach(async () => {
  store = new MemorySaveHandler({ lockRetries: 1, lockWaitTime: 1000 });
  id = createSessionId();
  await store.write(id, Buffer.from('secret|s:6:"hidden";n|i:1;'));
  events = [];
  for (const { channel, listener } of listeners) subscribe(channel, listener);
});
afterEach(() => {
  for (const { channel, listener } of listeners) unsubscribe(channel, listener);
});

function manager(options: Omit<SessionManagerOptions, 'saveHandler'> = {}) {
  return new SessionManager({ onWarning: () => {}, ...options, saveHandler: store });
}

function seen(name: string): Record<string, unknown>[] {
  return events.filter(([channel]) => channel === name).map(([, event]) => event);
}

describe('diagnostics channels', () => {
  test('an ordinary request: what it took, never whose it is or what it holds', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 2;
    await session.commit();
    expect(seen('open')).toEqual([
      {
        session: expect.stringMatching(/^[0-9a-f]{16}$/),
        ms: expect.any(Number),
        bytes: 26,
        outcome: 'found',
      },
    ]);
    expect(seen('commit')).toEqual([expect.objectContaining({ bytes: 26, outcome: 'written' })]);
    expect(JSON.stringify(events)).not.toContain(id);
    expect(JSON.stringify(events)).not.toContain('hidden');
    expect(seen('open')[0]?.['session']).toBe(seen('commit')[0]?.['session']);
  });

  test('a conflict names its paths', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 2;
    await store.write(id, Buffer.from('secret|s:6:"hidden";n|i:3;'));
    await session.commit();
    expect(seen('conflict')).toEqual([expect.objectContaining({ paths: ['n'] })]);
    expect(seen('commit')).toEqual([expect.objectContaining({ outcome: 'merged' })]);
  });

  test('a lost session and a busy lock come with their codes', async () => {
    const lost = await manager().open(id);
    lost.variables['n'] = 2;
    await store.destroy(id);
    await lost.commit().catch(() => {});
    expect(seen('error')).toEqual([expect.objectContaining({ code: 'ERR_PSB_SESSION_GONE' })]);
    await store.write(id, Buffer.from('n|i:1;'));
    await store.lock(id);
    const busy = await manager({ lockRetries: 1, lockWaitTime: 1000 }).open(id);
    busy.variables['n'] = 2;
    await busy.commit().catch(() => {});
    expect(seen('lock')).toEqual([expect.objectContaining({ code: 'ERR_PSB_LOCK_BUSY' })]);
  });

  test('a conflict that regenerate() decides, and a failure of it', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 2;
    await store.write(id, Buffer.from('secret|s:6:"hidden";n|i:3;'));
    await session.regenerate();
    expect(seen('conflict')).toEqual([expect.objectContaining({ paths: ['n'] })]);
    session.variables['n'] = 4;
    await store.destroy(session.id);
    await session.regenerate().catch(() => {});
    expect(seen('error')).toEqual([expect.objectContaining({ code: 'ERR_PSB_SESSION_GONE' })]);
  });

  test('a logout', async () => {
    await (await manager().open(id)).destroy();
    expect(seen('destroy')).toHaveLength(1);
  });
});

describe('listeners and warnings', () => {
  test('onCommit is told once per request', async () => {
    const told: string[] = [];
    const session = await manager({
      onCommit: ({ outcome }, { id: at }) => told.push(`${outcome} ${at === id}`),
    }).open(id);
    session.variables['n'] = 2;
    await session.commit();
    await session.commit();
    expect(told).toEqual(['written true']);
  });

  test("'lock' warns at start of phpredis 5's short patience", () => {
    const codes: string[] = [];
    manager({ concurrency: 'lock', onWarning: (code) => codes.push(code) });
    expect(codes).toEqual(['PSB_LOCK_PATIENCE']);
  });
});
