import { expect, test } from 'vitest';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import type { Seen } from '../../src/save-handler/save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';
import { differences, rows, SECONDS, type TableUnderTest, ttlName } from './table-rows.ts';

/** Everything through the interface of the save handler itself: memory has no other. */
function memory(): TableUnderTest {
  const options = { gcMaxlifetime: 100, lockRetries: 1, lockWaitTime: 1, onWarning: () => {} };
  const plain = new MemorySaveHandler(options);
  const revoking = new MemorySaveHandler({ ...options, revokedTtl: 60 }, plain);
  return {
    make: (made) => new MemorySaveHandler(made, plain),
    async prepare({ data, ttl, lock, revoked, moved }) {
      const id = createSessionId();
      if (revoked === 'moved') await revoking.destroyIf(id, { mover: moved ?? 'nobody' });
      else if (moved !== null) await plain.destroyIf(id, { mover: moved });
      if (revoked === 'logout') await revoking.destroy(id);
      if (data !== null) {
        await plain.write(id, Buffer.from(data));
        if (ttl !== 'none') await plain.updateTimestamp(id, SECONDS[ttl]);
      }
      const mine = await plain.lock(id);
      if (lock === 'mine') return { id, mine };
      await mine.release();
      return lock === null ? { id, mine } : { id, mine, other: await plain.lock(id) };
    },
    async look({ id, mine, other }) {
      const data = await plain.read(id);
      const ttl = ttlName(plain.ttl(id));
      await plain.destroyIf(id, { lock: mine });
      const seen: Seen = {};
      await revoking.read(id, { seen });
      const revoked = seen.revoked === undefined ? null : seen.revoked ? 'logout' : 'moved';
      let lock: string | null = null;
      if (await mine.renew()) lock = 'mine';
      else if (await other?.renew()) lock = 'other';
      else if ((await plain.destroyIf(id, {})).state === 'locked') lock = 'new';
      let moved: string | null = null;
      for (const name of ['mine', 'other']) {
        // Nothing is there to be deleted, so only who left the marker is told that it is done.
        const asked = await plain.destroyIf(id, { expected: Buffer.from('never'), mover: name });
        if (asked.state === 'written') moved = name;
      }
      return { data: data === null ? null : String(data), ttl, lock, revoked, moved };
    },
  };
}

test('the memory save handler does what the table says', async () => {
  const all = [...rows()];
  expect(all.length).toBeGreaterThan(10_000);
  expect(await differences(memory(), all)).toEqual([]);
});
