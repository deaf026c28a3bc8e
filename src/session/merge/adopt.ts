/**
 * After a merge: brings the application's own objects up to date in place, so that a `cart`, one of
 * its items or a `PhpObject` that it took out of the session before stays the session's own.
 */

import { type Cell, getNotes, makeNotes, type Notes, setNotes } from '../../codec/notes.ts';
import { decodeDeferred } from '../../codec/session.ts';
import { define, PhpObject } from '../../codec/values.ts';
import { align, pairChanged, pairLeftOver } from './alignment.ts';
import { Interner } from './interner.ts';
import { Survey, type Surveyed } from './survey.ts';

type Variables = Record<string, unknown>;

/** A container of the application, and what it is to become. */
interface Pair {
  readonly live: Surveyed;
  readonly merged: Surveyed;
}

/**
 * Makes `live` say what `merged` says, a fresh decode that nobody else holds. Containers keep their
 * identity along their path; an item of a list keeps its own, wherever it went.
 *
 * @param made what the decoder made for this session: nothing else is written into. An object that
 *   the application put there may be its own in more places than this, for every visitor even.
 * @returns `false` if `live` cannot be changed: then `merged` is to take its place
 */
export function adopt(live: Variables, merged: Variables, made: ReadonlySet<object>): boolean {
  decodeDeferred(live);
  if (!isWritable(live)) return false;
  const root = surveyed(live, merged);
  /** The application's container for one of the merge: their notes name them. */
  const adopted = new Map<object, object>();
  const order: Pair[] = [];
  for (const todo: Pair[] = [root]; ; ) {
    const pair = todo.pop();
    if (pair === undefined) break;
    adopted.set(pair.merged.container, pair.live.container);
    order.push(pair);
    for (const inside of pairsInside(pair, made)) {
      const known = adopted.has(inside.merged.container);
      if (!known && inside.live.number !== inside.merged.number) todo.push(inside);
    }
  }
  // From the inside outwards: a container is complete when the one around it takes it.
  for (const pair of order.reverse()) fill(pair, adopted);
  return true;
}

function surveyed(live: Variables, merged: Variables): Pair {
  const interner = new Interner();
  try {
    return {
      live: new Survey(interner, false).of(live),
      merged: new Survey(interner, true).of(merged),
    };
  } finally {
    interner.release();
  }
}

/** Containers in the same slots of both, that can take one another's content. */
function* pairsInside({ live, merged }: Pair, made: ReadonlySet<object>): Generator<Pair> {
  const from = origins(live, merged);
  const tied = tiedPlaces(live, merged, from);
  for (const [place, was] of from.entries()) {
    if (was < 0 || tied.has(place)) continue;
    const [mine, other] = [live.kid(was), merged.kid(place)];
    if (mine === undefined || other === undefined || !made.has(mine.container)) continue;
    if (canBecome(mine, other)) yield { live: mine, merged: other };
  }
}

function canBecome(live: Surveyed, merged: Surveyed): boolean {
  if (live.hasHidden || merged.hasHidden || live.isCircular || merged.isCircular) return false;
  const [mine, other] = [live.container, merged.container];
  if (!isWritable(mine)) return false;
  if (live.kind !== 'object' && merged.kind !== 'object') {
    return Array.isArray(mine) === Array.isArray(other);
  }
  if (!(mine instanceof PhpObject) || !(other instanceof PhpObject)) return false;
  if (getNotes(mine)?.layout?.className !== PhpObject.className(other)) return false;
  // Where PHP has a property of this name the object shows less than it has.
  return !Object.hasOwn(mine, 'toJSON') && !Object.hasOwn(other, 'toJSON');
}

/** Frozen objects cannot be filled, and what an accessor does with a value is its own affair. */
function isWritable(container: object): boolean {
  if (!Object.isExtensible(container)) return false;
  return Object.keys(container).every((key) => {
    const property = Object.getOwnPropertyDescriptor(container, key);
    return property?.writable === true && property.configurable === true;
  });
}

/** For each slot of `merged`: the place in `live` that it comes from, −1 for a new one. */
function origins(live: Surveyed, merged: Surveyed): number[] {
  if (merged.names !== null || live.names !== null) {
    return merged.numbers.map((_, place) => live.placeOf(merged.key(place), place));
  }
  const places: number[] = new Array(merged.length).fill(-1);
  const matched = align(live.numbers, merged.numbers);
  if (matched === null) return places;
  const moved = pairLeftOver(live.numbers, merged.numbers, matched);
  const changed = pairChanged(matched, moved, merged.length);
  for (let i = 0; i < live.length; i++) {
    // It is one of the three at most.
    const place = Math.max(matched[i] as number, moved?.[i] ?? -1, changed[i] as number);
    if (place !== -1) places[place] = i;
  }
  return places;
}

