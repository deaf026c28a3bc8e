import { describe, expect, it } from 'vitest';
import {
  type CompressionName,
  compress,
  compressionCodec,
  decompress,
} from '../../../src/codec/compression/compression.ts';
import { crc8 } from '../../../src/codec/compression/lz4.ts';
import { CodecError } from '../../../src/errors.ts';
import { compressionSamples } from './samples.ts';

const CODECS: readonly CompressionName[] = ['none', 'lzf', 'lz4', 'zstd'];
const COMPRESSING = ['lzf', 'lz4', 'zstd'] as const;
const SESSION = Buffer.from('a|i:1;');
const SIXTY = Buffer.from(`a|s:60:"${'k'.repeat(60)}";`);

/** What phpredis 6.2 stored for these sessions. */
const STORED = {
  lzf: { session: '05617c693a313b', sixty: '08617c733a36303a226be0320001223b' },
  lz4: { session: 'de0600000060617c693a313b' },
  zstd: { session: '28b52ffd2006310000617c693a313b' },
} as const;

describe('compress', () => {
  it('writes the bytes of phpredis', () => {
    expect(compress(SESSION, 'lzf').toString('hex')).toBe(STORED.lzf.session);
    expect(compress(SIXTY, 'lzf').toString('hex')).toBe(STORED.lzf.sixty);
    expect(compress(SESSION, 'lz4').toString('hex')).toBe(STORED.lz4.session);
    expect(compress(SESSION, 'zstd').toString('hex')).toBe(STORED.zstd.session);
  });

  it.each(CODECS)('%s takes bytes, not text', (codec) => {
    const refused = expect.objectContaining({ code: 'ERR_PSB_CODEC_VALUE' });
    for (const value of ['a|i:1;', null, undefined, [97], new ArrayBuffer(2)]) {
      expect(() => compress(value as never, codec)).toThrow(refused);
      expect(() => decompress(value as never, codec)).toThrow(refused);
    }
    const bytes = new Uint8Array(SESSION);
    expect(decompress(compress(bytes, codec), codec)).toEqual(SESSION);
  });

  it('stores an empty session as phpredis does', () => {
    const empty = Buffer.alloc(0);
    expect(compress(empty, 'lzf')).toHaveLength(0);
    expect(compress(empty, 'lz4')).toHaveLength(0);
    expect(compress(empty, 'zstd').toString('hex')).toBe('28b52ffd2000010000');
    for (const codec of CODECS) {
      expect(decompress(compress(empty, codec), codec)).toHaveLength(0);
      expect(decompress(empty, codec)).toHaveLength(0);
    }
  });

  it.each(COMPRESSING)('%s gives bytes with memory of their own', (codec) => {
    for (const bytes of [SESSION, SIXTY, Buffer.from('이다은'.repeat(9000))]) {
      const stored = compress(bytes, codec);
      expect(stored.buffer.byteLength).toBe(stored.length);
      const plain = decompress(stored, codec);
      expect(plain.buffer.byteLength).toBe(plain.length);
      expect(plain.equals(bytes)).toBe(true);
    }
  });

  it('computes the CRC of phpredis', () => {
    const check = (length: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(length);
      return crc8(bytes, 0, 4);
    };
    expect([6, 70, 104, 300].map(check)).toEqual([0xde, 0x3e, 0x5b, 0xf3]);
  });

  it.each(COMPRESSING)('%s gets back what it packed, at every level', (codec) => {
    for (const [name, bytes] of compressionSamples()) {
      for (const level of codec === 'lzf' ? [3] : [-5, 0, 1, 3, 9, 12, 13, 50]) {
        const stored = compress(bytes, codec, { level });
        expect(decompress(stored, codec).equals(bytes), `${name}, level ${level}`).toBe(true);
      }
    }
  });

  it.each(COMPRESSING)('%s makes a session smaller', (codec) => {
    const session = Buffer.from('item|a:2:{s:4:"name";s:4:"book";s:5:"price";i:12;}'.repeat(100));
    expect(compress(session, codec).length).toBeLessThan(session.length / 10);
  });

  it('takes plain Uint8Arrays and leaves them alone', () => {
    const bytes = new Uint8Array(SIXTY);
    for (const codec of CODECS) {
      expect(decompress(new Uint8Array(compress(bytes, codec)), codec).equals(SIXTY)).toBe(true);
    }
    expect(SIXTY.equals(bytes)).toBe(true);
  });

  it('matches names by their beginning and in any case, as phpredis does', () => {
    expect(compressionCodec('LZ4HC')).toBe('lz4');
    expect(compressionCodec('Zstandard')).toBeUndefined();
    expect(compressionCodec('ZSTD-3')).toBe('zstd');
    expect(compressionCodec('')).toBe('none');
    expect(compressionCodec('none at all')).toBe('none');
    expect(compressionCodec('gzip')).toBeUndefined();
    expect(() => compress(SESSION, 'gzip' as 'lzf')).toThrowError(
      expect.objectContaining({ code: 'ERR_PSB_COMPRESSION' }),
    );
  });
});

