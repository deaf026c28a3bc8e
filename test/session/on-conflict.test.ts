/** What `onConflict` is asked, and what becomes of its answers. */
import { describe, expect, test } from 'vitest';
import type { Conflict, ConflictValues } from '../../src/session/merge/conflicts.ts';
import { merge } from '../../src/session/merge/merge.ts';
import { SessionCodec } from '../../src/session/session-codec.ts';

const codec = new SessionCodec('php_serialize', -1);
type Variables = Record<string, unknown>;
// As decoding makes them: with the notes that a session's variables have.
const stored = (variables: Variables) => codec.decode(codec.encode(variables));

interface Outcome {
  readonly asked: (readonly [path: string, values: ConflictValues])[];
  readonly conflicts: readonly Conflict[];
  readonly merged: Variables;
}

function ask(
  versions: readonly [base: Variables, ours: Variables, theirs: Variables],
  answer: (values: ConflictValues, path: string) => unknown = () => undefined,
): Outcome {
  const asked: [string, ConflictValues][] = [];
  const [base, ours, theirs] = versions.map(stored) as [Variables, Variables, Variables];
  const conflicts = merge(base, ours, theirs, (path, values) => {
    // Copies: what is handed in belongs to the merge.
    asked.push([path, structuredClone(values)]);
    return answer(values, path);
  });
  return { asked, conflicts, merged: stored(theirs) };
}

const letters = (text: string) => ({ l: [...text] });

describe('an item of a list', () => {
  const versions = [letters('ab'), letters('ac'), letters('ad')] as const;
  const question = ['l[1]', { base: 'b', ours: 'c', theirs: 'd' }];

  test.each([
    ['nothing', () => undefined, 'ours', 'ac'],
    ['ours', ({ ours }: ConflictValues) => ours, 'ours', 'ac'],
    ['theirs', ({ theirs }: ConflictValues) => theirs, 'theirs', 'ad'],
    ['something else', () => 'e', 'resolved', 'ae'],
  ])('the answer is %s', (_, answer, resolution, merged) => {
    const outcome = ask(versions, answer);
    expect(outcome.asked).toEqual([question]);
    expect(outcome.conflicts).toEqual([{ path: 'l[1]', resolution }]);
    expect(outcome.merged).toEqual(letters(merged));
  });

  test('it is named by its index in the base, and answered where it stands now', () => {
    const outcome = ask([letters('pab'), letters('pax'), letters('npay')], () => 'z');
    expect(outcome.asked).toEqual([['l[2]', { base: 'b', ours: 'x', theirs: 'y' }]]);
    expect(outcome.merged).toEqual(letters('npaz'));
  });

  test('each item is asked about once, in order', () => {
    const outcome = ask(
      [letters('ab'), letters('cd'), letters('ef')],
      ({ ours, theirs }) => `${ours}${theirs}`,
    );
    expect(outcome.asked.map(([path]) => path)).toEqual(['l[0]', 'l[1]']);
    expect(outcome.merged).toEqual({ l: ['ce', 'df'] });
  });

  test('what is inside of an item', () => {
    const items = (qty: number) => ({
      cart: {
        items: [
          { id: 1, qty: 1 },
          { id: 2, qty },
        ],
      },
    });
    const outcome = ask([items(1), items(2), items(3)], ({ base, ours, theirs }) =>
      [ours, theirs].reduce<number>(
        (sum, side) => sum + (side as number) - (base as number),
        base as number,
      ),
    );
    expect(outcome.asked).toEqual([['cart.items[1].qty', { base: 1, ours: 2, theirs: 3 }]]);
    expect(outcome.merged).toEqual(items(4));
  });
});

