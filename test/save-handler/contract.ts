/**
 * What every save handler promises. One suite for all of them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SaveHandler, Seen } from '../../src/save-handler/save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';
import type { SaveHandlerOptions } from '../../src/save-handler/settings.ts';

export interface SaveHandlerUnderTest {
  /** A save handler over the same store for all calls. */
  make(options: SaveHandlerOptions): SaveHandler;
  /** Milliseconds that a session has left; -1 for none (immortal), -2 for no session. */
  ttl(id: string): Promise<number>;
  stop(): Promise<void>;
}

export function saveHandlerContract(
  name: string,
  start: () => Promise<SaveHandlerUnderTest>,
): void {
  describe(`save handler: ${name}`, () => {
    let store: SaveHandlerUnderTest;
    let handler: SaveHandler;
    beforeAll(async () => {
      store = await start();
      handler = store.make({ gcMaxlifetime: 100, lockRetries: 2, lockWaitTime: 1000 });
    });
    afterAll(async () => {
      await handler?.close();
      await store?.stop();
    });
    const bytes = (text: string) => Buffer.from(text, 'latin1');

    test('a missing session is null, an empty one is empty', async () => {
      const id = createSessionId();
      expect(await handler.read(id)).toBeNull();
      expect(await handler.validateId(id)).toBe(false);
      await handler.write(id, bytes(''));
      expect(await handler.read(id)).toEqual(bytes(''));
      expect(await handler.validateId(id)).toBe(true);
    });

    test('bytes come back as they were, all 256 of them', async () => {
      const id = createSessionId();
      const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      await handler.write(id, all);
      expect(await handler.read(id)).toEqual(all);
    });

    test('a Uint8Array is bytes; what is none is refused', async () => {
      const id = createSessionId();
      await handler.write(id, new Uint8Array(bytes('a|i:1;')) as Buffer);
      expect(await handler.read(id)).toEqual(bytes('a|i:1;'));
      for (const value of ['b|i:2;', { b: 2 }, [98], null, undefined]) {
        await expect(handler.write(id, value as never)).rejects.toThrow('Buffer or Uint8Array');
        await expect(handler.writeIf(id, value as never, {})).rejects.toThrow('Uint8Array');
      }
      expect(await handler.read(id)).toEqual(bytes('a|i:1;'));
    });

    test('no id is not a session that all without an id share', async () => {
      const refused = expect.objectContaining({ code: 'ERR_PSB_SESSION_ID' });
      for (const id of [undefined, null, '', 5] as never[]) {
        await expect(handler.read(id)).rejects.toEqual(refused);
        await expect(handler.write(id, bytes('a|i:1;'))).rejects.toEqual(refused);
      }
    });

    test('a read with refresh and a touch set the TTL to gcMaxlifetime, a plain read does not', async () => {
      const id = createSessionId();
      await handler.write(id, bytes('a|i:1;'));
      expect(await handler.updateTimestamp(id, 7)).toBe(true);
      await handler.read(id);
      expect(await store.ttl(id)).toBeLessThanOrEqual(7000);
      await handler.read(id, { refresh: true });
      expect(await store.ttl(id)).toBeGreaterThan(99_000);
      await handler.updateTimestamp(id, 7);
      expect(await handler.updateTimestamp(id)).toBe(true);
      expect(await store.ttl(id)).toBeGreaterThan(99_000);
    });

    test('a touch does not bring a session back', async () => {
      const id = createSessionId();
      expect(await handler.updateTimestamp(id)).toBe(false);
      expect(await handler.read(id, { refresh: true })).toBeNull();
      expect(await store.ttl(id)).toBe(-2);
    });

    test('every write leaves a TTL', async () => {
      const id = createSessionId();
      await handler.write(id, bytes('x'));
      expect(await store.ttl(id)).toBeGreaterThan(99_000);
      await handler.writeIf(id, bytes('y'), { expected: bytes('x') });
      expect(await store.ttl(id)).toBeGreaterThan(99_000);
      await handler.writeIf(id, bytes('z'), {});
      expect(await store.ttl(id)).toBeGreaterThan(99_000);
      expect(await store.ttl(id)).toBeLessThanOrEqual(100_000);
    });

    test('without gcMaxlifetime a longer TTL is never lowered', async () => {
      const id = createSessionId();
      const warned: string[] = [];
      const careful = store.make({ onWarning: (code) => warned.push(code) });
      await handler.write(id, bytes('x'));
      await handler.updateTimestamp(id, 9000);
      await careful.read(id, { refresh: true });
      await careful.updateTimestamp(id);
      await careful.writeIf(id, bytes('y'), { expected: bytes('x') });
      await careful.write(id, bytes('z'));
      expect(await store.ttl(id)).toBeGreaterThan(8_990_000);
      await careful.updateTimestamp(id, 5);
      await careful.updateTimestamp(id);
      expect(await store.ttl(id)).toBeGreaterThan(1_439_000);
    });

    test('a session dies when its TTL is over', async () => {
      const id = createSessionId();
      const brief = store.make({ gcMaxlifetime: 1 });
      await brief.write(id, bytes('x'));
      await sleep(1100);
      expect(await brief.read(id)).toBeNull();
    });

    test('a conditional write wants the bytes that were read', async () => {
      const id = createSessionId();
      expect(await handler.writeIf(id, bytes('1'), { expected: bytes('0') })).toEqual({
        state: 'changed',
        bytes: null,
      });
      expect(await handler.writeIf(id, bytes('1'), { expected: null })).toEqual({
        state: 'written',
      });
      expect(await handler.writeIf(id, bytes('2'), { expected: null })).toEqual({
        state: 'changed',
        bytes: bytes('1'),
      });
      expect(await handler.writeIf(id, bytes('2'), { expected: bytes('0') })).toEqual({
        state: 'changed',
        bytes: bytes('1'),
      });
      expect(await handler.writeIf(id, bytes('2'), { expected: bytes('1') })).toEqual({
        state: 'written',
      });
      expect(await handler.read(id)).toEqual(bytes('2'));
    });

    test('an empty session is not an absent one', async () => {
      const id = createSessionId();
      await handler.write(id, bytes(''));
      expect(await handler.writeIf(id, bytes('x'), { expected: null })).toEqual({
        state: 'changed',
        bytes: bytes(''),
      });
      expect(await handler.writeIf(id, bytes('x'), { expected: bytes('') })).toEqual({
        state: 'written',
      });
    });

    test('a conditional destroy wants the bytes, too; without one an absent session is fine', async () => {
      const id = createSessionId();
      await handler.write(id, bytes('now'));
      expect(await handler.destroyIf(id, { expected: bytes('before') })).toEqual({
        state: 'changed',
        bytes: bytes('now'),
      });
      expect(await handler.destroyIf(id, { expected: bytes('now') })).toEqual({ state: 'written' });
      expect(await handler.destroyIf(id, { expected: bytes('now') })).toEqual({
        state: 'changed',
        bytes: null,
      });
      expect(await handler.destroyIf(id, {})).toEqual({ state: 'written' });
      await handler.destroy(id);
      expect(await handler.read(id)).toBeNull();
    });

    test('a foreign lock refuses writes and destroys, and is left alone', async () => {
      const id = createSessionId();
      await handler.write(id, bytes('x'));
      const lock = await handler.lock(id);
      expect(await handler.writeIf(id, bytes('y'), { expected: bytes('x') })).toEqual({
        state: 'locked',
      });
      expect(await handler.destroyIf(id, {})).toEqual({ state: 'locked' });
      await expect(handler.lock(id)).rejects.toMatchObject({
        code: 'ERR_PSB_LOCK_BUSY',
        status: 503,
      });
      expect(await handler.writeIf(id, bytes('y'), { expected: bytes('x'), lock })).toEqual({
        state: 'written',
      });
      expect(await lock.release()).toBe(true);
      expect(await lock.release()).toBe(false);
      expect(await handler.writeIf(id, bytes('z'), {})).toEqual({ state: 'written' });
    });

    test('a lock that is no longer ours refuses our write', async () => {
      const id = createSessionId();
      await handler.write(id, bytes('x'));
      const lost = await handler.lock(id);
      await lost.release();
      expect(await handler.writeIf(id, bytes('y'), { lock: lost })).toEqual({ state: 'lost' });
      const other = await handler.lock(id);
      expect(await handler.writeIf(id, bytes('y'), { lock: lost })).toEqual({ state: 'lost' });
      expect(await lost.release()).toBe(false);
      expect(await lost.renew()).toBe(false);
      expect(await other.renew()).toBe(true);
      expect(await other.release()).toBe(true);
      expect(await handler.read(id)).toEqual(bytes('x'));
    });

    test('a lock dies by itself', async () => {
      const id = createSessionId();
      const brief = store.make({ lockExpire: 1, lockRetries: 100, lockWaitTime: 20_000 });
      const first = await brief.lock(id);
      const second = await brief.lock(id);
      expect(await first.release()).toBe(false);
      expect(await second.release()).toBe(true);
    });

    test('a renewed lock lives on', async () => {
      const id = createSessionId();
      const brief = store.make({ lockExpire: 1, lockRetries: 1, lockWaitTime: 1000 });
      const lock = await brief.lock(id);
      await sleep(700);
      expect(await lock.renew()).toBe(true);
      await sleep(700);
      expect(await lock.release()).toBe(true);
    });

    test('a revoked id stays dead for as long as asked, and takes down what came back', async () => {
      const id = createSessionId();
      const revoking = store.make({ gcMaxlifetime: 1, revokedTtl: 1 });
      expect(revoking.revokes).toBe(true);
      expect(handler.revokes).toBe(false);
      await revoking.write(id, bytes('user'));
      await revoking.destroyIf(id, {});
      // PHP, in flight during the logout, writes what it had.
      await handler.write(id, bytes('user'));
      expect(await revoking.updateTimestamp(id)).toBe(false);
      expect(await revoking.writeIf(id, bytes('new'), { expected: null })).toEqual({
        state: 'changed',
        bytes: null,
      });
      // Not even the writes that ask nobody: the last one wins, PHP's own.
      expect(await revoking.writeIf(id, bytes('new'), {})).toEqual({
        state: 'changed',
        bytes: null,
      });
      await expect(revoking.write(id, bytes('new'))).rejects.toMatchObject({
        code: 'ERR_PSB_SESSION_GONE',
      });
      expect(await handler.read(id)).toEqual(bytes('user'));
      await sleep(600);
      const seen: Seen = {};
      expect(await revoking.read(id, { seen })).toBeNull();
      expect(seen.revoked).toBe(true);
      expect(await handler.read(id)).toBeNull();
      expect(await revoking.validateId(id)).toBe(false);
      // That it came back once has renewed the tombstone.
      await sleep(600);
      await handler.write(id, bytes('user'));
      expect(await revoking.read(id, { refresh: true })).toBeNull();
      await sleep(1100);
      await handler.write(id, bytes('user'));
      expect(await revoking.read(id)).toEqual(bytes('user'));
    });

    test('a session that moved away says so to its mover alone, whatever came after', async () => {
      const id = createSessionId();
      expect(handler.marksMoves).toBe(true);
      await handler.write(id, bytes('x'));
      expect(await handler.destroyIf(id, { expected: bytes('y'), mover: 'one' })).toEqual({
        state: 'changed',
        bytes: bytes('x'),
      });
      const busy = await handler.lock(id);
      expect(await handler.destroyIf(id, { expected: bytes('x'), mover: 'one' })).toEqual({
        state: 'locked',
      });
      await busy.release();
      expect(await handler.destroyIf(id, { expected: bytes('x'), mover: 'one' })).toEqual({
        state: 'written',
      });
      expect(await handler.read(id)).toBeNull();
      await handler.lock(id);
      await handler.write(id, bytes('from PHP'));
      expect(await handler.destroyIf(id, { expected: bytes('x'), mover: 'one' })).toEqual({
        state: 'written',
      });
      expect(await handler.read(id)).toEqual(bytes('from PHP'));
      await handler.destroy(id);
      expect(await handler.destroyIf(id, { expected: bytes('x'), mover: 'two' })).toEqual({
        state: 'locked',
      });
    });

    test('who moved away was not logged out: the client has the new id', async () => {
      const id = createSessionId();
      const revoking = store.make({ gcMaxlifetime: 100, revokedTtl: 100 });
      await revoking.write(id, bytes('x'));
      await revoking.destroyIf(id, { expected: bytes('x'), mover: 'one' });
      await handler.write(id, bytes('x'));
      const seen: Seen = {};
      expect(await revoking.read(id, { seen })).toBeNull();
      expect(seen).toEqual({ revoked: false, left: true });
      expect(await handler.read(id)).toBeNull();
      // Nor by a logout that comes late: it would end the cookie of the new session.
      const late: Seen = {};
      await revoking.destroy(id);
      await revoking.read(id, { seen: late });
      expect(late).toEqual({ revoked: false, left: true });
      const other = createSessionId();
      const ended: Seen = {};
      await revoking.destroy(other);
      await revoking.read(other, { seen: ended });
      expect(ended).toEqual({ revoked: true, left: false });
      const never: Seen = {};
      await revoking.read(createSessionId(), { seen: never });
      expect(never).toEqual({});
    });

    test('a refreshing read can be taken back, for the bytes that it read', async () => {
      const id = createSessionId();
      await handler.write(id, bytes('x'));
      await handler.updateTimestamp(id, 7);
      const seen: Seen = {};
      const read = (await handler.read(id, { refresh: true, seen })) as Buffer;
      expect(seen.ttl).toBeGreaterThan(6000);
      expect(seen.ttl).toBeLessThanOrEqual(7000);
      await handler.undoRefresh!(id, bytes('y'), seen.ttl as number);
      expect(await store.ttl(id)).toBeGreaterThan(99_000);
      await handler.undoRefresh!(id, read, seen.ttl as number);
      expect(await store.ttl(id)).toBeLessThanOrEqual(7000);
      // Never upwards, and never away.
      await handler.undoRefresh!(id, read, 50_000);
      await handler.undoRefresh!(id, read, -1);
      const left = await store.ttl(id);
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(7000);
    });

    test.each([
      ['a read', (made: SaveHandler, id: string) => made.read(id, { refresh: true })],
      ['a write', (made: SaveHandler, id: string) => made.writeIf(id, bytes('y'), {})],
      ['a touch', (made: SaveHandler, id: string) => made.updateTimestamp(id)],
    ])('%s sets the TTL to gcMaxlifetime, and the first cut is told', async (_, work) => {
      const id = createSessionId();
      const told: string[] = [];
      const onWarning = (code: string) => void told.push(code);
      const exact = store.make({ gcMaxlifetime: 100, onWarning });
      await handler.write(id, bytes('x'));
      await work(exact, id);
      expect(told).toEqual([]);
      await handler.updateTimestamp(id, 9000);
      await work(exact, id);
      await handler.updateTimestamp(id, 9000);
      await work(exact, id);
      expect(await store.ttl(id)).toBeGreaterThan(99_000);
      expect(await store.ttl(id)).toBeLessThanOrEqual(100_000);
      expect(told).toEqual(['PSB_TTL_SHORTENED']);
    });

    test('keepLongerTtl keeps a longer TTL beside gcMaxlifetime, and says nothing', async () => {
      const id = createSessionId();
      const told: string[] = [];
      const onWarning = (code: string) => void told.push(code);
      const keeping = store.make({ gcMaxlifetime: 100, keepLongerTtl: true, onWarning });
      await handler.write(id, bytes('x'));
      await handler.updateTimestamp(id, 9000);
      await keeping.read(id, { refresh: true });
      await keeping.writeIf(id, bytes('y'), {});
      await keeping.updateTimestamp(id);
      expect(await store.ttl(id)).toBeGreaterThan(8_990_000);
      expect(told).toEqual([]);
    });

    test('a tombstone that dies before the session it keeps dead is told at the start', () => {
      const told: string[] = [];
      const onWarning = (code: string) => void told.push(code);
      store.make({ gcMaxlifetime: 100, revokedTtl: 100, onWarning });
      store.make({ gcMaxlifetime: 100, onWarning });
      expect(told).toEqual([]);
      store.make({ gcMaxlifetime: 100, revokedTtl: 99, onWarning });
      expect(told).toEqual(['PSB_REVOKED_TTL']);
    });

    test('ids are made as PHP makes them', () => {
      expect(handler.createSid()).toMatch(/^[0-9a-f]{32}$/);
      const long = store.make({ sidLength: 64, sidBitsPerCharacter: 6 });
      expect(long.createSid()).toMatch(/^[0-9a-zA-Z,-]{64}$/);
    });

    test('of many writers that read the same, one writes', async () => {
      const id = createSessionId();
      await handler.write(id, bytes('0'));
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, writer) =>
          handler.writeIf(id, bytes(`writer ${writer}`), { expected: bytes('0') }),
        ),
      );
      expect(results.filter(({ state }) => state === 'written')).toHaveLength(1);
    });
  });
}
