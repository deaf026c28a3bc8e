/** Arrays that igbinary shows as shared, where the sharing goes deep or in a circle. */
import { expect, test } from 'vitest';
import { serialize, unserialize } from '../../../src/codec/index.ts';

test.each([
  // [0 => $a, 1 => $a] where $a = [0 => $a], all by value.
  ['an array that holds itself, twice', '1402060014010600010106010101'],
  ['the same three times', '140306001401060001010601010106020101'],
])('%s', { timeout: 5000 }, (_, hex) => {
  const bytes = Buffer.from(`00000002${hex}`, 'hex');
  const value = unserialize(bytes, { format: 'igbinary' });
  expect(serialize(value, { format: 'igbinary' })).toEqual(bytes);
});
