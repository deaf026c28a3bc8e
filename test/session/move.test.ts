/** What `regenerate()` makes of lost replies; test/interop/concurrency/move.test.ts cuts real ones. */
import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { StoreError } from '../../src/errors.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import type {
  SaveHandler,
  WriteCondition,
  WriteResult,
} from '../../src/save-handler/save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';
import { moveSession } from '../../src/session/move.ts';
import { resolveSessionSettings } from '../../src/session/options.ts';
import { SessionCodec } from '../../src/session/session-codec.ts';
import { Unanswered } from '../../src/session/unanswered.ts';

const BASE = Buffer.from('userid|s:3:"kky";n|i:1;');
const lost = () => new StoreError('ERR_PSB_STORE_UNKNOWN_OUTCOME', 'lost');

type Fate = 'carried out, reply lost' | 'not carried out' | 'answered';

/** Loses the replies to the first deletes of a move. */
class LosingSaveHandler extends MemorySaveHandler {
  readonly fates: Fate[] = [];
  /** After each delete that was asked for. */
  between: () => Promise<unknown> = async () => {};
  asked = 0;

  override destroyIf(...args: Parameters<MemorySaveHandler['destroyIf']>): Promise<WriteResult> {
    return this.#lose(() => super.destroyIf(...args));
  }

  async #lose(command: () => Promise<WriteResult>): Promise<WriteResult> {
    this.asked++;
    const fate = this.fates.shift() ?? 'answered';
    const result = fate === 'not carried out' ? undefined : await command();
    await this.between();
    if (fate !== 'answered') throw lost();
    return result as WriteResult;
  }
}

let store: LosingSaveHandler;
let id: string;
const manager = (
  options: Omit<SessionManagerOptions, 'saveHandler'> = {},
  saveHandler: SaveHandler = store,
) =>
  new SessionManager({
    lockRetries: 2,
    lockWaitTime: 1000,
    onWarning: () => {},
    ...options,
    saveHandler,
  });
const stored = async (of: string) => (await store.read(of))?.toString() ?? null;
beforeEach(async () => {
  store = new LosingSaveHandler({ gcMaxlifetime: 100, lockRetries: 2, lockWaitTime: 1000 });
  id = createSessionId();
  await store.write(id, BASE);
});

/** Every id that a manager made, to look for what was left behind. */
function rememberIds(): string[] {
  const made: string[] = [];
  const create = store.createSid.bind(store);
  store.createSid = () => {
    made.push(create());
    return made.at(-1) as string;
  };
  return made;
}

