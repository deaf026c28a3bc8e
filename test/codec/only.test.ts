import { describe, expect, it } from 'vitest';
import { decodeSession, encodeSession } from '../../src/codec/index.ts';
import { bytesOf, readFixtures } from '../fixtures/fixtures.ts';

const handlers = ['igbinary', 'msgpack'] as const;

describe.each(handlers)('only some variables, %s', (handler) => {
  const { values, sessions } = readFixtures(handler);
  const blobs = [
    ...sessions.map(({ bytes }) => bytes[handler]),
    ...values.map(({ bytes }) => (bytes as Record<string, string>)[`${handler} session`]),
  ]
    .filter((bytes): bytes is string => typeof bytes === 'string')
    .map(bytesOf);
  const decode = (bytes: Buffer, only?: string[]) => {
    try {
      return { variables: decodeSession(bytes, only ? { handler, only } : { handler }) };
    } catch (error) {
      return { error: error as Error };
    }
  };

  it('are what they are among all', () => {
    let compared = 0;
    for (const bytes of blobs) {
      const { variables } = decode(bytes);
      // Variables that hold all variables are cut down with them.
      if (variables === undefined || Object.values(variables).includes(variables)) continue;
      for (const name of [...Object.keys(variables), 'none']) {
        const some = decode(bytes, [name]);
        expect(some.error, bytes.toString('latin1')).toBeUndefined();
        const wanted = Object.entries(variables).filter(([key]) => key === name);
        expect(some.variables).toEqual(Object.fromEntries(wanted));
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(100);
  });

  it('are refused where the bytes are cut off', () => {
    for (const bytes of blobs) {
      if (decode(bytes).variables === undefined) continue;
      for (let end = 5; end < bytes.length; end += 1 + (bytes.length >> 2)) {
        const part = bytes.subarray(0, end);
        if (decode(part).error === undefined) continue;
        const { error } = decode(part, ['none']);
        expect(error, part.toString('latin1')).toMatchObject({ name: 'CodecError' });
      }
    }
  });

  it('may be nested as deeply as all of them, and no deeper', () => {
    let deep: unknown = 'x';
    for (let i = 0; i < 20; i++) deep = i % 2 === 0 ? [deep] : { a: deep };
    const bytes = encodeSession({ deep, name: 1 }, { handler });
    for (let maxDepth = 1; maxDepth < 24; maxDepth++) {
      const results = [undefined, ['name']].map((only) => {
        try {
          decodeSession(bytes, { handler, maxDepth, ...(only && { only }) });
          return 'good';
        } catch (error) {
          return (error as { code?: string }).code;
        }
      });
      expect(results[1], `${maxDepth}`).toBe(results[0]);
    }
  });
});
