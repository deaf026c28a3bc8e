import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  decodeSession,
  encodeSession,
  PhpObject,
  serialize,
  unserialize,
} from '../../src/codec/index.ts';
import type { Handler } from '../fixtures/fixtures.ts';

const handlers: readonly Handler[] = ['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'];

const visibility = { hash: 'private', role: 'protected', key: { private: 'Base' } } as const;
const make = () =>
  new PhpObject(
    'User',
    { name: 'Ada', hash: '$2y$…', role: 'admin', key: 'k', 12: 'x' },
    { visibility },
  );

describe('JSON.stringify() of an object', () => {
  it('shows what PHP json_encode() shows: the public properties', () => {
    const user = make();
    expect(JSON.stringify({ user })).toBe('{"user":{"12":"x","name":"Ada"}}');
    expect(JSON.stringify([new PhpObject('Box', { user })])).toBe(
      '[{"user":{"12":"x","name":"Ada"}}]',
    );
    user['added'] = true;
    expect(JSON.parse(JSON.stringify(user))).toEqual({ 12: 'x', name: 'Ada', added: true });
    expect(JSON.stringify(user.with({ name: 'Bob', hash: 'h' }))).toBe(
      '{"12":"x","name":"Bob","added":true}',
    );
  });

  it.each(handlers)('whatever wrote it: %s', (handler) => {
    const bytes = encodeSession({ user: make(), list: [make()] }, { handler });
    const session = decodeSession<{ user: PhpObject; list: PhpObject[] }>(bytes, { handler });
    expect(JSON.stringify(session)).toBe(
      '{"user":{"12":"x","name":"Ada"},"list":[{"12":"x","name":"Ada"}]}',
    );
    // It is no property, and nothing that is written.
    expect('toJSON' in session.user && Object.keys(session.user).includes('toJSON')).toBe(false);
    for (const name in session.user) expect(name).not.toBe('toJSON');
    expect(encodeSession(session, { handler }).equals(bytes)).toBe(true);
  });

  it('of clones that have lost their class shows nothing', () => {
    const user = make();
    const clone = Object.assign(
      Object.create(Object.getPrototypeOf(user) as object),
      user,
    ) as object;
    expect(JSON.stringify(clone)).toBe('{}');
    expect(JSON.stringify(new Proxy(user, {}))).toBe('{}');
  });

  it('a property named __proto__ or constructor is one like any other', () => {
    const object = unserialize<PhpObject>(
      Buffer.from('O:1:"A":2:{s:9:"__proto__";i:1;s:11:"constructor";i:2;}'),
    );
    expect(JSON.stringify(object)).toBe('{"__proto__":1,"constructor":2}');
  });
});

it('toArray() of an object has all its properties, and is an array to PHP', () => {
  const array = PhpObject.toArray(make());
  expect(array).toEqual({ 12: 'x', name: 'Ada', hash: '$2y$…', role: 'admin', key: 'k' });
  expect(array).not.toBeInstanceOf(PhpObject);
  const session = decodeSession<{ user: object }>(Buffer.from('user|O:4:"User":1:{s:1:"a";i:1;}'), {
    handler: 'php',
  });
  session.user = PhpObject.toArray(session.user);
  expect(encodeSession(session, { handler: 'php' }).toString()).toBe('user|a:1:{s:1:"a";i:1;}');
});

it('a spread and console.log() show all', () => {
  expect(Object.keys({ ...make() })).toContain('hash');
  expect(inspect(make())).toContain("hash: '$2y$…'");
});

describe('an object that PHP gave a property toJSON', () => {
  const blobs = [
    'O:1:"A":4:{s:6:"toJSON";s:1:"x";s:4:"\0A\0b";i:2;s:1:"c";i:3;s:4:"\0*\0d";i:4;}',
    'O:1:"A":4:{s:9:"\0*\0toJSON";s:1:"x";s:4:"\0A\0b";i:2;s:1:"c";i:3;s:4:"\0*\0d";i:4;}',
    // The second reading of a class expects its layout.
    'O:1:"A":4:{s:4:"\0A\0b";i:2;s:1:"c";i:3;s:4:"\0*\0d";i:4;s:6:"toJSON";s:1:"x";}',
  ] as const;

  it.each(blobs)('hides from JSON what is not public: %j', (blob) => {
    for (const format of ['php', 'igbinary', 'msgpack'] as const) {
      const first = unserialize<PhpObject>(Buffer.from(blob));
      const bytes = serialize([first, [first]], { format });
      for (let time = 0; time < 3; time++) {
        const [object] = unserialize<[PhpObject]>(bytes, { format });
        const shown = JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
        expect(shown['c']).toBe(3);
        expect('b' in shown || 'd' in shown).toBe(false);
        expect(serialize(object).toString()).toBe(blob);

        // Readable and editable as ever, and so is a copy.
        expect([object['b'], object['d']]).toEqual([2, 4]);
        object['b'] = 20;
        expect(serialize(object, { format: 'php' }).toString()).toBe(blob.replace('i:2;', 'i:20;'));
        const copy = object.with({ d: 40 });
        expect(JSON.stringify(copy)).toBe(JSON.stringify(object));
        const after = blob.replace('i:2;', 'i:20;').replace('i:4;', 'i:40;');
        const again = unserialize<PhpObject>(serialize(copy, { format }), { format });
        expect(serialize(again).toString()).toBe(after);
        expect(PhpObject.toArray(object)).toMatchObject({ toJSON: 'x', b: 20, c: 3, d: 4 });
        expect(PhpObject.visibility(object, 'b')).toBe('private');
        object['new'] = 1;
        expect(serialize(object, { format: 'php' }).toString()).toContain('s:3:"new";i:1;}');
        delete object['b'];
        expect(serialize(object, { format: 'php' }).toString()).not.toContain('\0A\0b');
      }
    }
  });

  it('references within it are settled as elsewhere', () => {
    const blob = 'a:2:{i:0;O:1:"A":2:{s:6:"toJSON";i:1;s:4:"\0A\0b";i:2;}i:1;R:4;}';
    const value = unserialize<[PhpObject, number]>(Buffer.from(blob));
    value[0]['b'] = 9;
    expect(serialize(value).toString()).toBe(blob.replace('i:2;', 'i:9;'));
    value[1] = 10;
    expect(serialize(value).toString()).toBe(blob.replace('i:2;', 'i:10;'));
  });

  it('and nothing but public ones stays as it is', () => {
    const blob = 'O:1:"A":2:{s:6:"toJSON";s:1:"x";s:1:"b";i:2;}';
    const object = unserialize<PhpObject>(Buffer.from(blob));
    expect(JSON.stringify(object)).toBe('{"toJSON":"x","b":2}');
    expect(serialize(object).toString()).toBe(blob);
  });
});
