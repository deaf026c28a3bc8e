import { afterAll, describe, expect, it } from 'vitest';
import { CodecError, decodeSession, serialize, unserialize } from '../../../src/codec/index.ts';
import { PhpPeer } from './php-peer.ts';

const peer = new PhpPeer({ classes: false });
afterAll(() => peer[Symbol.asyncDispose]());

const nested: Readonly<Record<string, (depth: number) => string>> = {
  arrays: (depth) => `${'a:1:{i:0;'.repeat(depth)}N;${'}'.repeat(depth)}`,
  maps: (depth) => `${'a:1:{s:1:"k";'.repeat(depth)}N;${'}'.repeat(depth)}`,
  objects: (depth) => `${'O:1:"A":1:{s:1:"a";'.repeat(depth)}N;${'}'.repeat(depth)}`,
  'an empty array innermost': (depth) =>
    `${'a:1:{i:0;'.repeat(depth - 1)}a:0:{}${'}'.repeat(depth - 1)}`,
  'an empty object innermost': (depth) =>
    `${'a:1:{i:0;'.repeat(depth - 1)}O:1:"A":0:{}${'}'.repeat(depth - 1)}`,
};

describe('the depth that PHP allows', () => {
  it.each(Object.entries(nested))('%s', async (_, nest) => {
    for (const depth of [4095, 4096, 4097, 4098]) {
      const blob = Buffer.from(nest(depth));
      const [answer] = await peer.again('serialize', [blob]);
      const isAccepted = answer !== undefined && 'bytes' in answer;
      if (isAccepted) expect(serialize(unserialize(blob)).equals(blob), `${depth}`).toBe(true);
      else expect(() => unserialize(blob), `${depth}`).toThrow(CodecError);
    }
  });

  it('counts anew for every session variable', async () => {
    for (const depth of [4096, 4097]) {
      const blob = Buffer.from(`a|i:1;b|${nested['arrays']?.(depth)}`);
      const [answer] = await peer.again('php', [blob]);
      const decode = (): unknown => decodeSession(blob, { handler: 'php' });
      if (answer && 'bytes' in answer) expect(decode).not.toThrow();
      else expect(decode).toThrow(CodecError);
    }
  });

  it('encodes what is too deep with an error, not with a stack overflow', () => {
    let value: unknown = 1;
    for (let i = 0; i < 100_000; i++) value = [value];
    expect(() => serialize(value)).toThrow(CodecError);
  });
});
