import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { decodeSession, encodeSession } from '../../src/codec/session.ts';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';
import type { Session } from '../../src/session/session.ts';
import { SlowSaveHandler } from './slow-save-handler.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

let slow: SlowSaveHandler;
/** The same sessions without the delays: for other requests, and to look. */
let store: MemorySaveHandler;
let id: string;
function manager(options: Omit<SessionManagerOptions, 'saveHandler'> = {}): SessionManager {
  return new SessionManager({ onWarning: () => {}, ...options, saveHandler: slow });
}
async function stored(at = id): Promise<string | undefined> {
  return (await store.read(at))?.toString('latin1');
}
function put(session: Session, values: object): void {
  Object.assign(session.variables, values);
}
/** Runs once, in the middle of the first such call. */
function during(call: string, work: () => Promise<void> | void, when = 'before'): void {
  let done = false;
  slow.pause = async (name, at) => {
    if (done || name !== call || at !== when) return;
    done = true;
    await work();
  };
}
beforeEach(async () => {
  store = new MemorySaveHandler({ gcMaxlifetime: 100 });
  slow = new SlowSaveHandler({ gcMaxlifetime: 100 }, store);
  id = createSessionId();
  await store.write(id, bytes('guest|b:1;n|i:1;'));
});

describe('a variable that is assigned while a method is under way is stored by the commit', () => {
  test.each(['before', 'after'])('regenerate(), %s the write', async (when) => {
    const session = await manager().open(id);
    session.variables['n'] = 2;
    during('writeIf', () => put(session, { userid: 'kky' }), when);
    expect(await session.regenerate()).toEqual({ outcome: 'written', conflicts: [] });
    expect(session.changed).toBe(true);
    await session.commit();
    expect(await stored(session.id)).toBe('guest|b:1;n|i:2;userid|s:3:"kky";');
    expect(await stored()).toBeUndefined();
  });

  test('regenerate() of a session that nobody had looked at before', async () => {
    const session = await manager().open(id);
    during('destroyIf', () => put(session, { userid: 'kky' }), 'after');
    await session.regenerate();
    await session.commit();
    expect(await stored(session.id)).toBe('guest|b:1;n|i:1;userid|s:3:"kky";');
  });

  test('50 logins by Promise.all([regenerate(), loadUser()])', async () => {
    const sessions = manager();
    let ticks = 0;
    slow.pause = async () => {
      for (let tick = 0; tick < 6; tick++) await null;
    };
    for (let login = 0; login < 50; login++) {
      const at = createSessionId();
      await store.write(at, bytes('guest|b:1;'));
      const session = await sessions.open(at);
      const loadUser = async () => {
        for (let tick = 0; tick < login; tick++) await null;
        ticks += login;
        return { id: 'kky' };
      };
      await Promise.all([
        session.regenerate(),
        loadUser().then((user) => {
          session.variables['userid'] = user.id;
        }),
      ]);
      await session.commit();
      expect(await stored(session.id)).toBe('guest|b:1;userid|s:3:"kky";');
    }
    expect(ticks).toBe((49 * 50) / 2);
  });

  test('save() that merges', async () => {
    const session = await manager().open(id);
    session.variables['ours'] = 1;
    during('writeIf', async () => {
      await store.write(id, bytes('guest|b:1;n|i:7;theirs|b:1;'));
      session.variables['late'] = { a: [1] };
    });
    expect(await session.save()).toEqual({ outcome: 'merged', conflicts: [] });
    expect(session.variables).toEqual({
      guest: true,
      n: 7,
      theirs: true,
      ours: 1,
      late: { a: [1] },
    });
    await session.commit();
    expect(await stored()).toBe(
      'guest|b:1;n|i:7;theirs|b:1;ours|i:1;late|a:1:{s:1:"a";a:1:{i:0;i:1;}}',
    );
  });

  test('save() that merges: what both changed is a conflict, and ours stands', async () => {
    const session = await manager().open(id);
    session.variables['ours'] = 1;
    during('writeIf', async () => {
      await store.write(id, bytes('guest|b:1;n|i:7;'));
      session.variables['n'] = 5;
    });
    expect(await session.save()).toEqual({
      outcome: 'merged',
      conflicts: [{ path: 'n', resolution: 'ours' }],
    });
    await session.commit();
    expect(await stored()).toBe('guest|b:1;n|i:5;ours|i:1;');
  });

  test('save() that merges while the variables hold what PHP cannot: theirs is not lost', async () => {
    const session = await manager().open(id);
    session.variables['ours'] = 1;
    during('writeIf', async () => {
      await store.write(id, bytes('guest|b:1;n|i:1;theirs|b:1;'));
      session.variables['late'] = () => 1;
    });
    expect((await session.save()).outcome).toBe('merged');
    session.variables['late'] = 2;
    await session.commit();
    expect(await stored()).toBe('guest|b:1;n|i:1;theirs|b:1;ours|i:1;late|i:2;');
  });

  test('update()', async () => {
    const session = await manager().open(id);
    during('writeIf', () => put(session, { late: 1 }));
    await session.update((variables) => {
      variables['n'] = Number(variables['n']) + 1;
    });
    expect(session.variables).toEqual({ guest: true, n: 2, late: 1 });
    await session.commit();
    expect(await stored()).toBe('guest|b:1;n|i:2;late|i:1;');
  });

  test('update() of a new session while the variables hold what PHP cannot', async () => {
    const session = await manager().open();
    during('writeIf', () => put(session, { late: () => 1 }));
    await session.update((variables) => {
      variables['n'] = 1;
    });
    expect(session.isNew).toBe(false);
    session.variables['late'] = 2;
    await session.commit();
    expect(await stored(session.id)).toBe('n|i:1;late|i:2;');
  });

  test('update() of a new session, whose variables cannot follow until it gets a new id', async () => {
    const session = await manager().open();
    during('writeIf', () => put(session, { late: () => 1 }));
    await session.update((variables) => {
      variables['n'] = 1;
    });
    const { id: before } = session;
    session.variables['late'] = 2;
    await session.regenerate();
    expect(await stored(before)).toBeUndefined();
    expect(await stored(session.id)).toBe('n|i:1;late|i:2;');
    expect((await session.commit()).outcome).toBe('unchanged');
  });

  test('touch()', async () => {
    const session = await manager().open(id);
    during('updateTimestamp', () => put(session, { late: 1 }), 'after');
    await session.touch();
    await session.commit();
    expect(await stored()).toBe('guest|b:1;n|i:1;late|i:1;');
  });

  test('reload(), which forgets only what was there before', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 99;
    await store.write(id, bytes('guest|b:1;n|i:7;'));
    during('read', () => put(session, { late: 1 }));
    await session.reload();
    expect(session.variables).toEqual({ guest: true, n: 7, late: 1 });
    await session.commit();
    expect(await stored()).toBe('guest|b:1;n|i:7;late|i:1;');
  });

  test.each([
    ['another user', 'guest|b:1;userid|s:3:"lde";', 'ERR_PSB_SESSION_REPLACED'],
    ['another session', 'other|i:1;', 'ERR_PSB_SESSION_REPLACED'],
    ['nobody', null, 'ERR_PSB_SESSION_GONE'],
  ])('reload() of what is %s now: it is not given to him', async (_, now, code) => {
    await store.write(id, bytes('guest|b:1;userid|s:3:"kky";'));
    const session = await manager({ identity: ['userid'] }).open(id);
    session.variables['n'] = 1;
    if (now === null) await store.destroy(id);
    else await store.write(id, bytes(now));
    during('read', () => put(session, { late: 'of kky' }));
    await expect(session.reload()).rejects.toMatchObject({ code });
    expect(session.variables).toEqual({ guest: true, userid: 'kky', n: 1, late: 'of kky' });
    await expect(session.commit()).rejects.toMatchObject({ code });
    expect(await stored()).toBe(now ?? undefined);
  });

  test('reload() without assignments goes on with whatever is there', async () => {
    await store.write(id, bytes('userid|s:3:"kky";'));
    const session = await manager({ identity: ['userid'] }).open(id);
    session.variables['n'] = 1;
    await store.write(id, bytes('userid|s:3:"lde";'));
    await session.reload();
    expect(session.variables).toEqual({ userid: 'lde' });
  });

  test('reload() of a session that is not stored yet', async () => {
    const session = await manager({ identity: ['userid'] }).open();
    session.variables['n'] = 1;
    during('read', () => put(session, { late: 1 }));
    await session.reload();
    expect(session.variables).toEqual({ late: 1 });
  });

  test.each(['before', 'after'])('the write of the commit itself, %s it', async (when) => {
    const told: unknown[] = [];
    const session = await manager({ onCommit: (result) => told.push(result) }).open(id);
    session.variables['n'] = 2;
    during('writeIf', () => put(session, { late: 1 }), when);
    expect(await session.commit()).toEqual({ outcome: 'written', conflicts: [] });
    expect(await stored()).toBe('guest|b:1;n|i:2;late|i:1;');
    expect(told).toEqual([{ outcome: 'written', conflicts: [] }]);
  });

  test('a commit that merges', async () => {
    const session = await manager().open(id);
    session.variables['n'] = 2;
    during('writeIf', async () => {
      await store.write(id, bytes('guest|b:1;n|i:1;theirs|b:1;'));
      session.variables['late'] = 1;
    });
    expect(await session.commit()).toEqual({ outcome: 'merged', conflicts: [] });
    expect(await stored()).toBe('guest|b:1;n|i:2;theirs|b:1;late|i:1;');
  });

  test('the refresh of the commit', async () => {
    const session = await manager({ refreshAt: 'commit' }).open(id);
    during('updateTimestamp', () => put(session, { late: 1 }), 'after');
    expect((await session.commit()).outcome).toBe('written');
    expect(await stored()).toBe('guest|b:1;n|i:1;late|i:1;');
  });

  test('a commit ends, whoever goes on assigning, and tells what it left', async () => {
    const warnings: string[] = [];
    const sessions = manager({ onWarning: (code) => warnings.push(code) });
    const session = await sessions.open(id);
    let n = 1;
    slow.pause = (call) => {
      if (call === 'writeIf') session.variables['n'] = ++n;
    };
    expect((await session.commit()).outcome).toBe('unchanged');
    expect(warnings).toEqual([]);
    const busy = await sessions.open(id);
    busy.variables['n'] = 0;
    slow.pause = (call) => {
      if (call === 'writeIf') busy.variables['n'] = ++n;
    };
    expect((await busy.commit()).outcome).toBe('written');
    expect(n).toBeLessThan(50);
    expect(warnings).toEqual(['PSB_COMMIT_UNFINISHED']);
  });
});

