import { afterAll, describe, expect, it } from 'vitest';
import { decodeSession, encodeSession, PhpObject } from '../../../src/codec/index.ts';
import { PhpPeer } from './php-peer.ts';
import { handlers } from './supported.ts';

const peer = new PhpPeer({ classes: false });
afterAll(() => peer[Symbol.asyncDispose]());

// Around the sizes where the count before the entries takes another number of bytes.
const sizes = {
  text: [1, 2, 10, 11, 100, 101, 1000],
  binary: [1, 2, 15, 16, 17, 255, 256, 257, 65_536],
};

function named(size: number): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, i]));
}

describe.each(handlers)('undefined values are left out: %s', (handler) => {
  const containers = { 'an array': named, 'an object': objectOf };
  for (const [name, make] of Object.entries(containers)) {
    it.each(sizes[handler.startsWith('php') ? 'text' : 'binary'])(`${name} of %d`, async (size) => {
      for (const gone of new Set([1, size])) {
        const [given, expected] = [make(size), make(size)];
        for (let i = 0; i < gone; i++) {
          given[`k${i}`] = undefined;
          delete expected[`k${i}`];
        }
        const bytes = encodeSession({ a: given, z: 1 }, { handler });
        const [answer] = await peer.again(handler, [bytes]);
        // Compared as a whole: entry by entry takes a minute.
        expect(answer && 'bytes' in answer && answer.bytes.equals(bytes)).toBe(true);
        const read = JSON.stringify(decodeSession(bytes, { handler }));
        const a = gone === size && make === named ? [] : expected;
        expect(read === JSON.stringify({ a, z: 1 })).toBe(true);
      }
    });
  }
});

function objectOf(size: number): Record<string, unknown> {
  return new PhpObject('stdClass', named(size));
}
