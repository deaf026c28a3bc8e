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

/**
 * A short run of what `npm run fuzz` does for longer and with new seeds. Here the seeds are fixed:
 * what fails must fail again.
 */
describe('mutated blobs', () => {
  it.each(formats)('%s', async (format) => {
    const { findings, inputs } = await fuzz(format, peer, { milliseconds: 800, seed: 20_261_121 });
    expect(inputs).toBeGreaterThan(100);
    const seen = findings.map(
      ({ what, input }) => `${JSON.stringify(input.toString('latin1'))}: ${what}`,
    );
    expect(seen).toEqual([]);
  });
});
