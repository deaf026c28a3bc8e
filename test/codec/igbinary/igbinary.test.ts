import { describe, expect, it } from 'vitest';
import {
  decodeSession,
  encodeSession,
  PhpFloat,
  serialize,
  unserialize,
} from '../../../src/codec/index.ts';

const format = 'igbinary';
const hex = (text: string) => Buffer.from(`00000002${text.replaceAll(' ', '')}`, 'hex');
const again = (bytes: Buffer) => serialize(unserialize(bytes, { format }), { format });

/** As igbinary 3.2.13 wrote them. */
const TWO_EQUAL = hex('1402 0600 1402 0600 0607 0601 0607 0601 0101');
const IN_FULL = hex(
  '1402 0600 1708737464436c617373 1401 110178 110178 0601 1a00 1401 110178 110178',
);

describe('igbinary', () => {
  it('writes bytes of no known origin as PHP does', () => {
    // A repeated key; a string key between integers.
    expect(again(hex('1403 110161 0601 0e00 0600 0600 0602'))).toEqual(
      hex('1402 110161 0600 0600 0602'),
    );
    const keys = hex('1402 0705 0601 110135 0602');
    expect(again(keys)).toEqual(keys);
  });

  it.each([
    ['a reference to an array without its mark', '1402 0600 25 1401 0600 0601 0601 0101'],
    ['a reference under a repeated key', '1403 0600 25 0605 0601 250101 0600 0601'],
    ['an enum case without its name', '1401 0600 170141 27 1100'],
  ])('refuses %s', (what, bytes) => {
    expect(() => unserialize(hex(bytes), { format })).toThrow(what);
  });

  it('refuses a session that is a reference, as PHP does', () => {
    const session = hex('25 1401 110161 0601');
    expect(() => decodeSession(session, { handler: 'igbinary' })).toThrow('no array of variables');
  });

  it('makes two arrays of one that PHP shares, and one of them while they are equal', () => {
    const value = unserialize<number[][]>(TWO_EQUAL, { format });
    expect(value).toEqual([
      [7, 7],
      [7, 7],
    ]);
    expect(value[0]).not.toBe(value[1]);
    expect(serialize(value, { format })).toEqual(TWO_EQUAL);
    value[0]?.push(8);
    expect(value[1]).toEqual([7, 7]);
    expect(unserialize(serialize(value, { format }), { format })).toEqual([
      [7, 7, 8],
      [7, 7],
    ]);
    value[0]?.pop();
    expect(serialize(value, { format })).toEqual(TWO_EQUAL);
  });

  it('keeps the style of igbinary.compact_strings=Off, also for what is new', () => {
    expect(again(IN_FULL)).toEqual(IN_FULL);
    const value = unserialize<unknown[]>(IN_FULL, { format });
    value.push('x');
    expect(serialize(value, { format }).subarray(-5)).toEqual(Buffer.from('0602110178', 'hex'));
  });

  it('keeps the mark of a reference whose other holder is not in the session', () => {
    const bytes = hex('1401 110176 25 0605');
    expect(again(bytes)).toEqual(bytes);
    const value = unserialize<{ v: number }>(bytes, { format });
    value.v = 6;
    expect(serialize(value, { format })).toEqual(hex('1401 110176 25 0606'));
  });

  it('makes only the wanted variables', () => {
    const shared = { same: 'text' };
    const bytes = encodeSession(
      { first: [shared, 'text'], userid: 'text', list: [1, [2]], score: new PhpFloat(1) },
      { handler: 'igbinary' },
    );
    const only = (...names: string[]) => decodeSession(bytes, { handler: 'igbinary', only: names });
    expect(only('userid')).toEqual({ userid: 'text' });
    expect(only('score', 'list')).toEqual({ list: [1, [2]], score: 1 });
    expect(only('none')).toEqual({});
    // One that points into a variable that was passed over.
    const pointing = hex('1402 110161 1401 0600 0607 110162 0101');
    expect(decodeSession(pointing, { handler: 'igbinary', only: ['b'] })).toEqual({ b: [7] });
  });

  it('goes as deep as it is told and no deeper', () => {
    const nested = (levels: number) => hex(`${'14010600'.repeat(levels - 1)}1401 0600 00`);
    expect(again(nested(4096))).toEqual(nested(4096));
    const tooDeep = expect.objectContaining({ code: 'ERR_PSB_CODEC_LIMIT' });
    expect(() => unserialize(nested(4097), { format })).toThrowError(tooDeep);
    expect(() => unserialize(nested(20_000), { format })).toThrowError(tooDeep);
    expect(() => unserialize(nested(3), { format, maxDepth: 2 })).toThrowError(tooDeep);
  });

  it('does not let shared arrays explode', () => {
    // Array n holds array n - 1 twice: two to the power of 30 elements in some hundred bytes.
    const level = (n: number): string =>
      n === 0
        ? '1401 0600 0605'
        : `1402 0600 ${level(n - 1)} 0601 01${(31 - n).toString(16).padStart(2, '0')}`;
    expect(() => unserialize(hex(level(30)), { format })).toThrowError(
      expect.objectContaining({ code: 'ERR_PSB_CODEC_LIMIT' }),
    );
  });

  it('says where it failed', () => {
    const bytes = hex('1401 110161 1401 110162 06');
    expect(() => decodeSession(bytes, { handler: 'igbinary' })).toThrowError(
      expect.objectContaining({ code: 'ERR_PSB_CODEC_SYNTAX', offset: 14, path: 'a.b' }),
    );
  });

  it('sets no prototypes', () => {
    const bytes = hex('1401 11095f5f70726f746f5f5f 1401 110161 0601');
    const value = unserialize<object>(bytes, { format });
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(serialize(value, { format })).toEqual(bytes);
  });
});
