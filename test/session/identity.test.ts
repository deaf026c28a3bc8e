import { describe, expect, test } from 'vitest';
import { unserialize } from '../../src/codec/index.ts';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';
import { resolveIdentity } from '../../src/session/identity.ts';
import type { SessionVariables } from '../../src/session/session-variables.ts';

const variables = (text: string) =>
  unserialize(Buffer.from(text, 'latin1'), { format: 'php' }) as SessionVariables;
const kky = 'a:1:{s:4:"user";a:2:{s:2:"id";i:1;s:1:"n";i:1;}}';
const kkyLater = 'a:1:{s:4:"user";a:2:{s:2:"id";i:1;s:1:"n";i:2;}}';
const lde = 'a:1:{s:4:"user";a:2:{s:2:"id";i:2;s:1:"n";i:1;}}';

describe('a function', () => {
  const id = resolveIdentity((session) => (session['user'] as { id: number })?.id, undefined);
  const whole = resolveIdentity((session) => session['user'], undefined);

  test('the same answer, another answer', () => {
    expect(id.difference(variables(kky), variables(kkyLater))).toBeUndefined();
    expect(id.difference(variables(kky), variables(lde))).toBe('identity()');
  });

  test('answers are compared deeply', () => {
    expect(whole.difference(variables(kky), variables(kky))).toBeUndefined();
    expect(whole.difference(variables(kky), variables(kkyLater))).toBe('identity()');
    const dated = resolveIdentity(() => ({ at: new Date(0), tags: new Set(['a']) }), undefined);
    expect(dated.difference({}, {})).toBeUndefined();
    let time = 0;
    const later = resolveIdentity(() => new Date(time++), undefined);
    expect(later.difference({}, {})).toBe('identity()');
  });

  test('without a session it is asked about no variables', () => {
    const asked: unknown[] = [];
    const identity = resolveIdentity((session) => void asked.push(session), undefined);
    expect(identity.difference(null, { a: 1 })).toBeUndefined();
    expect(asked).toEqual([{}, { a: 1 }]);
    expect(id.difference(null, variables(kky))).toBe('identity()');
    expect(id.difference(null, {})).toBeUndefined();
  });

  test('equal answers as deep as a session can be, and unequal ones', () => {
    const deep = (end: string) =>
      variables(`a:1:{s:4:"user";${'a:1:{i:0;'.repeat(4000)}${end}${'}'.repeat(4001)}`);
    expect(whole.difference(deep('i:1;'), deep('i:1;'))).toBeUndefined();
    expect(whole.difference(deep('i:1;'), deep('i:2;'))).toBe('identity()');
  });

  test.each([
    ['a promise', () => Promise.reject(new Error('nobody waits for it'))],
    ['a thenable', () => Object.fromEntries([['then', () => {}]])],
  ])('%s is refused', (_, identify) => {
    const identity = resolveIdentity(identify, undefined);
    expect(() => identity.difference({}, {})).toThrow(
      expect.objectContaining({ code: 'ERR_PSB_OPTIONS' }),
    );
  });
});

describe('paths', () => {
  test('the list that was checked is the one that counts', () => {
    const paths = ['user.id'];
    const identity = resolveIdentity(paths, undefined);
    paths[0] = 'user.nothing';
    expect(identity.difference(variables(kky), variables(lde))).toBe('user.id');
  });

  test.each(['user.length', 'user.constructor', 'user.__proto__', '__proto__.a', 'user.0.length'])(
    '%s is nothing that PHP has',
    (path) => {
      const identity = resolveIdentity([path], undefined);
      const one = variables('a:1:{s:4:"user";a:1:{i:0;s:1:"a";}}');
      const two = variables('a:1:{s:4:"user";a:2:{i:0;s:2:"ab";i:1;i:1;}}');
      expect(identity.difference(one, two)).toBeUndefined();
    },
  );

  test('a property keeps its PHP type', () => {
    const identity = resolveIdentity(['user.id'], undefined);
    const one = variables('a:1:{s:4:"user";O:1:"U":1:{s:2:"id";i:1;}}');
    const two = variables('a:1:{s:4:"user";O:1:"U":1:{s:2:"id";d:1;}}');
    expect(identity.difference(one, one)).toBeUndefined();
    expect(identity.difference(one, two)).toBe('user.id');
  });

  test('an enum case leads nowhere', () => {
    const identity = resolveIdentity(['user.name'], undefined);
    const one = variables('a:1:{s:4:"user";E:6:"Suit:A";}');
    const two = variables('a:1:{s:4:"user";E:6:"Suit:B";}');
    expect(identity.difference(one, two)).toBeUndefined();
  });
});

describe('the option', () => {
  test.each([
    ['a text', 'userid'],
    ['an empty name', ['userid', '']],
    ['no text', [1]],
    ['null', null],
    ['an object', { path: 'user.id' }],
    ['an async function', async () => 1],
  ])('refused: %s', (_, identity) => {
    const options = { saveHandler: new MemorySaveHandler(), identity } as never;
    expect(() => new SessionManager(options)).toThrow(
      expect.objectContaining({
        code: 'ERR_PSB_OPTIONS',
        message: expect.stringContaining('identity'),
      }),
    );
  });
});

describe('PSB_IDENTITY', () => {
  async function warnings(
    options: Omit<SessionManagerOptions, 'saveHandler'>,
    act: 'save' | 'regenerate' = 'save',
  ): Promise<string[]> {
    const codes: string[] = [];
    const store = new MemorySaveHandler();
    const sessions = new SessionManager({
      ...options,
      saveHandler: store,
      onWarning: (code) => codes.push(code),
    });
    for (let round = 0; round < 2; round++) {
      const id = createSessionId();
      await store.write(id, Buffer.from('a|i:1;'));
      const session = await sessions.open(id);
      session.variables['b'] = 1;
      await store.write(id, Buffer.from('a|i:2;'));
      if (act === 'save') await session.save();
      else await session.regenerate();
    }
    return codes;
  }

  test('the first merge without identity warns, once', async () => {
    expect(await warnings({})).toEqual(['PSB_IDENTITY']);
    expect(await warnings({}, 'regenerate')).toEqual(['PSB_IDENTITY']);
  });

  test.each([
    ['names', { identity: ['userid'] }],
    ['a function', { identity: () => 1 }],
    ['no users at all', { identity: [] }],
    ['overwrite', { concurrency: 'overwrite' as const }],
  ])('not with %s', async (_, options) => {
    expect(await warnings(options)).toEqual([]);
    expect(await warnings(options, 'regenerate')).toEqual([]);
  });

  test('a session that nobody else wrote is not merged', async () => {
    const codes: string[] = [];
    const store = new MemorySaveHandler();
    const sessions = new SessionManager({
      saveHandler: store,
      onWarning: (code) => codes.push(code),
    });
    const session = await sessions.open();
    session.variables['a'] = 1;
    await session.commit();
    expect(codes).toEqual([]);
  });

  test('a function decides at the merge', async () => {
    const store = new MemorySaveHandler();
    const identity = (session: Readonly<SessionVariables>) => session['user'];
    const sessions = new SessionManager({ saveHandler: store, identity });
    const id = createSessionId();
    await store.write(id, Buffer.from('user|i:1;'));
    const session = await sessions.open(id);
    session.variables['cart'] = 1;
    await store.write(id, Buffer.from('user|i:2;'));
    await expect(session.save()).rejects.toMatchObject({ code: 'ERR_PSB_SESSION_REPLACED' });
    expect((await store.read(id))?.toString()).toBe('user|i:2;');
  });
});
