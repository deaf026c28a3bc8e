import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeSession, encodeSession, serialize, unserialize } from '../../../src/codec/index.ts';
import { phpValues, sessions } from './arbitraries.ts';
import { type PeerFormat, PhpPeer } from './php-peer.ts';
import { handlers } from './supported.ts';

const peer = new PhpPeer();
afterAll(() => peer[Symbol.asyncDispose]());

const allFormats = [
  { format: 'php', wire: 'serialize' },
  { format: 'igbinary', wire: 'igbinary-value' },
  { format: 'msgpack', wire: 'msgpack-value' },
] as const;
const formats = allFormats.filter(({ format }) => format === 'php' || handlers.includes(format));

const seeds = Array.from({ length: 2000 }, (_, seed) => seed);

async function randomBytes(format: PeerFormat): Promise<Buffer[]> {
  const answers = await peer.random(format, seeds);
  return answers.map((answer, seed) => {
    if ('refused' in answer) throw new Error(`seed ${seed}: ${answer.refused}`);
    return answer.bytes;
  });
}

/** Latin-1 text, so that a failure shows the two side by side. */
function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

describe('what PHP wrote comes back byte for byte', () => {
  it.each(formats)('values, $wire', async ({ format, wire }) => {
    for (const [seed, bytes] of (await randomBytes(wire)).entries()) {
      const value: unknown = unserialize(Buffer.from(bytes), { format });
      // A number by itself has no container that could remember that it was a float.
      if (typeof value === 'number') continue;
      const again = serialize(value, { format });
      if (!again.equals(bytes)) expect(text(again), `seed ${seed}`).toBe(text(bytes));
    }
  });

  it.each(handlers)('sessions, %s', async (handler) => {
    for (const [seed, bytes] of (await randomBytes(handler)).entries()) {
      const again = encodeSession(decodeSession(Buffer.from(bytes), { handler }), { handler });
      if (!again.equals(bytes)) expect(text(again), `seed ${seed}`).toBe(text(bytes));
    }
  });
});

describe('PHP reads what we wrote, and writes the same', () => {
  const say = async (format: PeerFormat, bytes: Buffer): Promise<void> => {
    const [answer] = await peer.again(format, [bytes]);
    if (!answer || 'refused' in answer)
      throw new Error(`PHP refuses ${text(bytes)}: ${answer?.refused}`);
    expect(text(answer.bytes)).toBe(text(bytes));
  };

  it.each(formats)('values, $wire', async ({ format, wire }) => {
    const values = phpValues({ enums: format !== 'msgpack' });
    await fc.assert(
      fc.asyncProperty(values, (value) => say(wire, serialize(value, { format }))),
      { numRuns: 1000 },
    );
  });

  it.each(handlers)('sessions, %s', async (handler) => {
    await fc.assert(
      fc.asyncProperty(sessions(handler), (variables) =>
        say(handler, encodeSession(variables, { handler })),
      ),
      { numRuns: 600 },
    );
  });

  it.each(formats)('values that we read back ourselves, $wire', ({ format }) => {
    const values = phpValues({ enums: format !== 'msgpack' });
    fc.assert(
      fc.property(values, (value) => {
        const bytes = serialize([value], { format });
        expect(text(serialize(unserialize(bytes, { format }), { format }))).toBe(text(bytes));
      }),
      { numRuns: 500 },
    );
  });
});

describe('the JSON view', () => {
  it('is the one that PHP has', async () => {
    // JSON has no minus zero.
    const values = fc
      .jsonValue({ maxDepth: 4 })
      .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const bytes = serialize(value);
        const [answer] = await peer.json([bytes]);
        if (!answer || 'refused' in answer) throw new Error(answer?.refused);
        const view: unknown = JSON.parse(
          JSON.stringify(unserialize(bytes), (_, inner) =>
            typeof inner === 'bigint' ? Number(inner) : inner,
          ),
        );
        expect(view).toEqual(JSON.parse(answer.bytes.toString()));
      }),
      { numRuns: 1000 },
    );
  });
});
