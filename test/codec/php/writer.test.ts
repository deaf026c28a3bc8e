/** What the quick way of the writer begins and cannot finish is written right all the same. */
import { describe, expect, test } from 'vitest';
import { PhpObject, serialize, unserialize } from '../../../src/codec/index.ts';

const { from } = Buffer;

describe('objects with other properties than their class had', () => {
  test('references inside of what was written before that shows', () => {
    const text = 'O:1:"A":2:{s:1:"l";a:2:{i:0;i:1;i:1;R:3;}s:1:"z";i:5;}';
    const object = unserialize<PhpObject & { z?: number }>(from(text));
    delete object.z;
    expect(serialize(object).toString()).toBe('O:1:"A":1:{s:1:"l";a:2:{i:0;i:1;i:1;R:3;}}');
    Object.assign(object, { y: 1 });
    expect(serialize(object).toString()).toBe(
      'O:1:"A":2:{s:1:"l";a:2:{i:0;i:1;i:1;R:3;}s:1:"y";i:1;}',
    );
  });

  test('objects inside of what was written before that shows', () => {
    const inner = new PhpObject('B', { a: 1 });
    const object = new PhpObject('A', { first: inner, second: 2 });
    delete object['second'];
    object['third'] = inner;
    expect(serialize([object, inner]).toString()).toBe(
      'a:2:{i:0;O:1:"A":2:{s:5:"first";O:1:"B":1:{s:1:"a";i:1;}s:5:"third";r:3;}i:1;r:3;}',
    );
  });

  test.each([31, 32, 33, 100])('%i objects, each twice', (count) => {
    const objects = Array.from({ length: count }, (_, i) => new PhpObject('A', { i }));
    const first = objects.map((_, i) => `i:${i};O:1:"A":1:{s:1:"i";i:${i};}`).join('');
    const again = objects.map((_, i) => `i:${i + count};r:${2 + 2 * i};`).join('');
    expect(serialize([...objects, ...objects]).toString()).toBe(
      `a:${2 * count}:{${first}${again}}`,
    );
  });
});

describe('maps of other sizes than the one before', () => {
  test.each([0, 1, 9, 10, 11, 99, 100, 101, 1000])('%i keys', (count) => {
    const map = Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
    const text = `a:${count}:{${Object.keys(map)
      .map((key, i) => `s:${key.length}:"${key}";i:${i};`)
      .join('')}}`;
    for (const before of [1, 10, 100]) {
      serialize(Object.fromEntries(Array.from({ length: before }, (_, i) => [`k${i}`, i])));
      expect(serialize(map).toString()).toBe(text);
      expect(serialize({ ...map, no: undefined }).toString()).toBe(text);
    }
  });
});

describe('short texts', () => {
  test.each(['', 'a', '한', '한글', '한글한', '한글한a', 'é', 'éééé', 'ééééé', 'aaaaaaaaé'])(
    '%j',
    (text) => {
      for (const padding of ['', 'abc', 'abcdefghi', 'abcdefghijklmnopqrstuvwxyz', '가나다']) {
        const whole = padding + text;
        const expected = `s:${Buffer.byteLength(whole)}:"${whole}";`;
        expect(serialize(whole).toString()).toBe(expected);
        // As a key: written, then kept, then copied.
        for (let i = 0; i < 3; i++) {
          expect(serialize({ [whole]: whole }).toString()).toBe(`a:1:{${expected}${expected}}`);
        }
      }
    },
  );
});