describe('a lost reply to the delete of the old session', () => {
  test.each<readonly Fate[]>([
    ['carried out, reply lost'],
    ['not carried out'],
    ['carried out, reply lost', 'not carried out', 'carried out, reply lost'],
    ['not carried out', 'not carried out', 'carried out, reply lost'],
  ])('%s %s %s: the session lives under the new id alone', async (...fates) => {
    store.fates.push(...fates.filter(Boolean));
    const session = await manager().open(id);
    session.variables['userid'] = 'lde';
    await session.regenerate();
    expect(store.asked).toBe(fates.filter(Boolean).length + 1);
    expect(session.id).not.toBe(id);
    expect(await stored(id)).toBeNull();
    expect(await stored(session.id)).toBe('userid|s:3:"lde";n|i:1;');
    expect((await session.commit()).outcome).toBe('unchanged');
  });

  test('what was written before the second attempt comes along', async () => {
    store.fates.push('not carried out');
    store.between = async () => {
      store.between = async () => {};
      await store.write(id, Buffer.from('userid|s:3:"kky";n|i:1;php|b:1;'));
    };
    const session = await manager().open(id);
    session.variables['ours'] = 1;
    await session.regenerate();
    expect(await stored(id)).toBeNull();
    expect(await stored(session.id)).toBe('userid|s:3:"kky";n|i:1;php|b:1;ours|i:1;');
  });

  test('a logout before the second attempt: gone, and nothing lives on', async () => {
    const made = rememberIds();
    store.fates.push('not carried out');
    store.between = () => store.destroy(id);
    const session = await manager().open(id);
    // What was changed belongs to the session that is gone; unchanged it would begin anew.
    session.variables['late'] = 1;
    await expect(session.regenerate()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_GONE' });
    expect(session.id).toBe(id);
    expect(made).toHaveLength(1);
    expect(await stored(made[0] as string)).toBeNull();
  });

  test('somebody who takes the lock meanwhile does not make a done delete undone', async () => {
    store.fates.push('carried out, reply lost');
    store.between = async () => {
      store.between = async () => {};
      await store.lock(id);
    };
    const session = await manager().open(id);
    await session.regenerate();
    expect(await stored(session.id)).toBe(String(BASE));
  });

  test('if nobody can say what became of it, the new session stays, and nobody is told its id', async () => {
    const made = rememberIds();
    store.fates.push('not carried out');
    store.between = async () => {
      store.between = async () => {};
      await store.lock(id);
    };
    const session = await manager().open(id);
    await expect(session.regenerate()).rejects.toMatchObject({
      code: 'ERR_PSB_STORE_UNKNOWN_OUTCOME',
    });
    expect(session.id).toBe(id);
    expect(await stored(id)).toBe(String(BASE));
    expect(await stored(made[0] as string)).toBe(String(BASE));
  });

  test('a save handler without the mark of a move is asked once, and destroys nothing', async () => {
    const made = rememberIds();
    const plain = new Proxy(store, {
      get(target, name) {
        if (name === 'marksMoves' || name === 'undoRefresh') return undefined;
        if (name === 'destroyIf') {
          return (of: string, { expected, lock }: WriteCondition) =>
            target.destroyIf(of, { expected, lock });
        }
        const value = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    store.fates.push('carried out, reply lost');
    const session = await manager({}, plain).open(id);
    await expect(session.regenerate()).rejects.toMatchObject({
      code: 'ERR_PSB_STORE_UNKNOWN_OUTCOME',
    });
    expect(store.asked).toBe(1);
    expect(await stored(made[0] as string)).toBe(String(BASE));
    // And without trouble it moves as ever.
    await store.write(id, BASE);
    const again = await manager({}, plain).open(id);
    await again.regenerate();
    expect(await stored(id)).toBeNull();
    expect(await stored(again.id)).toBe(String(BASE));
  });
});

test('a new id that is taken is a conflict, and whose it is keeps it', async () => {
  const taken = createSessionId();
  await store.write(taken, Buffer.from('userid|s:3:"xyz";'));
  store.createSid = () => taken;
  const session = await manager().open(id);
  await expect(session.regenerate()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_CONFLICT' });
  expect(await stored(taken)).toBe('userid|s:3:"xyz";');
  expect(await stored(id)).toBe(String(BASE));
});

test('what a move had to decide is in its result', async () => {
  await store.write(id, Buffer.from('userid|s:3:"kky";n|i:7;'));
  const locking = { expire: 1000, retries: 1, wait: 1 };
  const settings = resolveSessionSettings({}, store, locking);
  const codec = new SessionCodec('php', -1);
  const ours = Buffer.from('userid|s:3:"kky";n|i:2;');
  const to = { id: createSessionId(), lock: undefined };
  const from = { id, lock: undefined, codec, settings, unanswered: new Unanswered() };
  const moved = await moveSession(from, to, BASE, ours, true);
  expect(moved).toEqual({ bytes: ours, conflicts: [{ path: 'n', resolution: 'ours' }] });
});

describe('graceSeconds', () => {
  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 1e300, '5', null])(
    '%o is refused before anything is written',
    async (graceSeconds) => {
      const session = await manager().open(id);
      session.variables['n'] = 2;
      const options = { deleteOld: false, graceSeconds } as unknown as { deleteOld: false };
      await expect(session.regenerate(options)).rejects.toMatchObject({ code: 'ERR_PSB_OPTIONS' });
      expect(session.id).toBe(id);
      expect(await stored(id)).toBe(String(BASE));
    },
  );

  test('are rounded up to whole ones', async () => {
    const session = await manager().open(id);
    await session.regenerate({ deleteOld: false, graceSeconds: 1.2345 });
    expect(store.ttl(id)).toBeGreaterThan(1900);
    expect(store.ttl(id)).toBeLessThanOrEqual(2000);
  });
});
