import { describe, expect, it } from 'vitest';
import { encodeSession, serialize, unserialize } from '../../src/codec/index.ts';

const formats = ['php', 'igbinary', 'msgpack'] as const;

/** Values of all sizes: many results for one slab, some that outgrow it, some that are refused. */
function* values(): Generator<unknown> {
  for (let i = 0; i < 400; i++) {
    yield { i, text: 'x'.repeat((i * 37) % 700) };
    if (i % 23 === 0) yield ['y'.repeat(9000 + i * 60)];
    if (i % 29 === 0) yield { long: '이'.repeat(20_000 + i) };
    if (i % 31 === 0) yield { before: 'z'.repeat(i), refused: () => i };
    if (i % 37 === 0) {
      yield {
        get inner() {
          return serialize({ within: 'w'.repeat(i) }).toString();
        },
        after: i,
      };
    }
  }
}

describe.each(formats)('results in %s', (format) => {
  it('stay what they are, whatever is encoded after them', () => {
    const kept: { readonly bytes: Buffer; readonly copy: Buffer; readonly json: string }[] = [];
    let refused = 0;
    for (const value of values()) {
      try {
        const bytes = serialize(value, { format });
        kept.push({ bytes, copy: Buffer.from(bytes), json: JSON.stringify(value) });
      } catch {
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(5);
    for (const { bytes, copy, json } of kept) {
      expect(bytes.equals(copy)).toBe(true);
      expect(JSON.stringify(unserialize(bytes, { format }))).toBe(json);
    }
  });

  it('bring no other result along, in their buffer or in a clone', () => {
    serialize({ secret: 'S'.repeat(3000) }, { format });
    for (const text of ['', 'a', 'b'.repeat(300), 'c'.repeat(5000), 'd'.repeat(200_000)]) {
      const bytes = serialize({ text }, { format });
      expect(bytes.byteOffset).toBe(0);
      expect(bytes.buffer.byteLength).toBe(bytes.length);
      const clone = structuredClone(bytes);
      expect(clone.buffer.byteLength).toBe(bytes.length);
      expect(Buffer.from(clone.buffer).includes('SSSS')).toBe(false);
    }
  });

  it('may be handed over to a worker, and the others stay', () => {
    const [bytes, other] = [serialize({ a: 1 }, { format }), serialize({ a: 2 }, { format })];
    const copy = Buffer.from(other);
    structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
    expect(bytes.length).toBe(0);
    expect(other.equals(copy)).toBe(true);
    expect(serialize({ a: 2 }, { format }).equals(copy)).toBe(true);
  });

  it('hold no more memory than they have bytes, within reason', () => {
    const used = () => process.memoryUsage().arrayBuffers;
    const before = used();
    const kept = Array.from({ length: 2000 }, (_, i) =>
      serialize({ i, text: 'x'.repeat(200) }, { format }),
    );
    const bytes = kept.reduce((sum, { length }) => sum + length, 0);
    expect(used() - before).toBeLessThan(bytes * 2);
  });
});

describe('whole sessions', () => {
  it.each(['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'] as const)(
    'under %s have memory of their own as well',
    (handler) => {
      encodeSession({ secret: 'S'.repeat(3000) }, { handler });
      for (const variables of [{}, { a: 1 }, { b: 'b'.repeat(300) }, { c: 'c'.repeat(200_000) }]) {
        const bytes = encodeSession(variables, { handler });
        expect(bytes.buffer.byteLength).toBe(bytes.length);
      }
    },
  );
});
