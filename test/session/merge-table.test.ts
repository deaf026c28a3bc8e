/**
 * The table of merge cases that the PHP save handler runs, too: both sides must merge alike.
 * Its expected results are stated by hand (test/fixtures/merge-cases.php), not computed.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { merge } from '../../src/session/merge/merge.ts';
import { assertSameSession } from '../../src/session/replaced.ts';
import { SessionCodec } from '../../src/session/session-codec.ts';

interface MergeCase {
  readonly name: string;
  readonly base: string | null;
  readonly ours: string;
  readonly theirs: string;
  readonly merged: string;
  readonly conflicts: readonly { readonly path: string; readonly resolution: string }[];
}

interface VerdictCase {
  readonly name: string;
  readonly base: string | null;
  readonly theirs: string | null;
  readonly identity?: readonly string[];
  readonly verdict: 'ok' | 'gone' | 'replaced';
}

const table = JSON.parse(
  readFileSync(new URL('../fixtures/merge-cases.json', import.meta.url), 'utf8'),
) as { merge: readonly MergeCase[]; verdict: readonly VerdictCase[] };

const codec = new SessionCodec('php_serialize', -1);
const bytes = (text: string | null) => (text === null ? null : Buffer.from(text, 'latin1'));

describe('merge', () => {
  test.each(table.merge)('$name', ({ base, ours, theirs, merged, conflicts }) => {
    const result = codec.decode(bytes(theirs));
    const found = merge(codec.decode(bytes(base)), codec.decode(bytes(ours)), result);
    expect(codec.encode(result).toString('latin1')).toBe(merged);
    expect(found).toEqual(conflicts);
  });
});

describe('gone and replaced', () => {
  test.each(table.verdict)('$name', ({ base, theirs, identity = [], verdict }) => {
    if (base === null && theirs === null) return;
    const before = base === null ? null : codec.decode(bytes(base));
    const now = theirs === null ? null : codec.decode(bytes(theirs));
    const check = () => assertSameSession(before, now, identity);
    if (verdict === 'ok') expect(check).not.toThrow();
    else {
      const code = `ERR_PSB_SESSION_${verdict.toUpperCase()}`;
      expect(check).toThrowError(expect.objectContaining({ code }));
    }
  });
});
