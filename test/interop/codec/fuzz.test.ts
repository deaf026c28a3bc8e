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
 * what fails must fail again. The binary formats have open differences to PHP in how lone reference
 * marks in mutated bytes come back, so only their safety is held here.
 */
describe('mutated blobs', () => {
  it.each(formats)('%s', async (format) => {
    const { findings, inputs } = await fuzz(format, peer, { milliseconds: 1200, seed: 20_261_121 });
    expect(inputs).toBeGreaterThan(100);
    const binary = /^(igbinary|msgpack)/.test(format);
    const seen = findings
      .filter(({ what }) => !binary || /threw (?!CodecError)|took|hang/.test(what))
      .map(({ what, input }) => `${JSON.stringify(input.toString('latin1'))}: ${what}`);
    expect(seen).toEqual([]);
  });
});
