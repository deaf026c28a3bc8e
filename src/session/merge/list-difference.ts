/**
 * The three-way difference of lists: what two sides made of one, item by item. A list is the
 * numbers of its items here; what comes out are steps by which the merged list is built in order.
 *
 * The PHP class takes the same steps (Merge/ListDifference.php).
 */
import { align, pairChanged, pairLeftOver } from './alignment.ts';

type Side = 'ours' | 'theirs';

export type Step =
  /** These items of one side come next. */
  | { readonly kind: 'items'; readonly side: Side; readonly from: number; to: number }
  /** Both changed this item of the base: to be merged, or a conflict. */
  | { readonly kind: 'both'; readonly base: number; readonly ours: number; readonly theirs: number }
  /** Both rewrote this part: one conflict. The lists hold places. */
  | {
      readonly kind: 'rewrite';
      readonly base: readonly number[];
      readonly ours: readonly number[];
      readonly theirs: readonly number[];
    }
  /** One side changed or moved an item of the base that the other removed or moved elsewhere. */
  | { readonly kind: 'report'; readonly base: number; readonly resolution: 'deleted' | 'ours' };

/** One side of the difference. */
interface Edited {
  readonly side: Side;
  readonly numbers: readonly number[];
  /** For each item of the base: where it is, −1 if it is not. */
  readonly matched: Int32Array;
  /** For each item of the base: where this side put it instead, −1 if nowhere; `null` for none. */
  readonly moved: Int32Array | null;
  /** Where those stand. */
  readonly copies: ReadonlySet<number>;
  /** Items that are left out: copies of what the other side removed, or moved elsewhere. */
  readonly dropped: Set<number>;
}

/** @returns `null` if the lists are too long to be compared: then they merge as one piece */
export function differences(
  base: readonly number[],
  ours: readonly number[],
  theirs: readonly number[],
): Step[] | null {
  const ourMatches = align(base, ours);
  const theirMatches = ourMatches && align(base, theirs);
  if (ourMatches === null || theirMatches === null) return null;
  const o = edited('ours', base, ours, ourMatches);
  const t = edited('theirs', base, theirs, theirMatches);
  const steps = dropMoved(base, o, t);
  let [from, fromOurs, fromTheirs] = [0, 0, 0];
  for (let i = 0; i <= base.length; i++) {
    const end = i === base.length;
    const ourPlace = end ? ours.length : (o.matched[i] as number);
    const theirPlace = end ? theirs.length : (t.matched[i] as number);
    if (ourPlace < 0 || theirPlace < 0) continue;
    if (from < i || fromOurs < ourPlace || fromTheirs < theirPlace) {
      const hunk = new Hunk(base, o, t, {
        base: range(from, i),
        ours: kept(o, fromOurs, ourPlace),
        theirs: kept(t, fromTheirs, theirPlace),
      });
      hunk.merge(steps);
    }
    if (!end) take(steps, 'theirs', theirPlace);
    [from, fromOurs, fromTheirs] = [i + 1, ourPlace + 1, theirPlace + 1];
  }
  return steps;
}

function edited(
  side: Side,
  base: readonly number[],
  numbers: readonly number[],
  matched: Int32Array,
): Edited {
  const moved = pairLeftOver(base, numbers, matched);
  const copies = new Set<number>();
  for (const place of moved ?? []) if (place !== -1) copies.add(place);
  return { side, numbers, matched, moved, copies, dropped: new Set() };
}

/**
 * An item that one side put elsewhere and the other removed stays removed. One that both put
 * elsewhere, each in another place, stands where we put it.
 */