/**
 * Places of `merged` that are tied to others, now or in the application's hands. They move together
 * or not at all: a reference must not be split between two trees, nor outlive the one PHP dissolved.
 */
function tiedPlaces(live: Surveyed, merged: Surveyed, from: readonly number[]): Set<number> {
  const tied = placesOfTies(merged);
  const mine = placesOfTies(live);
  if (mine.size > 0) {
    for (const [place, was] of from.entries()) if (mine.has(was)) tied.add(place);
  }
  return tied;
}

function placesOfTies(node: Surveyed): Set<number> {
  const places = new Set<number>();
  for (const { first, second } of node.ties ?? []) {
    // What knows itself is tied to nothing else.
    if (first === second) continue;
    places.add(node.placeOf(first, -1)).add(node.placeOf(second, -1));
  }
  return places;
}

/** Gives a container of the application its new content. */
function fill({ live, merged }: Pair, adopted: ReadonlyMap<object, object>): void {
  if (live.number === merged.number) return;
  const from = origins(live, merged);
  const tied = tiedPlaces(live, merged, from);
  const keepsTied = tied.size === 0 || sameTied(live, merged, tied);
  const cells = new Map<string, Cell>();
  /** What stands in the place of a value of the merge. */
  const values = merged.numbers.map((number, place) => {
    const key = merged.key(place);
    const value = merged.valueAt(place);
    const mine = from[place] as number;
    const stays = mine >= 0 && live.numbers[mine] === number && (!tied.has(place) || keepsTied);
    const source = stays ? live : merged;
    const cell = source.view?.cell(
      stays ? live.key(mine) : key,
      source.valueAt(stays ? mine : place),
    );
    if (cell !== undefined) cells.set(key, cell);
    if (stays) return live.valueAt(mine);
    return typeof value === 'object' && value !== null ? (adopted.get(value) ?? value) : value;
  });
  replaceContent(live.container, merged, values);
  stamp(live.container, merged, values, cells);
}

/** Are the tied slots the same in both? Their numbers do not know of ties among them. */
function sameTied(live: Surveyed, merged: Surveyed, tied: ReadonlySet<number>): boolean {
  if (live.ties?.length !== merged.ties?.length) return false;
  for (const place of tied) {
    const mine = live.placeOf(merged.key(place), place);
    if (mine < 0 || live.numbers[mine] !== merged.numbers[place]) return false;
  }
  return (merged.ties ?? []).every((tie, at) => {
    const was = live.ties?.[at];
    return (
      was?.first === tie.first &&
      was.second === tie.second &&
      was.firstOffset === tie.firstOffset &&
      was.secondOffset === tie.secondOffset
    );
  });
}

/** The same names in the order in which they are stored, so that the next write does not move them. */
function replaceContent(container: object, merged: Surveyed, values: readonly unknown[]): void {
  const target = container as Variables;
  if (Array.isArray(container)) container.length = 0;
  const names = Object.keys(container);
  const inOrder = names.every((name, place) => place < merged.length && merged.key(place) === name);
  if (!inOrder) for (const name of names) delete target[name];
  for (const [place, value] of values.entries()) define(target, merged.key(place), value);
}

/** The notes of the merged container, in which the application's containers stand for its own. */
function stamp(
  container: object,
  merged: Surveyed,
  values: readonly unknown[],
  cells: ReadonlyMap<string, Cell>,
): void {
  const notes = getNotes(merged.container);
  if (notes === undefined && getNotes(container) === undefined) {
    if (cells.size === 0 && !values.some(isNoted)) return;
  }
  const kids = values.flatMap((value, place) =>
    isNoted(value) ? [[merged.key(place), value] as const] : [],
  );
  const fields: Partial<Notes> = { ...notes, cells: cells.size > 0 ? cells : null };
  if (Array.isArray(container)) {
    const isNeeded = kids.length > 0 || (notes?.values ?? null) !== null || cells.size > 0;
    setNotes(container, makeNotes({ ...fields, values: isNeeded ? [...values] : null }));
    return;
  }
  setNotes(
    container,
    makeNotes({
      ...fields,
      kidKeys: kids.length > 0 ? kids.map(([key]) => key) : null,
      kids: kids.length > 0 ? kids.map(([, kid]) => kid) : null,
    }),
  );
}

function isNoted(value: unknown): value is object {
  return typeof value === 'object' && value !== null && getNotes(value) !== undefined;
}
