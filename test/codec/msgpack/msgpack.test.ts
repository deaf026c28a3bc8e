import { describe, expect, it } from 'vitest';
import {
  decodeSession,
  encodeSession,
  PhpEnum,
  PhpObject,
  serialize,
  unserialize,
} from '../../../src/codec/index.ts';

const format = 'msgpack';
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const again = (bytes: Buffer) => serialize(unserialize(bytes, { format }), { format });
const failure = (code: string, path?: string) => expect.objectContaining({ code, path });

describe('msgpack', () => {
  it('keeps the references that the extension marked', () => {
    const bytes = hex('92 83 c001 0001 0102 82 c002 0002');
    const value = unserialize<number[][]>(bytes, { format });
    expect(value[0]).toBe(value[1]);
    expect(serialize(value, { format })).toEqual(bytes);
    value[0]?.push(3);
    expect(serialize(value, { format })).toEqual(hex('92 84 c001 0001 0102 0203 82 c002 0002'));
  });

  it('refuses to make what the extension could not read back', () => {
    const unsupported = 'ERR_PSB_CODEC_UNSUPPORTED';
    const suit = new PhpEnum('Suit', 'Hearts');
    expect(() => serialize({ a: [suit] }, { format })).toThrowError(failure(unsupported, 'a[0]'));
    const referring = decodeSession(Buffer.from('a|i:5;b|R:1;'), { handler: 'php' });
    expect(() => encodeSession(referring, { handler: 'msgpack' })).toThrowError(
      failure(unsupported, 'b'),
    );
  });

  it('keeps the enum cases of version 3 of the extension', () => {
    // msgpack 3.0.0 on PHP 8.4.
    const bytes = hex('93 82c006a453756974a148 82c006a453756974a153 82c0040002');
    const value = unserialize<PhpEnum[]>(bytes, { format });
    expect(value[0]).toBeInstanceOf(PhpEnum);
    expect(value[2]).toBe(value[0]);
    expect(serialize(value, { format })).toEqual(bytes);
  });

  it('keeps what __serialize returned apart from properties', () => {
    for (const text of ['82 c0 a24d67 c0 92 01 02', '82 c0 a24d67 c0 90', '82c0a24d67a16101']) {
      expect(again(hex(text))).toEqual(hex(text));
    }
    const value = unserialize<PhpObject>(hex('82 c0 a24d67 c0 92 01 02'), { format });
    expect({ ...value }).toEqual({ 0: 1, 1: 2 });
    expect(PhpObject.className(value)).toBe('Mg');
  });

  it('takes nothing that PHP cannot read for an empty session', () => {
    for (const text of ['ffffff', '83c001a16105', '617c693a313b', '05', 'c1', '910500', 'c0']) {
      expect(() => decodeSession(hex(text), { handler: 'msgpack' }), text).toThrowError(
        expect.objectContaining({ name: 'CodecError' }),
      );
    }
    expect(decodeSession(hex('90'), { handler: 'msgpack' })).toEqual({});
  });

  it('goes as deep as the extension reads', () => {
    const nested = (levels: number) => Buffer.concat([Buffer.alloc(levels, 0x91), hex('05')]);
    expect(again(nested(1024))).toEqual(nested(1024));
    expect(() => unserialize(nested(1025), { format })).toThrowError(
      expect.objectContaining({ code: 'ERR_PSB_CODEC_LIMIT' }),
    );
    expect(() => unserialize(nested(100_000), { format })).toThrowError(
      expect.objectContaining({ code: 'ERR_PSB_CODEC_LIMIT' }),
    );
  });

  it('makes only the wanted variables', () => {
    const bytes = encodeSession({ a: [1], b: { c: 2 } }, { handler: 'msgpack' });
    expect(decodeSession(bytes, { handler: 'msgpack', only: ['b'] })).toEqual({ b: { c: 2 } });
  });
});