function dropMoved(base: readonly number[], ours: Edited, theirs: Edited): Step[] {
  const steps: Step[] = [];
  if (ours.copies.size + theirs.copies.size === 0) return steps;
  const gap = gaps(ours.matched, theirs.matched);
  const ourChanges = pairChanged(ours.matched, ours.moved, ours.numbers.length);
  const theirChanges = pairChanged(theirs.matched, theirs.moved, theirs.numbers.length);
  for (let i = 0; i < base.length; i++) {
    const ourPlace = ours.moved?.[i] ?? -1;
    const theirPlace = theirs.moved?.[i] ?? -1;
    if (ourPlace >= 0 && theirPlace >= 0) {
      if (gap(ours, ourPlace) === gap(theirs, theirPlace)) continue;
      theirs.dropped.add(theirPlace);
      steps.push({ kind: 'report', base: i, resolution: 'ours' });
    } else if (ourPlace >= 0 && theirs.matched[i] === -1 && theirChanges[i] === -1) {
      ours.dropped.add(ourPlace);
      steps.push({ kind: 'report', base: i, resolution: 'deleted' });
    } else if (theirPlace >= 0 && ours.matched[i] === -1 && ourChanges[i] === -1) {
      theirs.dropped.add(theirPlace);
      steps.push({ kind: 'report', base: i, resolution: 'deleted' });
    }
  }
  return steps;
}