describe('after a commit that merged', () => {
  test('the variables are what is stored, for whoever looks at them', async () => {
    let seen: unknown;
    const session = await manager({
      onCommit: (_, { variables }) => {
        seen = structuredClone(variables);
      },
    }).open(id);
    session.variables['n'] = 2;
    await store.write(id, bytes('guest|b:1;n|i:1;theirs|b:1;'));
    await session.commit();
    expect(seen).toEqual({ guest: true, n: 2, theirs: true });
    expect(session.changed).toBe(false);
  });
});

type Method = 'save' | 'update' | 'regenerate' | 'rotate' | 'touch' | 'reload';

describe('random assignments between random awaits', () => {
  test('nothing of ours is lost, and nothing of theirs', async () => {
    const methods = fc.array(
      fc.constantFrom<Method>('save', 'update', 'regenerate', 'rotate', 'touch', 'reload'),
      { maxLength: 5 },
    );
    await fc.assert(fc.asyncProperty(methods, fc.infiniteStream(fc.nat(11)), play), {
      numRuns: 400,
    });
  }, 30_000);

  async function play(methods: Method[], dice: fc.Stream<number>): Promise<void> {
    const roll = () => dice.next().value as number;
    const ours = new Map<string, number>();
    const theirs = new Map<string, number>();
    let names = 0;
    // Rotated, the old session lives on with what others write into it from then on.
    let rotates = false;
    // What lies in a container that is forgotten is forgotten with it.
    let reloads = false;
    // A commit ends some time: see above.
    let left = Number.POSITIVE_INFINITY;
    slow.pause = () => {};
    await store.write(id, bytes('guest|b:1;'));
    const session = await manager().open(id);
    session.variables['same'] = 0;
    ours.set('same', 0);

    const assign = () => {
      const name = `ours${names++}`;
      const { variables } = session;
      if (roll() < 4 && !reloads) {
        variables['bag'] ??= {};
        (variables['bag'] as Record<string, number>)[name] = names;
      } else if (roll() < 3 && ours.has('same')) {
        variables['same'] = names;
        ours.set('same', names);
        return;
      } else variables[name] = names;
      ours.set(name, names);
    };
    /** Another request, which merges by itself: it writes what it read and one name more. */
    const foreign = async () => {
      const at = session.id;
      const before = await store.read(at);
      if (before === null) return;
      const name = `theirs${names++}`;
      const variables = { ...decodeSession(before, { handler: 'php' }), [name]: names };
      const after = encodeSession(variables, { handler: 'php' });
      const { state } = await store.writeIf(at, after, { expected: before });
      if (state === 'written') theirs.set(name, names);
    };
    slow.pause = async () => {
      for (let turn = roll() % 4; turn > 0; turn--) {
        const what = roll();
        if (what < 4 && left-- > 0) assign();
        else if (what < 6 && !rotates) await foreign();
        else await null;
      }
    };

    for (const method of methods) {
      if (roll() < 6) assign();
      if (method === 'save') await session.save();
      else if (method === 'regenerate') await session.regenerate();
      else if (method === 'rotate') {
        rotates = true;
        await session.regenerate({ deleteOld: false });
        rotates = false;
      } else if (method === 'touch') await session.touch();
      else if (method === 'update') {
        const name = `theirs${names++}`;
        await session.update((variables) => {
          variables[name] = names;
        });
        theirs.set(name, -1);
      } else {
        // What was not stored when reload() began is forgotten: its purpose.
        const known = await read();
        for (const name of [...ours.keys()]) if (known[name] !== ours.get(name)) ours.delete(name);
        reloads = true;
        await session.reload();
        reloads = false;
      }
    }
    left = 4;
    await session.commit();
    const found = await read();
    for (const [name, value] of ours) expect([name, found[name]]).toEqual([name, value]);
    for (const name of theirs.keys()) expect(found).toHaveProperty(name);
    expect(found).toHaveProperty('guest', true);
    await session.abort();
    expect(session.changed).toBe(false);

    async function read(): Promise<Record<string, unknown>> {
      const { bag, ...rest } = decodeSession((await store.read(session.id)) as Buffer, {
        handler: 'php',
      });
      return { ...rest, ...(bag as object) };
    }
  }
});
