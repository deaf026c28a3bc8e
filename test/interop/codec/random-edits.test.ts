import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeSession, encodeSession } from '../../../src/codec/index.ts';
import type { Handler } from '../../fixtures/fixtures.ts';
import { PhpPeer } from './php-peer.ts';
import { handlers } from './supported.ts';

const peer = new PhpPeer();
afterAll(() => peer[Symbol.asyncDispose]());

interface Element {
  readonly js: number | string;
  readonly php: string;
}

/** One edit, said in both languages. */
interface Edit {
  readonly php: string;
  readonly js: (session: Variables) => void;
}

interface Variables extends Record<string, unknown> {
  l: (number | string)[];
  m: Record<string, unknown>;
}

const elements = {
  int: fc.integer({ min: -50, max: 50 }).map((n) => ({ js: n, php: `${n}` })),
  float: fc.integer({ min: -50, max: 50 }).map((n) => ({ js: n, php: `${n}.0` })),
  fraction: fc.integer({ min: -50, max: 50 }).map((n) => ({ js: n + 0.25, php: `${n + 0.25}` })),
  string: fc.constantFrom('a', 'b', '이', 'zz').map((s) => ({ js: s, php: `'${s}'` })),
};
const mixed = fc.oneof(elements.int, elements.float, elements.fraction);
const floats = fc.oneof(elements.float, elements.fraction);

const small = fc.nat({ max: 7 });

function listEdits(inserted: fc.Arbitrary<Element>, keepsOrder: boolean): fc.Arbitrary<Edit> {
  const edits: fc.Arbitrary<Edit>[] = [
    inserted.map(({ js, php }) => ({
      php: `$_SESSION['l'][] = ${php};`,
      js: (s) => void s.l.push(js),
    })),
    fc.constant<Edit>({ php: `array_pop($_SESSION['l']);`, js: (s) => void s.l.pop() }),
    fc.constant<Edit>({ php: `array_shift($_SESSION['l']);`, js: (s) => void s.l.shift() }),
    inserted.map(({ js, php }) => ({
      php: `array_unshift($_SESSION['l'], ${php});`,
      js: (s) => void s.l.unshift(js),
    })),
    fc.tuple(small, small, fc.array(inserted, { maxLength: 3 })).map(([at, count, list]) => ({
      php: `array_splice($_SESSION['l'], ${at}, ${count}, [${list.map(({ php }) => php).join(', ')}]);`,
      js: (s) => void s.l.splice(at, count, ...list.map(({ js }) => js)),
    })),
    fc.tuple(small, inserted).map(([at, { js, php }]) => ({
      php: `if (isset($_SESSION['l'][${at}])) { $_SESSION['l'][${at}] = ${php}; }`,
      js: (s) => {
        if (at < s.l.length) s.l[at] = js;
      },
    })),
  ];
  if (keepsOrder) return fc.oneof(...edits);
  const compare = (a: number | string, b: number | string): number => (a < b ? -1 : a > b ? 1 : 0);
  return fc.oneof(
    ...edits,
    fc.constant<Edit>({
      php: `$_SESSION['l'] = array_reverse($_SESSION['l']);`,
      js: (s) => void s.l.reverse(),
    }),
    fc.constant<Edit>({ php: `sort($_SESSION['l']);`, js: (s) => void s.l.sort(compare) }),
    fc.constant<Edit>({
      php: `rsort($_SESSION['l']);`,
      js: (s) => void s.l.sort((a, b) => compare(b, a)),
    }),
    small.map(
      (n): Edit => ({
        php: `$_SESSION['l'] = array_values(array_filter($_SESSION['l'], fn ($i) => $i % 3 !== ${n % 3}, ARRAY_FILTER_USE_KEY));`,
        js: (s) => {
          const kept = s.l.filter((_, i) => i % 3 !== n % 3);
          s.l.splice(0, s.l.length, ...kept);
        },
      }),
    ),
  );
}

async function expectSame(handler: Handler, before: string, edits: readonly Edit[]): Promise<void> {
  const empty = Buffer.from(
    {
      php: '',
      php_binary: '',
      php_serialize: 'a:0:{}',
      igbinary: '\0\0\0\x02\x14\0',
      msgpack: '\x90',
    }[handler],
    'latin1',
  );
  const [start] = await peer.edit(handler, [{ php: before, bytes: empty }]);
  if (!start || 'refused' in start) throw new Error(start?.refused);
  const php = edits.map((edit) => edit.php).join('\n');
  const [end] = await peer.edit(handler, [{ php, bytes: start.bytes }]);
  if (!end || 'refused' in end) throw new Error(end?.refused);
  const session = decodeSession<Variables>(Buffer.from(start.bytes), { handler });
  for (const edit of edits) edit.js(session);
  const got = encodeSession(session, { handler });
  expect(got.toString('latin1'), php).toBe(end.bytes.toString('latin1'));
}