/** How many items that both sides kept stand before a place. */
function gaps(ours: Int32Array, theirs: Int32Array): (edited: Edited, place: number) => number {
  const stable: number[] = [];
  for (let i = 0; i < ours.length; i++) if (ours[i] !== -1 && theirs[i] !== -1) stable.push(i);
  return ({ matched }, place) => {
    let [low, high] = [0, stable.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((matched[stable[middle] as number] as number) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

function range(from: number, to: number): number[] {
  const places: number[] = [];
  for (let place = from; place < to; place++) places.push(place);
  return places;
}

function kept({ dropped }: Edited, from: number, to: number): number[] {
  const places = range(from, to);
  return dropped.size === 0 ? places : places.filter((place) => !dropped.has(place));
}

interface Parts {
  readonly base: readonly number[];
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

/** What one side made of the items of a hunk. */
interface Edits {
  /** For each item: its new place if it was changed, KEPT or REMOVED. */
  readonly items: readonly number[];
  /** For each gap, before the item of that index: places of what was put in. */
  readonly inserted: readonly (readonly number[])[];
}

const KEPT = -1;
const REMOVED = -2;

/** What lies between two items that both sides kept. */
class Hunk {
  readonly #base: readonly number[];
  readonly #ours: Edited;
  readonly #theirs: Edited;
  readonly #parts: Parts;

  constructor(base: readonly number[], ours: Edited, theirs: Edited, parts: Parts) {
    this.#base = base;
    this.#ours = ours;
    this.#theirs = theirs;
    this.#parts = parts;
  }

  merge(steps: Step[]): void {
    const { base, ours, theirs } = this.#parts;
    const b = base.map((i) => this.#base[i] as number);
    const o = numbersOf(this.#ours, ours);
    const t = numbersOf(this.#theirs, theirs);
    if (same(t, b)) all(steps, 'ours', ours);
    else if (same(o, b) || same(o, t)) all(steps, 'theirs', theirs);
    else if (b.length === 0) this.#insert(steps, ours, theirs);
    else if (b.length === o.length && b.length === t.length && !this.#hasMoves) {
      for (let k = 0; k < b.length; k++) {
        this.#item(steps, base[k] as number, ours[k] as number, theirs[k] as number);
      }
    } else this.#byItem(steps);
  }

  /** Something came from another place, or went to one: places do not tell which item is which. */
  get #hasMoves(): boolean {
    const { base, ours, theirs } = this.#parts;
    return (
      base.some((i) => hasMoved(this.#ours, i) || hasMoved(this.#theirs, i)) ||
      ours.some((place) => this.#ours.copies.has(place)) ||
      theirs.some((place) => this.#theirs.copies.has(place))
    );
  }

  /** Item by item, as far as it can be told what each side did to each of them. */
  #byItem(steps: Step[]): void {
    const { base, ours, theirs } = this.#parts;
    const ourEdits = edits(this.#ours, base, ours);
    const theirEdits = edits(this.#theirs, base, theirs);
    if (ourEdits === null || theirEdits === null) {
      steps.push({ kind: 'rewrite', base, ours, theirs });
      return;
    }
    for (let k = 0; k <= base.length; k++) {
      this.#insert(steps, ourEdits.inserted[k] ?? [], theirEdits.inserted[k] ?? []);
      if (k === base.length) break;
      const i = base[k] as number;
      const o = ourEdits.items[k] as number;
      const t = theirEdits.items[k] as number;
      if (o >= 0 && t >= 0) this.#item(steps, i, o, t);
      else if (o >= 0 && t === KEPT) take(steps, 'ours', o);
      else if (t >= 0 && o === KEPT) take(steps, 'theirs', t);
      else if (o >= 0 || t >= 0) steps.push({ kind: 'report', base: i, resolution: 'deleted' });
    }
  }

  #item(steps: Step[], base: number, ours: number, theirs: number): void {
    const b = this.#base[base];
    const o = this.#ours.numbers[ours];
    const t = this.#theirs.numbers[theirs];
    if (t === b) take(steps, 'ours', ours);
    else if (o === b || o === t) take(steps, 'theirs', theirs);
    else steps.push({ kind: 'both', base, ours, theirs });
  }

  /** What both put into one place: theirs, then what we have besides. */
  #insert(steps: Step[], ours: readonly number[], theirs: readonly number[]): void {
    all(steps, 'theirs', theirs);
    if (ours.length === 0) return;
    const alike = new Map<number, number>();
    for (const number of numbersOf(this.#theirs, theirs)) {
      alike.set(number, (alike.get(number) ?? 0) + 1);
    }
    for (const place of ours) {
      const number = this.#ours.numbers[place] as number;
      const left = alike.get(number) ?? 0;
      if (left > 0) alike.set(number, left - 1);
      else take(steps, 'ours', place);
    }
  }
}

function hasMoved({ moved }: Edited, i: number): boolean {
  return (moved?.[i] ?? -1) !== -1;
}

/**
 * What a side did to the items of a hunk, run by run between those that it kept: without new ones
 * they were removed; as many new ones as there were are their changes. What came from another place
 * is no change of anything, and what went to one is only gone.
 *
 * @returns `null` if a run has become another number of items: it cannot be told which is which
 */
function edits(side: Edited, base: readonly number[], places: readonly number[]): Edits | null {
  const items: number[] = [];
  const inserted: number[][] = Array.from({ length: base.length + 1 }, () => []);
  let next = 0;
  /** Items of this run that are gone, … */
  let run: number[] = [];
  for (let k = 0; k <= base.length; k++) {
    const place =
      k === base.length ? Number.POSITIVE_INFINITY : (side.matched[base[k] as number] as number);
    if (place === -1) {
      items[k] = REMOVED;
      if (!hasMoved(side, base[k] as number)) run.push(k);
      continue;
    }
    /** … and how many of them have become something else. */
    let changes = 0;
    for (; next < places.length && (places[next] as number) < place; next++) {
      const fresh = places[next] as number;
      if (run.length === 0 || side.copies.has(fresh)) inserted[run[changes] ?? k]?.push(fresh);
      else if (changes === run.length) return null;
      else items[run[changes++] as number] = fresh;
    }
    if (changes > 0 && changes < run.length) return null;
    run = [];
    if (k < base.length) {
      items[k] = KEPT;
      next++;
    }
  }
  return { items, inserted };
}

function numbersOf({ numbers }: Edited, places: readonly number[]): number[] {
  return places.map((place) => numbers[place] as number);
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((number, at) => number === b[at]);
}

function all(steps: Step[], side: Side, places: readonly number[]): void {
  for (const place of places) take(steps, side, place);
}

function take(steps: Step[], side: Side, place: number): void {
  const last = steps.at(-1);
  if (last?.kind === 'items' && last.side === side && last.to === place) {
    last.to = place + 1;
  } else steps.push({ kind: 'items', side, from: place, to: place + 1 });
}
