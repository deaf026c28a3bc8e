/** Arrays that share their contents on every level: few bytes, exponentially many ways through them. */
import { expect, test } from 'vitest';
import { serialize, unserialize } from '../../../src/codec/index.ts';

/** `[0 => x, 1 => x]` for each level, the inner array shared by copy on write (`01 id`). */
function nested(levels: number): Buffer {
  let bytes = '1401' + '0600' + '0601';
  for (let level = levels; level > 0; level--) {
    // The inner array has the id of its level; the second entry says "the same again".
    const id = level.toString(16).padStart(2, '0');
    bytes = `1402060${0}${bytes}060101${id}`;
  }
  return Buffer.from(`00000002${bytes}`, 'hex');
}

test('a few levels come back byte for byte', () => {
  const bytes = nested(4);
  expect(serialize(unserialize(bytes, { format: 'igbinary' }), { format: 'igbinary' })).toEqual(
    bytes,
  );
});

test('many levels are refused or written in no time', { timeout: 5000 }, () => {
  for (const levels of [12, 16, 60, 200]) {
    try {
      serialize(unserialize(nested(levels), { format: 'igbinary' }), { format: 'igbinary' });
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_PSB_CODEC_LIMIT' });
    }
  }
});
