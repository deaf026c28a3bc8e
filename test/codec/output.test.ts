import { describe, expect, it } from 'vitest';
import { serialize, unserialize } from '../../src/codec/index.ts';

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

  it('cannot be handed over to a worker with what else is in their memory', () => {
    const bytes = serialize({ a: 1 }, { format });
    const copy = Buffer.from(bytes);
    try {
      structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
    } catch {
      // Older Nodes refuse it, newer ones send a copy.
    }
    expect(bytes.equals(copy)).toBe(true);
    expect(serialize({ a: 1 }, { format }).equals(copy)).toBe(true);
  });
});
