/** What PHP could not read back is refused before it is written: PHP would destroy the session. */
import { describe, expect, test } from 'vitest';
import {
  decodeSession,
  encodeSession,
  PhpEnum,
  PhpFloat,
  PhpObject,
  PhpSerializedObject,
  serialize,
  unserialize,
} from '../../src/codec/index.ts';

const refused = expect.objectContaining({ name: 'CodecError', code: 'ERR_PSB_CODEC_VALUE' });

describe('names', () => {
  test.each(['A B', '', '\\A', 'A-B', 'A.B', 'A\x7f'])('no class %j', (name) => {
    expect(() => new PhpObject(name, {})).toThrowError(refused);
    expect(() => serialize(new PhpSerializedObject(name, Buffer.from('x')))).toThrowError(refused);
    expect(() => serialize(new PhpEnum(name, 'Case'))).toThrowError(refused);
  });

  test.each(['', 'A:B', '1', 'A B'])('no enum case %j', (name) => {
    expect(() => serialize(new PhpEnum('Suit', name))).toThrowError(refused);
  });

  test.each(['App\\User', '사용자', '_x1'])('class %s', (name) => {
    const bytes = serialize(new PhpObject(name, {}));
    expect(bytes.toString()).toBe(`O:${Buffer.byteLength(name)}:"${name}":0:{}`);
  });
});

describe('session variables', () => {
  test.each([null, undefined, 'x', 5, true])('%o is no session', (variables) => {
    expect(() => encodeSession(variables as never, { handler: 'php' })).toThrowError(refused);
  });

  test('a read-only holder of a reference that was assigned elsewhere', () => {
    const variables = decodeSession(Buffer.from('a|i:1;b|R:1;'), { handler: 'php' });
    variables['a'] = 5;
    expect(() => encodeSession(Object.freeze(variables), { handler: 'php' })).toThrowError(
      expect.objectContaining({ code: 'ERR_PSB_CODEC_REFERENCE', path: 'b' }),
    );
  });
});

describe('one key twice', () => {
  // PHP empties the place before it reads the second value.
  test.each([
    'a:2:{i:0;O:8:"stdClass":0:{}i:0;r:2;}',
    'a:2:{i:1;O:8:"stdClass":0:{}i:1;R:2;}',
    'a:3:{i:1;a:1:{i:0;i:1;}i:1;R:2;i:2;R:3;}',
    'a:3:{i:0;O:8:"stdClass":0:{}i:1;r:2;i:1;R:3;}',
  ])('%s', (text) => {
    expect(() => unserialize(Buffer.from(text))).toThrowError(
      expect.objectContaining({ code: 'ERR_PSB_CODEC_REFERENCE' }),
    );
  });

  test.each(['-5', '4294967295'])('an int under %s stays one', (key) => {
    const text = `v|a:3:{i:${key};i:1;i:${key};i:2;i:0;i:3;}`;
    const variables = decodeSession(Buffer.from(text), { handler: 'php' });
    expect(encodeSession(variables, { handler: 'php' }).toString()).toBe(
      `v|a:2:{i:${key};i:2;i:0;i:3;}`,
    );
  });
});

describe('what would be written as something else', () => {
  test.each([new Map([['a', 1]]), new Set([1]), new Date(), Promise.resolve({})])(
    'no session, but %o',
    (value) => {
      expect(() => encodeSession(value, { handler: 'php' })).toThrowError(refused);
    },
  );

  test.each(['1', undefined, null, 1n])('no float, but %o', (value) => {
    expect(() => new PhpFloat(value as never)).toThrowError(refused);
  });

  test('no bytes of a Serializable class, but text', () => {
    expect(() => new PhpSerializedObject('X', 'abc' as never)).toThrowError(refused);
  });

  test.each(['secret', '', null, {}])('no visibility, but %o', (visibility) => {
    const options = { visibility: { a: visibility as never } };
    expect(() => new PhpObject('X', { a: 1 }, options)).toThrowError(refused);
  });
});

describe('binary sessions', () => {
  test.each([
    ['igbinary', '000000021101ff', 'bytes for a root'],
    ['igbinary', '000000021401110176' + '14', 'an array without its count'],
    ['msgpack', 'a2c001', 'text for a root'],
  ] as const)('%s %s: %s', (handler, hex, _) => {
    expect(() => decodeSession(Buffer.from(hex, 'hex'), { handler })).toThrowError(
      expect.objectContaining({ name: 'CodecError' }),
    );
  });
});
