import { describe, expect, it } from 'vitest';
import { compress } from '../../src/codec/compression/compression.ts';
import { detectSerialization } from '../../src/codec/detect.ts';
import { bytesOf, readFixtures } from '../fixtures/fixtures.ts';

const families = ['php', 'igbinary', 'msgpack'] as const;
const rows = families.flatMap((family) =>
  readFixtures(family).sessions.flatMap(({ name, bytes }) =>
    Object.entries(bytes).flatMap(([handler, text]) =>
      typeof text === 'string' && text.length > 8 ? [{ name, handler, bytes: bytesOf(text) }] : [],
    ),
  ),
);

describe('detectSerialization', () => {
  it.each(['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'])(
    'knows %s sessions that PHP wrote',
    (handler) => {
      const own = rows.filter((row) => row.handler === handler);
      expect(own.length).toBeGreaterThan(20);
      const wrong = own.filter(({ bytes }) => {
        const found = detectSerialization(bytes);
        return found.handler !== handler && found.certainty !== 'possible';
      });
      // An empty __sleep leaves msgpack bytes that nobody can read.
      expect(wrong.map(({ name }) => name)).toEqual([]);
    },
  );

  it.each(['lzf', 'lz4', 'zstd'] as const)('sees through %s', (codec) => {
    for (const { bytes, handler, name } of rows.filter((row) => row.bytes.length > 60)) {
      const plain = detectSerialization(bytes);
      const found = detectSerialization(compress(bytes, codec));
      // LZF may leave bytes as they were, behind one byte that can be a name's length.
      if (found.handler === 'php_binary' && handler !== 'php_binary') continue;
      expect(found.handler, `${handler}: ${name}`).toBe(plain.handler);
      if (plain.handler !== undefined) expect(found.compression).toBe(codec);
    }
  });

  it('gives a reason, and how sure it is', () => {
    expect(detectSerialization(Buffer.from('userid|i:42;'))).toEqual({
      handler: 'php',
      compression: 'none',
      reason: 'it begins with a name, a bar and a serialized value, and php reads it to the end',
      certainty: 'certain',
    });
    expect(detectSerialization(compress(Buffer.from('a:0:{}'), 'zstd'))).toMatchObject({
      handler: 'php_serialize',
      compression: 'zstd',
      certainty: 'certain',
    });
    expect(detectSerialization(Buffer.alloc(0)).certainty).toBe('possible');
    expect(detectSerialization(Buffer.from('{"user":1}'))).toMatchObject({ handler: undefined });
    expect(detectSerialization(compress(Buffer.from('{"user":1}'), 'zstd'))).toMatchObject({
      handler: undefined,
      compression: 'zstd',
    });
  });
});
