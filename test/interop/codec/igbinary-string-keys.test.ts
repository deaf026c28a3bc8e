import { afterAll, expect, it } from 'vitest';
import { serialize, unserialize } from '../../../src/codec/index.ts';
import { PhpPeer } from './php-peer.ts';

const peer = new PhpPeer();
afterAll(() => peer[Symbol.asyncDispose]());

function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

/**
 * A list of so many texts, the last of which looks like an integer, and an array that has this text
 * as a key, by its id: a string to igbinary, and not in the place where JavaScript has it.
 */
function blobWith(texts: number): Buffer {
  const list = Array.from({ length: texts }, (_, i) => {
    const text = Buffer.from(i === texts - 1 ? '5' : `t${i}`);
    const index = i < 256 ? Buffer.of(0x06, i) : Buffer.concat([Buffer.of(0x08), uint16(i)]);
    return Buffer.concat([index, Buffer.of(0x11, text.length), text]);
  });
  const id =
    texts - 1 < 256
      ? Buffer.of(0x0e, texts - 1)
      : Buffer.concat([Buffer.of(0x0f), uint16(texts - 1)]);
  return Buffer.concat([
    Buffer.from('00000002', 'hex'),
    Buffer.of(0x14, 2, 0x06, 0),
    texts < 256 ? Buffer.of(0x14, texts) : Buffer.concat([Buffer.of(0x15), uint16(texts)]),
    ...list,
    // [7 => 1, '5' => 2]
    Buffer.from('0601', 'hex'),
    Buffer.of(0x14, 2, 0x06, 7, 0x06, 1),
    id,
    Buffer.of(0x06, 2),
  ]);
}

it.each([10, 1023, 1024, 1025, 1500, 2048, 2049, 5000])(
  'a key that came as text number %i stays a string, in its place',
  async (texts) => {
    const blob = blobWith(texts);
    const [answer] = await peer.again('igbinary-value', [blob]);
    // PHP keeps it: the expectation is PHP's.
    expect(answer && 'bytes' in answer && answer.bytes.equals(blob)).toBe(true);
    const bytes = serialize(unserialize(blob, { format: 'igbinary' }), { format: 'igbinary' });
    expect(bytes.equals(blob)).toBe(true);
  },
);