/** In a mixed list no two numbers are equal: JavaScript could not tell 2 from 2.0 when one is gone. */
function elementsOf(start: fc.Arbitrary<Element>, kind: string): fc.Arbitrary<Element[]> {
  const lengths = { minLength: 2, maxLength: 8 };
  if (kind !== 'mixed') return fc.array(start, lengths);
  return fc.uniqueArray(start, { ...lengths, selector: ({ js }) => js });
}

const kinds = {
  int: { start: elements.int, inserted: elements.int, keepsOrder: false, most: 6 },
  float: { start: floats, inserted: floats, keepsOrder: false, most: 6 },
  string: { start: elements.string, inserted: elements.string, keepsOrder: false, most: 6 },
  // What JavaScript cannot tell apart may only be inserted where it is clear: text, and one edit at a time.
  mixed: { start: mixed, inserted: elements.string, keepsOrder: true, most: 1 },
} as const;

describe.each(Object.entries(kinds))('%s lists, the same edits in PHP', (kind, rules) => {
  it.each(handlers)('%s', async (handler) => {
    const { start, inserted, keepsOrder, most } = rules;
    await fc.assert(
      fc.asyncProperty(
        elementsOf(start, kind),
        fc.array(listEdits(inserted, keepsOrder), { minLength: 1, maxLength: most }),
        async (list, edits) => {
          // A float list needs one fraction or two floats to be known as such: it has at least two.
          const before = `$_SESSION['l'] = [${list.map(({ php }) => php).join(', ')}]; $_SESSION['z'] = '${kind}';`;
          await expectSame(handler, before, edits);
        },
      ),
      { numRuns: 250 },
    );
  });
});

const mapKeys = fc.constantFrom("'a'", "'b'", "'zz'", '5', '3', '-1', "'이름'");

function mapEdits(): fc.Arbitrary<Edit> {
  const js = (key: string): string => key.replaceAll("'", '');
  const values = fc.oneof(elements.int, elements.fraction, elements.string);
  return fc.oneof(
    fc.tuple(mapKeys, values).map(
      ([key, value]): Edit => ({
        php: `$_SESSION['m'][${key}] = ${value.php};`,
        js: (s) => {
          s.m[js(key)] = value.js;
        },
      }),
    ),
    mapKeys.map(
      (key): Edit => ({
        php: `unset($_SESSION['m'][${key}]);`,
        js: (s) => {
          delete s.m[js(key)];
        },
      }),
    ),
    fc.integer({ min: -50, max: 50 }).map(
      (n): Edit => ({
        php: `$_SESSION['m']['f'] = ${n}.0;`,
        js: (s) => {
          s.m['f'] = n;
        },
      }),
    ),
    fc.tuple(mapKeys, values).map(
      ([key, value]): Edit => ({
        php: `$_SESSION['m']['in'][${key}] = ${value.php};`,
        js: (s) => {
          (s.m['in'] as Record<string, unknown>)[js(key)] = value.js;
        },
      }),
    ),
    fc.tuple(fc.constantFrom('x', 'y', 'later'), values).map(
      ([name, value]): Edit => ({
        php: `$_SESSION['${name}'] = ${value.php};`,
        js: (s) => {
          s[name] = value.js;
        },
      }),
    ),
  );
}

describe('maps, the same edits in PHP', () => {
  it.each(handlers)('%s', async (handler) => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(mapKeys, elements.string), {
          maxLength: 6,
          selector: ([key]) => key,
        }),
        fc.array(mapEdits(), { minLength: 1, maxLength: 8 }),
        async (entries, edits) => {
          const pairs = entries.map(([key, value]) => `${key} => ${value.php}`);
          const before = `$_SESSION['x'] = 'first'; $_SESSION['m'] = ['k' => 'v', 12 => 't', ${pairs.map((p) => `${p}, `).join('')}'f' => 2.0, 'in' => ['k' => 1, 'q' => 1.0, 9 => 'n']]; $_SESSION['z'] = 1.0;`;
          // JavaScript sorts integer-like keys, so it cannot show where among several new ones a
          // new one of them came, nor that one was removed and set again.
          fc.pre(!movesKey(edits));
          await expectSame(handler, before, edits);
        },
      ),
      { numRuns: 400 },
    );
  });
});

/** Whether the edits do to an order-noted map what JavaScript's own order cannot show. */
function movesKey(edits: readonly Edit[]): boolean {
  return ["['m']", "['m']['in']"].some((map) => {
    const own = edits.filter(({ php }) => {
      const at = php.indexOf(`$_SESSION${map}[`);
      return at >= 0 && !(map === "['m']" && php.includes("['m']['in']"));
    });
    const assignments = own.filter(({ php }) => !php.startsWith('unset'));
    const integers = assignments.filter(({ php }) => /\[-?\d+\] = /.test(php));
    const removals = own.length - assignments.length;
    return (
      (integers.length > 0 && assignments.length > 1) || (removals > 0 && assignments.length > 0)
    );
  });
}
