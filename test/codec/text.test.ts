import { isUtf8 } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { SHORT, SHORT_UNITS, shortText, shortUnits } from '../../src/codec/short-text.ts';
import { decodeText } from '../../src/codec/text.ts';

/** What Node itself makes of the bytes. */
function expected(bytes: Buffer): string | Buffer {
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes;
}

/** Reads the bytes as they stand in a blob: something before, something or nothing after. */
function check(bytes: Buffer): void {
  const wanted = expected(bytes);
  for (const after of ['', '";', '";}}}}}}}}}}}']) {
    const blob = Buffer.concat([Buffer.from('s:9:"'), bytes, Buffer.from(after)]);
    const view = new DataView(blob.buffer, blob.byteOffset, blob.length);
    for (const known of [null, view]) {
      const read = decodeText(blob, 5, 5 + bytes.length, known);
      if (typeof wanted === 'string') expect(read).toBe(wanted);
      else expect(wanted.equals(read as Buffer)).toBe(true);
    }
  }
}

const GOOD = ['a', 'é', '한', '힣', '\u0800', '\uffff', '\ud7ff', '\ue000', '😀', '\u{10ffff}'];
const BAD = [
  [0x80],
  [0xc0, 0x80],
  [0xe0, 0x9f, 0xbf],
  [0xe1, 0x80, 0xc0],
  [0xed, 0xa0, 0x80],
  [0xed, 0xbf, 0xbf],
  [0xf0, 0x8f, 0xbf, 0xbf],
  [0xf4, 0x90, 0x80, 0x80],
  [0xea, 0xb0],
  [0xea],
  [0xff],
];

describe('text', () => {
  it('is what Node reads, wherever in a run of letters something else stands', () => {
    const others = [...GOOD.map((text) => Buffer.from(text)), ...BAD.map((b) => Buffer.from(b))];
    for (const filler of ['', 'x', '한국', '한국어로', '한국어 text']) {
      for (const other of others) {
        for (let before = 0; before < 6; before++) {
          const head = Buffer.from(filler.repeat(before));
          check(Buffer.concat([head, other]));
          check(Buffer.concat([head, other, Buffer.from(filler.repeat(3))]));
        }
      }
    }
  });

  it('is refused when it is cut within a letter', () => {
    const bytes = Buffer.from('한국어 ékorean😀 '.repeat(12));
    for (let end = 0; end <= bytes.length; end++) check(bytes.subarray(0, end));
  });

  it('may be of any length', () => {
    for (const length of [0, 1, 511, 512, 513, 4095, 4096, 4097, 5000]) {
      check(Buffer.alloc(length, 'ascii only '));
      check(Buffer.alloc(length, '한국어 text '));
      check(Buffer.concat([Buffer.alloc(length, 'x'), Buffer.from('한')]));
      check(Buffer.concat([Buffer.alloc(length, 'x'), Buffer.of(0xff)]));
    }
  });

  it('of few characters is made of them', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    for (let length = 0; length <= SHORT; length++) {
      expect(shortText(Buffer.from(letters), 3, length)).toBe(letters.substring(3, 3 + length));
    }
    const units = Uint16Array.from('한국어로 쓴 글자열입니다', (letter) => letter.charCodeAt(0));
    for (let length = 0; length <= SHORT_UNITS; length++) {
      expect(shortUnits(units, length)).toBe('한국어로 쓴 글자열입니다'.substring(0, length));
    }
  });
});
