import { describe, expect, it } from 'vitest';
import { readPlain } from '../../../src/codec/igbinary/plain-reader.ts';
import type { IgbinaryReadOptions } from '../../../src/codec/igbinary/read-options.ts';
import { IgbinaryReader } from '../../../src/codec/igbinary/reader.ts';
import { serialize } from '../../../src/codec/index.ts';
import { getNotes } from '../../../src/codec/notes.ts';
import { bytesOf, readFixtures } from '../../fixtures/fixtures.ts';

const limits = { maxDepth: 4096, maxElements: 1_000_000 };

/** A value with all its notes, as data in which sharing shows as numbers. */
function dump(value: unknown): unknown {
  const seen = new Map<unknown, number>();
  const walk = (thing: unknown): unknown => {
    if (typeof thing === 'bigint') return `${thing}n`;
    if (typeof thing === 'number') return Object.is(thing, -0) ? '-0' : String(thing);
    if (typeof thing !== 'object' || thing === null) return thing;
    if (Buffer.isBuffer(thing)) return thing.toString('hex');
    const known = seen.get(thing);
    if (known !== undefined) return `#${known}`;
    seen.set(thing, seen.size);
    if (thing instanceof Map) return [...thing].map(([key, item]) => [key, walk(item)]);
    if (thing instanceof Set) return [...thing];
    // Made or not made by then: what is kept for the next time is no note.
    const fields = Object.entries(thing)
      .filter(([name]) => name !== 'tokens' && name !== 'mangled')
      .map(([name, item]) => [name, walk(item)]);
    return [thing.constructor?.name, fields, walk(getNotes(thing))];
  };
  return walk(value);
}

/** Layouts are expected when they were met twice, so objects are read three times. */
function both(bytes: Buffer, options: IgbinaryReadOptions): [unknown, unknown] | undefined {
  const full = () => {
    const { value, end } = IgbinaryReader.read(bytes, options);
    return [dump(value), end];
  };
  try {
    full();
    full();
  } catch {
    // A fault is for the general reader to tell.
    expect(readPlain(bytes, options)).toBeUndefined();
    return undefined;
  }
  const plain = readPlain(bytes, options);
  return plain === undefined ? undefined : [[dump(plain.value), plain.end], full()];
}

describe('the reader of everyday data makes what the general reader makes', () => {
  const { values, sessions, inputs } = readFixtures('igbinary');
  const blobs = [
    ...values.map(({ bytes }) => bytes['igbinary-value'] ?? bytes.igbinary),
    ...values.map(({ bytes }) => bytes['igbinary session']),
    ...sessions.map(({ bytes }) => bytes.igbinary),
    ...inputs.map(({ bytes }) => bytes),
  ].filter((bytes): bytes is string => typeof bytes === 'string');

  it.each([false, true])('as a session: %s', (isSession) => {
    let compared = 0;
    for (const blob of blobs) {
      const pair = both(bytesOf(blob), { ...limits, isSession });
      if (pair === undefined) continue;
      compared++;
      expect(pair[0], JSON.stringify(blob)).toEqual(pair[1]);
    }
    expect(compared).toBeGreaterThan(100);
  });

  it('and nothing where the bytes are cut off', () => {
    for (const blob of blobs) {
      const bytes = bytesOf(blob);
      for (let end = 4; end < bytes.length; end += 1 + (bytes.length >> 3)) {
        both(bytes.subarray(0, end), limits);
      }
    }
  });

  it('keeps to the limits', () => {
    const bytes = serialize({ a: [1, 2, { b: [3] }], c: 'x' }, { format: 'igbinary' });
    for (const maxDepth of [1, 2, 3, 4, 5]) both(bytes, { ...limits, maxDepth });
    for (const maxElements of [1, 3, 5, 6, 7, 8]) both(bytes, { ...limits, maxElements });
    let deep: unknown = 1;
    for (let i = 0; i < 100; i++) deep = [deep];
    const blob = serialize(deep, { format: 'igbinary' });
    expect(readPlain(blob, limits)).toBeUndefined();
    expect(both(blob, limits)).toBeUndefined();
  });

  it('passes over the same variables', () => {
    const only = new Set(['a', 'c']);
    for (const blob of blobs) {
      const pair = both(bytesOf(blob), { ...limits, isSession: true, only });
      if (pair !== undefined) expect(pair[0], JSON.stringify(blob)).toEqual(pair[1]);
    }
  });
});
