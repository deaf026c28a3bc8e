/** What the application took out of the session before a merge stays the session's. */
import { describe, expect, test } from 'vitest';
import { containersIn } from '../../../src/codec/containers-in.ts';
import { PhpObject } from '../../../src/codec/values.ts';
import { adopt } from '../../../src/session/merge/adopt.ts';
import { SessionCodec } from '../../../src/session/session-codec.ts';

type Variables = Record<string, unknown>;

const codec = new SessionCodec('php_serialize', -1);
const text = (variables: Variables) => codec.encode(variables).toString('latin1');
const decode = (bytes: string): Variables => codec.decode(Buffer.from(bytes, 'latin1'));

/** PHP's text of a session. */
function adopted(live: Variables, stored: string): Variables {
  adopt(live, decode(stored), new Set(containersIn(live, false)));
  expect(text(live)).toBe(stored);
  return live;
}

describe('containers keep their identity', () => {
  test('a map, and a map in it', () => {
    const live = decode('a:1:{s:4:"cart";a:2:{s:1:"n";i:1;s:4:"meta";a:1:{s:1:"a";i:1;}}}');
    const cart = live['cart'] as Variables;
    const meta = cart['meta'];
    adopted(live, 'a:2:{s:4:"cart";a:2:{s:1:"n";i:2;s:4:"meta";a:1:{s:1:"a";i:5;}}s:1:"z";i:1;}');
    expect(live['cart']).toBe(cart);
    expect(cart['meta']).toBe(meta);
    expect(meta).toEqual({ a: 5 });
  });

  test('an item of a list that others wrote in front of', () => {
    const item = (id: number, n: number) => `a:2:{s:2:"id";i:${id};s:1:"n";i:${n};}`;
    const live = decode(`a:1:{s:1:"l";a:2:{i:0;${item(1, 1)}i:1;${item(2, 1)}}}`);
    const [first, second] = live['l'] as [Variables, Variables];
    adopted(live, `a:1:{s:1:"l";a:3:{i:0;${item(9, 1)}i:1;${item(1, 1)}i:2;${item(2, 5)}}}`);
    const list = live['l'] as unknown[];
    expect(list[1]).toBe(first);
    expect(list[2]).toBe(second);
    expect(second).toEqual({ id: 2, n: 5 });
    first['n'] = 7;
    expect(text(live)).toContain(item(1, 7));
  });

  test('an item whose neighbour was removed', () => {
    const live = decode('a:1:{s:1:"l";a:2:{i:0;a:1:{s:1:"a";i:1;}i:1;a:1:{s:1:"b";i:2;}}}');
    const [gone, kept] = live['l'] as [Variables, Variables];
    adopted(live, 'a:1:{s:1:"l";a:1:{i:0;a:1:{s:1:"b";i:2;}}}');
    expect(live['l']).toEqual([{ b: 2 }]);
    expect((live['l'] as unknown[])[0]).toBe(kept);
    expect(gone).toEqual({ a: 1 });
  });

  test('an object, its class, its visibility and its floats', () => {
    const user = (name: string, n: string) =>
      `O:4:"User":3:{s:4:"name";s:${name.length}:"${name}";s:7:"\0*\0role";s:1:"x";s:1:"n";${n}}`;
    const live = decode(`a:1:{s:1:"u";${user('a', 'i:1;')}}`);
    const object = live['u'] as PhpObject;
    adopted(live, `a:1:{s:1:"u";${user('bb', 'd:2;')}}`);
    expect(live['u']).toBe(object);
    object['n'] = 3;
    expect(text(live)).toBe(`a:1:{s:1:"u";${user('bb', 'd:3;')}}`);
  });

  test('an object that became one of another class is another one', () => {
    const live = decode('a:1:{s:1:"u";O:1:"A":1:{s:1:"p";i:1;}}');
    const object = live['u'];
    adopted(live, 'a:1:{s:1:"u";O:1:"B":1:{s:1:"p";i:1;}}');
    expect(live['u']).not.toBe(object);
    expect(PhpObject.className(object as PhpObject)).toBe('A');
  });
});

describe('what the application has of its own', () => {
  const before = 'a:2:{s:1:"z";i:1;s:1:"c";a:1:{s:1:"n";i:1;}}';
  const stored = 'a:2:{s:1:"z";i:1;s:1:"c";a:1:{s:1:"n";s:6:"secret";}}';

  test('a constant that it put into the session is not written into', () => {
    const constant = { n: 1 };
    const live = decode(before);
    const made = new Set(containersIn(live, false));
    live['c'] = constant;
    adopt(live, decode(stored), made);
    expect(constant).toEqual({ n: 1 });
    expect(text(live)).toBe(stored);
  });

  test.each([
    ['frozen', (value: object) => Object.freeze(value)],
    ['sealed', (value: object) => Object.seal(value)],
    [
      'with a getter',
      (value: object) => Object.defineProperty(value, 'n', { get: () => 1, enumerable: true }),
    ],
  ])('a container that is %s is replaced', (_, change) => {
    const live = decode(before);
    const made = new Set(containersIn(live, false));
    const was = change(live['c'] as object);
    expect(adopt(live, decode(stored), made)).toBe(true);
    expect(live['c']).not.toBe(was);
    expect(text(live)).toBe(stored);
  });

  test('frozen variables cannot follow', () => {
    const live = Object.freeze(decode(before));
    expect(adopt(live, decode(stored), new Set())).toBe(false);
    expect(text(live)).toBe(before);
  });
});