describe('several items for one', () => {
  const versions = [letters('abcz'), letters('axycz'), letters('apqrcz')] as const;
  const question = ['l', { base: ['b'], ours: ['x', 'y'], theirs: ['p', 'q', 'r'] }];

  test.each([
    ['nothing', () => undefined, 'ours', 'axycz'],
    ['ours', ({ ours }: ConflictValues) => ours, 'ours', 'axycz'],
    ['theirs', ({ theirs }: ConflictValues) => theirs, 'theirs', 'apqrcz'],
    ['another list', () => ['n', 'm'], 'resolved', 'anmcz'],
    ['an empty list', () => [], 'resolved', 'acz'],
    [
      'both',
      ({ ours, theirs }: ConflictValues) => [...(theirs as string[]), ...(ours as string[])],
      'resolved',
      'apqrxycz',
    ],
  ])('the answer is %s', (_, answer, resolution, merged) => {
    const outcome = ask(versions, answer);
    expect(outcome.asked).toEqual([question]);
    expect(outcome.conflicts).toEqual([{ path: 'l', resolution }]);
    expect(outcome.merged).toEqual(letters(merged));
  });

  test('a side that took everything out is an empty list', () => {
    const outcome = ask([letters('abc'), letters('axyc'), letters('ac')], ({ theirs }) => theirs);
    expect(outcome.asked).toEqual([['l', { base: ['b'], ours: ['x', 'y'], theirs: [] }]]);
    expect(outcome.merged).toEqual(letters('ac'));
  });

  test('two places are two questions', () => {
    const outcome = ask(
      [letters('abcd'), letters('xxbyyd'), letters('zzzbwwwd')],
      ({ ours, theirs }) => ((ours as string[])[0] === 'x' ? theirs : undefined),
    );
    expect(outcome.asked).toEqual([
      ['l', { base: ['a'], ours: ['x', 'x'], theirs: ['z', 'z', 'z'] }],
      ['l', { base: ['c'], ours: ['y', 'y'], theirs: ['w', 'w', 'w'] }],
    ]);
    expect(outcome.conflicts.map(({ resolution }) => resolution)).toEqual(['theirs', 'ours']);
    expect(outcome.merged).toEqual(letters('zzzbyyd'));
  });
});

describe('a list that is one piece', () => {
  test('the whole values', () => {
    const outcome = ask([{ l: [1] }, { l: { n: 1 } }, { l: [1, 2] }], ({ theirs }) => theirs);
    expect(outcome.asked).toEqual([['l', { base: [1], ours: { n: 1 }, theirs: [1, 2] }]]);
    expect(outcome.merged).toEqual({ l: [1, 2] });
  });
});

describe('int keys', () => {
  test('in brackets, below the session', () => {
    const cart = (quantity: number) => ({ cart: { 802: quantity, 15: 1 } });
    const outcome = ask([cart(1), cart(2), cart(3)], () => 5);
    expect(outcome.asked).toEqual([['cart[802]', { base: 1, ours: 2, theirs: 3 }]]);
    expect(outcome.conflicts).toEqual([{ path: 'cart[802]', resolution: 'resolved' }]);
    expect(outcome.merged).toEqual(cart(5));
  });

  test('as they are, in the session', () => {
    const outcome = ask([{ 5: 'a' }, { 5: 'b' }, { 5: 'c' }]);
    expect(outcome.asked).toEqual([['5', { base: 'a', ours: 'b', theirs: 'c' }]]);
  });

  test('what was not there is undefined', () => {
    const outcome = ask([{ cart: [] }, { cart: { 802: 1 } }, { cart: { 802: 2 } }]);
    expect(outcome.asked).toEqual([['cart[802]', { base: undefined, ours: 1, theirs: 2 }]]);
  });
});

describe('nobody is asked', () => {
  test.each([
    ['about what was removed and changed', 'abc', 'ac', 'axc', 'ac', ['l[1] deleted']],
    ['about what was removed and moved', 'abc', 'bca', 'bc', 'bc', ['l[0] deleted']],
    ['about what was moved to two places', 'abcde', 'bcdea', 'bcade', 'bcdea', ['l[0] ours']],
    ['where both appended', 'a', 'ab', 'ac', 'acb', []],
    ['where both changed alike', 'abc', 'axc', 'axcd', 'axcd', []],
  ])('%s', (_, base, ours, theirs, merged, conflicts) => {
    const outcome = ask([letters(base), letters(ours), letters(theirs)], () => 'never');
    expect(outcome.asked).toEqual([]);
    expect(outcome.conflicts.map(({ path, resolution }) => `${path} ${resolution}`)).toEqual(
      conflicts,
    );
    expect(outcome.merged).toEqual(letters(merged));
  });
});
