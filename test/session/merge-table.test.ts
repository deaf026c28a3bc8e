/**
 * The table of merge cases that the PHP save handler runs, too: both sides must merge alike.
 * Its expected results are stated by hand (test/fixtures/merge-cases.php), not computed.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CodecError, type SessionHandlerName } from '../../src/codec/index.ts';
import { resolveIdentity } from '../../src/session/identity.ts';
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
const decode = (text: string | null) => codec.decode(bytes(text));
const encode = (variables: Record<string, unknown>) => codec.encode(variables).toString('latin1');

describe('merge', () => {
  test.each(table.merge)('$name', ({ base, ours, theirs, merged, conflicts }) => {
    const result = decode(theirs);
    const found = merge(decode(base), decode(ours), result);
    expect(encode(result)).toBe(merged);
    expect(found).toEqual(conflicts);
  });
});

/** The versions as another handler stores them; `undefined` if it cannot hold one of them. */
function storedBy(handler: SessionHandlerName, { base, ours, theirs, merged }: MergeCase) {
  const other = new SessionCodec(handler, -1);
  const texts = [base, ours, theirs, merged];
  try {
    const blobs = texts.map((text) => (text === null ? null : other.encode(decode(text))));
    // msgpack's extension loses references, `php` has no integer names: such a row is not theirs.
    const same = blobs.every(
      (blob, at) => blob === null || encode(other.decode(blob)) === texts[at],
    );
    return same ? { other, blobs } : undefined;
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

describe.each(['php', 'php_binary', 'igbinary', 'msgpack'] as const)('merge in %s', (handler) => {
  const rows = table.merge.flatMap((row) => {
    const held = storedBy(handler, row);
    return held === undefined ? [] : [{ ...row, ...held }];
  });

  test('most rows can be held', () => {
    expect(rows.length).toBeGreaterThan(table.merge.length * 0.8);
  });

  test.each(rows)('$name', ({ other, blobs, merged, conflicts }) => {
    const [base, ours, theirs] = blobs.map((blob) => other.decode(blob));
    const result = theirs as Record<string, unknown>;
    const found = merge(base ?? {}, ours ?? {}, result);
    expect(encode(other.decode(other.encode(result)))).toBe(merged);
    expect(found).toEqual(conflicts);
  });
});

describe('what must hold of every row', () => {
  test.each(table.merge)('$name', ({ base, ours, theirs }) => {
    const merged = (before: string | null, one: string, other: string) => {
      const result = decode(other);
      const conflicts = merge(decode(before), decode(one), result);
      return { text: encode(result), conflicts };
    };
    // What only one side changed is that side's, but for the order of the variables.
    expect(merged(base ?? 'a:0:{}', base ?? 'a:0:{}', theirs)).toEqual({
      text: theirs,
      conflicts: [],
    });
    const alone = merged(base ?? 'a:0:{}', ours, base ?? 'a:0:{}');
    expect(alone.conflicts).toEqual([]);
    expect(sorted(alone.text)).toBe(sorted(ours));
  });

  /** The variables of a session that ties none of them together, by name; else its text. */
  function sorted(text: string): string {
    if (/[rR]:\d+;/.test(text)) return 'tied';
    const variables = decode(text);
    return Object.keys(variables)
      .sort()
      .map((name) => encode(Object.fromEntries([[name, decode(text)[name]]])))
      .join('');
  }
});

describe('both sides exchanged', () => {
  // Where nothing was reported and no place got items from both sides, whose is whose is the same.
  const names = [
    'each changes another one',
    'different keys of one array',
    'each removes another item',
    'each removes one of two neighbours',
    'both remove an item, and each another one beside it',
    'we remove one, they insert on both sides of it',
    'we prepend, they append',
    'each changes another item',
    'both change one item alike, each another one',
    'we swap two items, they remove the one that stayed',
    'each leaves another hole',
    'each changes another key of one item',
    'a list in a list',
    'mixed keys',
  ];
  test.each(names)('%s', (name) => {
    const row = table.merge.find((found) => found.name === name) as MergeCase;
    const result = decode(row.ours);
    expect(merge(decode(row.base), decode(row.theirs), result)).toEqual([]);
    expect(encode(result)).toBe(row.merged);
  });
});

describe('gone and replaced', () => {
  test.each(table.verdict)('$name', ({ base, theirs, identity = [], verdict }) => {
    if (base === null && theirs === null) return;
    const before = base === null ? null : decode(base);
    const now = theirs === null ? null : decode(theirs);
    const check = () => assertSameSession(before, now, resolveIdentity(identity, undefined));
    if (verdict === 'ok') expect(check).not.toThrow();
    else {
      const code = `ERR_PSB_SESSION_${verdict.toUpperCase()}`;
      expect(check).toThrowError(expect.objectContaining({ code }));
    }
  });
});
