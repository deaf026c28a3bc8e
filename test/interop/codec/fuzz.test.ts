import { afterAll, describe, expect, it } from 'vitest';
import { fuzz, fuzzFormats } from '../../fuzz/fuzzer.ts';
import { PhpPeer } from './php-peer.ts';
import { handlers } from './supported.ts';

const formats = fuzzFormats.filter((format) => {
  const family = format.replace('-value', '');
  return family === 'serialize' || handlers.some((handler) => handler === family);
});

const peer = new PhpPeer({ classes: false });
afterAll(() => peer[Symbol.asyncDispose]());

// A short run of what `npm run fuzz` does for longer; the seed moves, so that every run is new.
describe('mutated blobs: only CodecError, and PHP accepts what we accept', () => {
  it.each(formats)('%s', async (format) => {
    const seed = Date.now() % 1_000_000_000;
    const { findings, inputs } = await fuzz(format, peer, { milliseconds: 1200, seed });
    expect(inputs).toBeGreaterThan(100);
    const seen = findings.map(
      ({ what, input }) => `${JSON.stringify(input.toString('latin1'))}: ${what}`,
    );
    expect(seen, `seed ${seed}`).toEqual([]);
  });
});
