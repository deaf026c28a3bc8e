/** What JavaScript callers get wrong is a typed error, never a TypeError of our own code. */
import { describe, expect, test } from 'vitest';
import {
  compress,
  decodeSession,
  decompress,
  encodeSession,
  PhpEnum,
  PhpObject,
  PhpSerializedObject,
  serialize,
  unserialize,
} from '../../src/codec/index.ts';

const refused = expect.objectContaining({ name: 'CodecError', code: 'ERR_PSB_CODEC_VALUE' });
const badOptions = expect.objectContaining({ name: 'OptionsError', code: 'ERR_PSB_OPTIONS' });
const bytes = Buffer.from('i:1;');

describe('options', () => {
  test.each([null, 'igbinary', 5, true])('%j', (options) => {
    expect(() => serialize(1, options as never)).toThrowError(badOptions);
    expect(() => unserialize(bytes, options as never)).toThrowError(badOptions);
    expect(() => encodeSession({}, options as never)).toThrowError(badOptions);
    expect(() => decodeSession(bytes, options as never)).toThrowError(badOptions);
  });

  test('none where a handler is needed', () => {
    expect(() => encodeSession({}, undefined as never)).toThrowError(badOptions);
    expect(() => decodeSession(bytes, undefined as never)).toThrowError(badOptions);
  });

  test.each(['x', Number.NaN, -1, null, 1n])('maxDepth %s', (maxDepth) => {
    const options = { maxDepth } as never;
    expect(() => serialize(1, options)).toThrowError(badOptions);
    expect(() => unserialize(bytes, options)).toThrowError(badOptions);
  });

  test.each(['userid', 5, null, [1]])('only %j', (only) => {
    const options = { handler: 'php', only } as never;
    expect(() => decodeSession(Buffer.from('a|i:1;'), options)).toThrowError(badOptions);
  });
});

describe('values', () => {
  const none = [null, 'text', 5, new Map([['a', 1]]), new Date(), Promise.resolve()];

  test.each(none)('properties %o', (properties) => {
    expect(() => new PhpObject('X', properties as never)).toThrowError(refused);
    expect(() => new PhpObject('X').with(properties as never)).toThrowError(refused);
    expect(() => PhpObject.toArray(properties as never)).toThrowError(refused);
  });

  test.each([undefined, null, 5, {}])('a name that is %o', (name) => {
    expect(() => new PhpObject(name as never, {})).toThrowError(refused);
    expect(() => new PhpEnum('X', name as never)).toThrowError(refused);
    expect(() => new PhpEnum(name as never, 'X')).toThrowError(refused);
    expect(() => new PhpSerializedObject(name as never, bytes)).toThrowError(refused);
  });

  test('no options of a PhpObject', () => {
    expect(serialize(new PhpObject('X', { a: 1 }, null as never)).toString()).toBe(
      'O:1:"X":1:{s:1:"a";i:1;}',
    );
  });
});

test.each([undefined, null, 5, Symbol('x'), 1n])('compression %s', (codec) => {
  const unknown = expect.objectContaining({ name: 'CodecError', code: 'ERR_PSB_COMPRESSION' });
  expect(() => compress(bytes, codec as never)).toThrowError(unknown);
  expect(() => decompress(bytes, codec as never)).toThrowError(unknown);
});

describe('paths of errors', () => {
  const deep = 'first.b.b.b.b.b.b.b.b.b.b.b …(4072 more)… .b.b.b.b.b.b.b.b.b.b.b.b';

  test('of deep data keep both ends', () => {
    let value: unknown = () => 1;
    for (let i = 0; i < 4095; i++) value = { b: value };
    const error = expect.objectContaining({ path: deep });
    expect(() => serialize({ first: value })).toThrowError(error);
  });

  test('of data that is too deep', () => {
    const text = `a:1:{s:5:"first";${'a:1:{s:1:"b";'.repeat(4100)}`;
    expect(() => unserialize(Buffer.from(text))).toThrowError(
      expect.objectContaining({
        code: 'ERR_PSB_CODEC_LIMIT',
        path: expect.stringMatching(/^first(\.b){11} …\(\d+ more\)… (\.b){12}$/),
      }),
    );
  });

  test('of long names keep the beginning', () => {
    expect(() => serialize({ ['n'.repeat(10_000)]: () => 1 })).toThrowError(
      expect.objectContaining({ path: `${'n'.repeat(128)}…` }),
    );
  });
});
