import { describe, expect, it } from 'vitest';
import { type Format, PhpSerializedObject, serialize, unserialize } from '../../src/codec/index.ts';

/** Every Buffer of a decoded value, however often it stands there. */
function buffersIn(value: unknown): Buffer[] {
  if (Buffer.isBuffer(value)) return [value];
  if (value instanceof PhpSerializedObject) return [value.data];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(buffersIn);
}

const igbinary = (hex: string) => Buffer.from(`00000002${hex.replaceAll(' ', '')}`, 'hex');

const rows: readonly (readonly [string, Format, Buffer])[] = [
  ['two byte strings', 'php', Buffer.from('a:2:{i:0;s:1:"\xff";i:1;s:1:"\xff";}', 'latin1')],
  ['escaped byte strings', 'php', Buffer.from('a:2:{i:0;S:1:"\\ff";i:1;S:2:"\\ffa";}', 'latin1')],
  [
    'payloads',
    'php',
    Buffer.from('a:2:{i:0;C:1:"A":2:{\xff\xff}i:1;C:1:"A":2:{\xff\xff}}', 'latin1'),
  ],
  // [0 => "\xff", 1 => the same string by its id]
  ['a byte string by its id', 'igbinary', igbinary('1402 0600 1101ff 0601 0e00')],
  // [0 => ["\xff"], 1 => the same array]
  ['a shared array', 'igbinary', igbinary('1402 0600 1401 0600 1101ff 0601 0101')],
  // [0 => [["\xff", 1.5]], 1 => the same array]
  [
    'a shared array of arrays',
    'igbinary',
    igbinary('1402 0600 1401 0600 1402 0600 1101ff 0601 0c3ff8000000000000 0601 0101'),
  ],
  ['payloads', 'igbinary', igbinary('1402 0600 170141 1d02ffff 0601 1a00 1d02ffff')],
  ['two byte strings', 'msgpack', Buffer.from('92a1ffa1ff', 'hex')],
  ['payloads', 'msgpack', Buffer.from('9282c003a141a2ffff82c003a141a2ffff', 'hex')],
];

describe.each(rows)('%s in %s', (_, format, blob) => {
  const decode = (): Buffer[] => buffersIn(unserialize(blob, { format }));

  it('are Buffers of their own', () => {
    const buffers = decode();
    expect(buffers.length).toBeGreaterThan(0);
    expect(new Set(buffers).size).toBe(buffers.length);
    expect(new Set(buffers.map(({ buffer }) => buffer)).size).toBe(buffers.length);
  });

  it('hold neither the blob nor what stands in the pool of Node', () => {
    for (const bytes of decode()) {
      expect(bytes.buffer).not.toBe(blob.buffer);
      expect(bytes.buffer.byteLength).toBe(bytes.length);
    }
  });
});

it('a shared array that was not changed is written as shared', () => {
  const blob = igbinary('1402 0600 1402 0600 1101ff 0601 0601 0601 0101');
  const value = unserialize<[[Buffer], [Buffer]]>(blob, { format: 'igbinary' });
  expect(serialize(value, { format: 'igbinary' }).equals(blob)).toBe(true);
  value[1][0][0] = 0xfe;
  expect(value[0][0][0]).toBe(0xff);
  expect(serialize(value, { format: 'igbinary' }).toString('hex')).toBe(
    '00000002' +
      '1402' +
      '060014020600' +
      '1101ff' +
      '06010601' +
      '060114020600' +
      '1101fe' +
      '06010601',
  );
});

it('byte strings that are shared again and again take no room without bounds', () => {
  const length = 60_000;
  const text = Buffer.concat([
    Buffer.of(0x12, length >> 8, length & 0xff),
    Buffer.alloc(length, 0xff),
  ]);
  const count = 40_000;
  const entries = Array.from({ length: count - 1 }, (_, i) =>
    i + 1 < 256
      ? Buffer.of(0x06, i + 1, 0x0e, 0)
      : Buffer.of(0x08, (i + 1) >> 8, (i + 1) & 0xff, 0x0e, 0),
  );
  const blob = Buffer.concat([
    Buffer.from('00000002', 'hex'),
    Buffer.of(0x15, count >> 8, count & 0xff, 0x06, 0),
    text,
    ...entries,
  ]);
  expect(() => unserialize(blob, { format: 'igbinary' })).toThrow(
    expect.objectContaining({ code: 'ERR_PSB_CODEC_LIMIT' }),
  );
});