describe('what was tied', () => {
  test.each([
    [
      'one object that PHP made two',
      'a:2:{s:1:"a";O:1:"A":1:{s:1:"n";i:1;}s:1:"b";r:2;}',
      'a:2:{s:1:"a";O:1:"A":1:{s:1:"n";i:2;}s:1:"b";O:1:"A":1:{s:1:"n";i:3;}}',
    ],
    [
      'one array that PHP made two',
      'a:2:{s:1:"a";a:1:{s:1:"n";i:1;}s:1:"b";R:2;}',
      'a:2:{s:1:"a";a:1:{s:1:"n";i:2;}s:1:"b";a:1:{s:1:"n";i:3;}}',
    ],
    [
      'a reference that PHP dissolved, both values as they were',
      'a:2:{s:1:"a";i:5;s:1:"b";R:2;}',
      'a:2:{s:1:"a";i:5;s:1:"b";i:5;}',
    ],
  ])('%s', (_, before, stored) => {
    adopted(decode(before), stored);
  });
});

describe('items of lists', () => {
  const item = (id: number, n: number) => `a:2:{s:2:"id";i:${id};s:1:"n";i:${n};}`;

  test('one that was removed does not become its neighbour', () => {
    const live = decode(`a:1:{s:1:"l";a:2:{i:0;${item(1, 1)}i:1;${item(2, 1)}}}`);
    const [first, second] = live['l'] as [Variables, Variables];
    adopted(live, `a:1:{s:1:"l";a:1:{i:0;${item(2, 9)}}}`);
    expect([first, second]).toEqual([
      { id: 1, n: 1 },
      { id: 2, n: 1 },
    ]);
  });

  test('one that was moved keeps its identity', () => {
    const live = decode(`a:1:{s:1:"l";a:2:{i:0;${item(1, 1)}i:1;${item(2, 1)}}}`);
    const [first, second] = live['l'] as [Variables, Variables];
    adopted(live, `a:1:{s:1:"l";a:3:{i:0;${item(2, 1)}i:1;${item(1, 1)}i:2;${item(3, 1)}}}`);
    expect((live['l'] as unknown[])[0]).toBe(second);
    expect((live['l'] as unknown[])[1]).toBe(first);
  });
});

describe('what else is stored', () => {
  test.each([
    ['int keys in an order that JavaScript does not have', 'a:1:{s:1:"m";a:2:{i:7;i:1;i:5;i:2;}}'],
    ['floats in a list', 'a:1:{s:1:"l";a:2:{i:0;d:1;i:1;i:2;}}'],
    ['a reference', 'a:2:{s:1:"a";i:5;s:1:"b";R:2;}'],
    ['a reference into an array', 'a:2:{s:1:"a";a:1:{s:1:"x";i:5;}s:1:"b";R:3;}'],
    ['one object twice', 'a:2:{s:1:"a";O:1:"A":1:{s:1:"p";i:1;}s:1:"b";r:2;}'],
    ['an empty array', 'a:1:{s:1:"m";a:0:{}}'],
    ['nothing', 'a:0:{}'],
  ])('%s', (_, stored) => {
    for (const before of [
      'a:0:{}',
      'a:1:{s:1:"m";a:2:{i:5;i:2;i:7;i:0;}}',
      'a:1:{s:1:"l";a:3:{i:0;i:1;i:1;d:2;i:2;i:3;}}',
      'a:2:{s:1:"a";i:4;s:1:"b";R:2;}',
      'a:2:{s:1:"a";i:5;s:1:"b";i:5;}',
      'a:2:{s:1:"a";a:1:{s:1:"x";i:4;}s:1:"b";R:3;}',
      'a:2:{s:1:"a";O:1:"A":1:{s:1:"p";i:2;}s:1:"b";r:2;}',
      'a:2:{s:1:"a";O:1:"A":1:{s:1:"p";i:1;}s:1:"b";O:1:"A":1:{s:1:"p";i:1;}}',
      'a:1:{s:1:"m";a:1:{s:1:"x";i:1;}}',
      stored,
    ]) {
      adopted(decode(before), stored);
    }
  });

  test('a session as deep as it may be', () => {
    const deep = (leaf: number) => {
      const depth = 4000;
      return `${'a:1:{s:1:"m";'.repeat(depth)}i:${leaf};${'}'.repeat(depth)}`;
    };
    const live = decode(deep(1));
    adopted(live, deep(2));
  });
});
