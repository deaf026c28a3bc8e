/** The alignment against its own definition, computed the plain way. */
import { describe, expect, test } from 'vitest';
import { align, MOST_COMPARISONS } from '../../../src/session/merge/alignment.ts';

function byDefinition(base: readonly number[], side: readonly number[]): number[] {
  const [n, m] = [base.length, side.length];
  const table = Array.from({ length: n + 1 }, () => new Array<number>(m + 1).fill(0));
  const at = (i: number, j: number) => table[i]?.[j] ?? 0;
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      const both = base[i] === side[j] ? at(i + 1, j + 1) + 1 : 0;
      (table[i] as number[])[j] = Math.max(both, at(i + 1, j), at(i, j + 1));
    }
  }
  const matched: number[] = new Array(n).fill(-1);
  let from = 0;
  for (let i = 0; i < n; i++) {
    const place = side.indexOf(base[i] as number, from);
    if (place < 0 || at(i + 1, place + 1) + 1 !== at(i, from)) continue;
    matched[i] = place;
    from = place + 1;
  }
  return matched;
}

/** A generator of numbers that fails again what failed once. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

describe('align', () => {
  test('matches the earliest of several longest common subsequences', () => {
    expect([...(align([1, 2, 3], [3, 1]) ?? [])]).toEqual([1, -1, -1]);
    expect([...(align([7, 1, 2, 1], [1]) ?? [])]).toEqual([-1, 0, -1, -1]);
  });

  test.each([2, 3, 5, 20, 1000])('agrees with the definition: %i different items', (kinds) => {
    const next = random(kinds);
    for (let round = 0; round < 2000; round++) {
      const longest = round % 10 === 0 ? 100 : 12;
      const base = Array.from({ length: next(longest) }, () => next(kinds));
      const side = base.filter(() => next(5) > 0);
      for (let edit = next(6); edit > 0; edit--) {
        side.splice(
          next(side.length + 1),
          next(2),
          next(kinds),
          ...side.splice(next(side.length + 1), next(3)),
        );
      }
      expect([...(align(base, side) ?? [])]).toEqual(byDefinition(base, side));
    }
  });

  test('does not ask about lists that are too long', () => {
    const length = Math.floor(Math.sqrt(MOST_COMPARISONS));
    const falling = (size: number) => Array.from({ length: size }, (_, i) => size - i);
    const rising = (size: number) => Array.from({ length: size }, (_, i) => i + 1);
    expect(align(rising(length), falling(length))).not.toBeNull();
    expect(align(rising(length + 1), falling(length + 1))).toBeNull();
    // What is at the head, at the tail or on one side only does not count.
    const long = rising(50_000);
    const edited = [...long.slice(0, 25_000), 90_001, ...long.slice(25_010)];
    const matched = align(long, edited);
    expect(matched?.[24_999]).toBe(24_999);
    expect(matched?.[25_005]).toBe(-1);
    expect(matched?.[49_999]).toBe(49_990);
  });
});