describe('decompress', () => {
  it('takes anything else for a value from before compression was turned on', () => {
    const plain = [SESSION, SIXTY, Buffer.from('a:0:{}'), Buffer.from('00000002140', 'hex')];
    for (const codec of COMPRESSING) {
      for (const bytes of plain) expect(decompress(bytes, codec).equals(bytes)).toBe(true);
    }
  });

  it('takes a damaged value for a plain one, as phpredis does', () => {
    for (const codec of ['lz4', 'zstd'] as const) {
      const stored = compress(SIXTY, codec);
      for (const damaged of [
        stored.subarray(0, stored.length - 1),
        stored.subarray(0, 4),
        Buffer.concat([Buffer.from([stored[0]! ^ 1]), stored.subarray(1)]),
      ]) {
        expect(decompress(damaged, codec).equals(damaged)).toBe(true);
      }
    }
    // A reference back before the beginning, a cut literal run, a cut match.
    for (const damaged of ['2000', '05616263', 'e0', '20', '0061e005']) {
      const bytes = Buffer.from(damaged, 'hex');
      expect(decompress(bytes, 'lzf').equals(bytes)).toBe(true);
    }
  });

  it('does not take a frame without content size', () => {
    // `zstd --no-content-size` of "a|i:1;": PHP uses these bytes as they are.
    const frame = Buffer.from('28b52ffd0058310000617c693a313b', 'hex');
    expect(decompress(frame, 'zstd').equals(frame)).toBe(true);
  });

  it.each(COMPRESSING)('refuses a %s bomb before it unpacks it', (codec) => {
    const bomb = compress(Buffer.alloc(3_000_000), codec);
    expect(bomb.length).toBeLessThan(60_000);
    expect(() => decompress(bomb, codec, { maxBytes: 2_999_999 })).toThrowError(
      expect.objectContaining({ code: 'ERR_PSB_CODEC_LIMIT' }),
    );
    expect(decompress(bomb, codec, { maxBytes: 3_000_000 })).toHaveLength(3_000_000);
  });

  it('refuses a zstd frame that claims more than 64 MiB', () => {
    const frame = Buffer.from('28b52ffda00000000501000061', 'hex');
    expect(() => decompress(frame, 'zstd')).toThrow(CodecError);
  });

  it('believes no length that the bytes cannot make', () => {
    // A plain value may begin with a matching CRC (one in 256 does): no memory for its claim.
    const value = Buffer.from('00ffffff7f617c693a313b', 'hex');
    value[0] = crc8(value, 1, 5);
    expect(decompress(value, 'lz4').equals(value)).toBe(true);
  });

  it('survives any bytes', () => {
    let state = 7;
    const next = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 8;
    };
    for (let round = 0; round < 3000; round++) {
      for (const codec of COMPRESSING) {
        const stored = Buffer.from(compress(SIXTY, codec));
        for (let edits = 1 + (next() % 3); edits > 0; edits--) {
          stored[next() % stored.length] = next() & 0xff;
        }
        if (codec === 'lz4') stored[0] = crc8(stored, 1, 5);
        try {
          expect(decompress(stored, codec, { maxBytes: 1 << 24 })).toBeInstanceOf(Buffer);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_PSB_CODEC_LIMIT' });
        }
      }
    }
  });
});
