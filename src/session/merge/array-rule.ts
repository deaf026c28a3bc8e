/** How two arrays that both sides changed are merged: by key, as lists, or not at all. */
import { isIntegerKey } from '../../codec/integers.ts';
import type { Surveyed } from './survey.ts';

type ArrayRule = 'keys' | 'list';

/**
 * @param base `undefined` if it is absent, or no array
 * @returns `undefined` if they merge as one piece
 */
export function arrayRule(
  base: Surveyed | undefined,
  ours: Surveyed | undefined,
  theirs: Surveyed | undefined,
): ArrayRule | undefined {
  if (!isOpen(ours) || !isOpen(theirs) || (base !== undefined && !isOpen(base))) return undefined;
  if (ours.isStringKeyed && theirs.isStringKeyed) return 'keys';
  if (base?.kind !== 'list' && (ours.kind === 'map' || theirs.kind === 'map')) return 'keys';
  if (base?.kind === 'map') return undefined;
  const sparse = base?.kind === 'list';
  return isListLike(ours, sparse) && isListLike(theirs, sparse) ? 'list' : undefined;
}

/** The array that a value is, if it is one. */
export function arrayOf(value: Surveyed | undefined): Surveyed | undefined {
  return value === undefined || value.kind === 'object' ? undefined : value;
}

/** Can be looked into? */
function isOpen(value: Surveyed | undefined): value is Surveyed {
  return value !== undefined && value.kind !== 'object' && !value.hasHidden && !value.isCircular;
}

/** A list, also with the holes that `unset()` and `array_filter()` leave. */
function isListLike(array: Surveyed, sparse: boolean): boolean {
  if (array.kind !== 'map') return true;
  if (!sparse) return false;
  let last: number | bigint = -1;
  for (const key of array.names as readonly string[]) {
    if (!isIntegerKey(key)) return false;
    // Of larger ones a number does not tell each from the next.
    const index = key.length < 16 ? Number(key) : BigInt(key);
    if (index <= last) return false;
    last = index;
  }
  return true;
}

/**
 * Did both sides keep all items that there were, and put more behind them? Then all of those stay,
 * equal ones, too.
 */
export function bothAppended(
  base: Surveyed | undefined,
  ours: Surveyed | undefined,
  theirs: Surveyed | undefined,
): boolean {
  if (base === undefined || (base.kind !== 'list' && base.kind !== 'empty')) return false;
  if (arrayRule(base, ours, theirs) !== 'list') return false;
  const [o, t] = [ours as Surveyed, theirs as Surveyed];
  return grewFrom(base, o) && grewFrom(base, t) && standsAlone(base.length, o);
}

function grewFrom(base: Surveyed, side: Surveyed): boolean {
  const { length } = base;
  if (side.length <= length) return false;
  for (let i = 0; i < length; i++) if (side.numbers[i] !== base.numbers[i]) return false;
  if (base.ties === null && side.ties === null) return true;
  const kept = (side.ties ?? []).filter(({ second }) => placeIn(side, second) < length);
  const before = base.ties ?? [];
  if (kept.length !== before.length) return false;
  return kept.every((tie, at) => {
    const was = before[at];
    return (
      was !== undefined &&
      placeIn(side, tie.first) === placeIn(base, was.first) &&
      placeIn(side, tie.second) === placeIn(base, was.second) &&
      tie.firstOffset === was.firstOffset &&
      tie.secondOffset === was.secondOffset
    );
  });
}

/** What was appended must not be tied to an item before it: that one stays behind. */
function standsAlone(length: number, side: Surveyed): boolean {
  return (side.ties ?? []).every(
    ({ first, second }) => placeIn(side, second) < length || placeIn(side, first) >= length,
  );
}

function placeIn(list: Surveyed, key: string): number {
  return list.placeOf(key, -1);
}
