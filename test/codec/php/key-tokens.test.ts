import { expect, test } from 'vitest';
import { putKey } from '../../../src/codec/php/key-tokens.ts';

const bytes = Buffer.alloc(4096);
const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function token(key: string): string {
  const end = putKey(bytes, view, 0, key);
  expect(end).toBeGreaterThan(0);
  return bytes.toString('utf8', 0, end);
}

/** As `strlen()` counts it, which is what PHP writes. */
function expected(key: string): string {
  return `s:${Buffer.byteLength(key)}:"${key}";`;
}

test('the longest names that are kept leave those beside them as they are', () => {
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  // Few enough that most have a place of their own, enough that most places beside are taken.
  const short = [...letters].flatMap((first) => [`${first}1`, `${first}id`, `${first}name`]);
  const long = Array.from({ length: 400 }, (_, i) => {
    const last = String.fromCharCode(0xac00 + i * 3);
    return '가'.repeat(i % 2 === 0 ? 30 : 29) + last;
  });
  for (let round = 0; round < 4; round++) {
    // Twice in a row, so that each one is kept.
    for (const key of [...long, ...short].flatMap((each) => [each, each])) {
      expect(token(key)).toBe(expected(key));
    }
    for (const key of long.flatMap((each) => [each, each])) token(key);
    for (const key of short) expect(token(key)).toBe(expected(key));
  }
});
