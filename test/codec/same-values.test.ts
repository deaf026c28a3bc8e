import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeSession,
  encodeSession,
  PhpEnum,
  PhpFloat,
  PhpObject,
  PhpSerializedObject,
  unserialize,
} from '../../src/codec/index.ts';
import { saysTheSame } from '../../src/codec/same-values.ts';
import { bytesOf, type Family, type Handler, readFixtures } from '../fixtures/fixtures.ts';
import { sessions } from '../interop/codec/arbitraries.ts';

const handlers: readonly Handler[] = ['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'];

/** PHP's msgpack writes some sessions that nobody can read. */
function decodedOrNull(stored: string, handler: Handler): Record<string, unknown> | null {
  try {
    return decodeSession(bytesOf(stored), { handler });
  } catch {
    return null;
  }
}

describe.each(handlers)('what %s wrote says the same', (handler) => {
  it('of whatever an application makes', () => {
    fc.assert(
      fc.property(sessions(handler), (variables) => {
        const bytes = encodeSession(variables, { handler });
        expect(saysTheSame(variables, decodeSession(bytes, { handler }), false)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('of what PHP wrote', () => {
    let count = 0;
    for (const family of ['php', 'igbinary', 'msgpack'] satisfies Family[]) {
      for (const { name, bytes } of readFixtures(family).sessions) {
        const stored = bytes[handler];
        if (typeof stored !== 'string') continue;
        const variables = decodedOrNull(stored, handler);
        if (variables === null) continue;
        const again = decodeSession(encodeSession(variables, { handler }), { handler });
        expect(saysTheSame(variables, again, false), name).toBe(true);
        count++;
      }
    }
    expect(count).toBeGreaterThan(5);
  });
});

/** Each pair differs in one thing. */
const different: readonly (readonly [string, unknown, unknown])[] = [
  ['a letter', '김하나', '김하늘'],
  ['an integer', 1, 2],
  ['a float', 1.5, 1.25],
  ['the sign of zero', -0, 0],
  ['a big integer', 2n ** 60n, 2n ** 60n + 1n],
  ['bytes', Buffer.of(0xff, 1), Buffer.of(0xff, 2)],
  ['a bool', true, false],
  ['null', null, 0],
  ['a type', '1', 1],
  ['a key', { a: 1 }, { b: 1 }],
  ['one more', { a: 1 }, { a: 1, b: 2 }],
  ['one less', [1, 2], [1]],
  ['the depth', { a: { b: [{ c: '이' }] } }, { a: { b: [{ c: '다' }] } }],
  ['an enum case', new PhpEnum('Suit', 'Hearts'), new PhpEnum('Suit', 'Spades')],
  [
    'the class of a payload',
    new PhpSerializedObject('A', Buffer.of()),
    new PhpSerializedObject('B', Buffer.of()),
  ],
  ['a class', new PhpObject('A', { a: 1 }), new PhpObject('B', { a: 1 })],
  ['a property', new PhpObject('A', { a: 1 }), new PhpObject('A', { a: 2 })],
  ['object and array', new PhpObject('A', { a: 1 }), { a: 1 }],
];

it.each(different)('%s that differs is seen', (_, written, read) => {
  expect(saysTheSame({ v: written }, { v: written }, false)).toBe(true);
  expect(saysTheSame({ v: written }, { v: read }, false)).toBe(false);
  expect(saysTheSame({ v: read }, { v: written }, false)).toBe(false);
});

it('two ways of saying one thing are the same', () => {
  const written = {
    list: { 0: 'a', 1: undefined, 2: 'b' },
    text: Buffer.from('text'),
    big: 2n ** 40n,
    beyond: 2 ** 60,
    holes: [1, undefined],
    missing: undefined,
  };
  const bytes = encodeSession(written, { handler: 'php' });
  expect(saysTheSame(written, decodeSession(bytes, { handler: 'php' }), false)).toBe(true);
});

it('a forced float is read as a number', () => {
  expect(saysTheSame({ v: new PhpFloat(1) }, { v: 1 }, false)).toBe(true);
  expect(saysTheSame({ v: new PhpFloat(1) }, { v: 2 }, false)).toBe(false);
});

it('floats with fewer digits than they have are taken as they are', () => {
  expect(saysTheSame({ v: 0.1 + 0.2 }, { v: 0.3 }, true)).toBe(true);
  expect(saysTheSame({ v: 0.1 + 0.2 }, { v: 0.3 }, false)).toBe(false);
  expect(saysTheSame({ v: 1 }, { v: 2 }, true)).toBe(false);
});

it('data that holds itself comes to an end', () => {
  const cyclic = Buffer.from('a:1:{s:1:"a";a:1:{s:1:"b";R:2;}}');
  const [a, b] = [unserialize<object>(cyclic), unserialize<object>(cyclic)];
  expect(saysTheSame(a, b, false)).toBe(true);
});

it('data of any depth does not overflow the stack', () => {
  let deep: unknown = 'x';
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(saysTheSame({ deep }, { deep }, false)).toBe(true);
});
