/**
 * The three-way merge of session variables: what was read (base), what we want to write (ours),
 * what somebody stored meanwhile (theirs). Works on decoded values, by value, PHP type, order and
 * sharing, never on bytes: slot numbers of references differ between blobs that say the same.
 *
 * The PHP save handler merges by the same rules; one table of cases is run by both.
 */
import { decodeDeferred } from '../codec/session.ts';
import {
  appendSlots,
  deleteSlots,
  isStringKeyed,
  keysOf,
  kindOf,
  sameSlots,
  tiedKeys,
  transferSlots,
} from '../codec/structure.ts';
import { define } from '../codec/values.ts';

/** Where both sides changed the same thing, and whose word stands. */
export interface Conflict {
  /** Path of the session variable: names joined by `.`, list indices in brackets. */
  readonly path: string;
  /**
   * `ours`, `theirs` or `resolved` (a third value) as `onConflict` chose, `ours` without one;
   * `deleted`: one side deleted what the other changed, and a deletion wins.
   */
  readonly resolution: 'ours' | 'theirs' | 'resolved' | 'deleted';
}

/** The three versions of a leaf; `undefined` where it is absent. */
export interface ConflictValues {
  readonly base: unknown;
  readonly ours: unknown;
  readonly theirs: unknown;
}

/**
 * Decides a conflict: returns the value to store, `undefined` for ours. Must be synchronous and
 * may be asked again when another write comes in between.
 */
export type OnConflict = (path: string, values: ConflictValues) => unknown;

type Variables = Record<string, unknown>;

/**
 * Merges into `theirs`, which becomes the result. All three must be fresh decodes that nobody
 * else holds.
 */
export function merge(
  base: Variables,
  ours: Variables,
  theirs: Variables,
  onConflict?: OnConflict,
): Conflict[] {
  const conflicts: Conflict[] = [];
  mergeMaps(base, ours, theirs, '', { conflicts, onConflict });
  return conflicts;
}

interface Context {
  readonly conflicts: Conflict[];
  readonly onConflict: OnConflict | undefined;
}

function mergeMaps(
  base: Variables,
  ours: Variables,
  theirs: Variables,
  path: string,
  context: Context,
): void {
  const known = new Set(keysOf(theirs));
  for (const keys of groups(base, ours, theirs)) {
    const inBase = present(base, keys);
    const inOurs = present(ours, keys);
    const inTheirs = present(theirs, keys);
    const [key] = keys;
    const single = keys.length === 1 && key !== undefined;
    if (single && bothAppended(base[key], ours[key], theirs[key])) {
      appendSlots(theirs[key] as unknown[], ours[key] as unknown[], length(base[key]));
    } else if (sameSlots(ours, inOurs, base, inBase) || sameSlots(ours, inOurs, theirs, inTheirs)) {
      // Theirs stands: we changed nothing here, or both did the same.
    } else if (sameSlots(theirs, inTheirs, base, inBase)) {
      take(theirs, ours, keys, inOurs);
    } else if (inOurs.length === 0 || inTheirs.length === 0) {
      deleteSlots(theirs, inTheirs);
      for (const name of keys) report(context, pathOf(path, name), 'deleted');
    } else if (single && bothMaps(ours[key], theirs[key])) {
      const nested = nestedTarget(theirs, key);
      const before = isMap(base[key]) ? (base[key] as Variables) : {};
      mergeMaps(before, ours[key] as Variables, nested, pathOf(path, key), context);
    } else {
      settle(base, ours, theirs, keys, path, context);
    }
  }
  keepOurOrder(ours, theirs, known);
}

/** What references tie together came over together: our new names stand in our order still. */
function keepOurOrder(ours: Variables, theirs: Variables, known: ReadonlySet<string>): void {
  const found = keysOf(theirs).filter((key) => !known.has(key));
  const wanted = keysOf(ours).filter((key) => !known.has(key) && Object.hasOwn(theirs, key));
  if (found.every((key, at) => key === wanted[at])) return;
  const parked: Variables = {};
  transferSlots(parked, theirs, wanted);
  deleteSlots(theirs, wanted);
  transferSlots(theirs, parked, wanted);
}

/** A conflict: ours, unless `onConflict` says otherwise. */
function settle(
  base: Variables,
  ours: Variables,
  theirs: Variables,
  keys: readonly string[],
  path: string,
  { conflicts, onConflict }: Context,
): void {
  const values = keys.map((key) => {
    const at = pathOf(path, key);
    const seen = { base: base[key], ours: ours[key], theirs: theirs[key] };
    const chosen = onConflict?.(at, seen);
    const resolution =
      chosen === undefined || chosen === seen.ours
        ? 'ours'
        : chosen === seen.theirs
          ? 'theirs'
          : 'resolved';
    conflicts.push({ path: at, resolution });
    return { key, resolution, chosen } as const;
  });
  // What references tie together is taken from one side as a whole; single answers come on top.
  if (values.every(({ resolution }) => resolution === 'theirs')) return;
  take(theirs, ours, keys, present(ours, keys));
  for (const { key, resolution, chosen } of values) {
    if (resolution !== 'ours') theirs[key] = chosen;
  }
}

/** Ours replaces theirs in these slots, deletions included. */
function take(
  theirs: Variables,
  ours: Variables,
  keys: readonly string[],
  inOurs: readonly string[],
): void {
  const gone = keys.filter((key) => Object.hasOwn(theirs, key) && !inOurs.includes(key));
  if (gone.length > 0) deleteSlots(theirs, gone);
  transferSlots(theirs, ours, inOurs);
}

function report({ conflicts }: Context, path: string, resolution: Conflict['resolution']): void {
  conflicts.push({ path, resolution });
}

/**
 * The keys of the three maps, those together that references or one object in two places tie
 * together in any version; in theirs' order, then ours' new ones.
 */
function groups(base: Variables, ours: Variables, theirs: Variables): string[][] {
  const order = [...new Set([...keysOf(theirs), ...keysOf(ours)])];
  // What only base still has was deleted on both sides; no result depends on it.
  const ties = [...tiedKeys(base), ...tiedKeys(ours), ...tiedKeys(theirs)];
  if (ties.length === 0) return order.map((key) => [key]);

  const leader = new Map<string, string>();
  const find = (key: string): string => {
    let at = key;
    for (let up = leader.get(at); up !== undefined; up = leader.get(at)) at = up;
    return at;
  };
  for (const [first, ...others] of ties) {
    for (const other of others) {
      const [a, b] = [find(first as string), find(other)];
      if (a !== b) leader.set(b, a);
    }
  }
  const grouped = new Map<string, string[]>();
  for (const key of order) {
    const name = find(key);
    const members = grouped.get(name);
    if (members) members.push(key);
    else grouped.set(name, [key]);
  }
  return [...grouped.values()];
}

function present(variables: Variables, keys: readonly string[]): string[] {
  const found = keys.filter((key) => Object.hasOwn(variables, key));
  if (found.length < 2) return found;
  // Within a group the order is part of the value.
  const wanted = new Set(found);
  return keysOf(variables).filter((key) => wanted.has(key));
}

function bothAppended(base: unknown, ours: unknown, theirs: unknown): boolean {
  if (!isList(base) || !isList(ours) || !isList(theirs)) return false;
  const before = length(base);
  if (length(ours) <= before || length(theirs) <= before) return false;
  const indices = keysOf(base as object);
  return (
    sameSlots(ours as object, indices, base as object, indices) &&
    sameSlots(theirs as object, indices, base as object, indices)
  );
}

function isList(value: unknown): boolean {
  const kind = kindOf(value);
  return kind === 'list' || kind === 'empty';
}

function length(list: unknown): number {
  return keysOf(list as object).length;
}

/** String-keyed arrays are merged inside; an empty array is whatever the other side makes of it. */
function isMap(value: unknown): boolean {
  const kind = kindOf(value);
  return kind === 'empty' || (kind === 'map' && isStringKeyed(value));
}

function bothMaps(ours: unknown, theirs: unknown): boolean {
  return isMap(ours) && isMap(theirs);
}

/** An empty PHP array is a JavaScript Array; before it gets names it must become an object. */
function nestedTarget(theirs: Variables, key: string): Variables {
  const value = theirs[key];
  if (!Array.isArray(value)) return value as Variables;
  const map: Variables = {};
  theirs[key] = map;
  return map;
}

export function pathOf(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/**
 * After a merge: brings the application's own objects up to date in place, so that a `cart` which
 * it took out of the session before stays the session's cart.
 */
export function adopt(live: Variables, merged: Variables): void {
  decodeDeferred(live);
  const wanted = keysOf(merged);
  const gone = Object.keys(live).filter((key) => !Object.hasOwn(merged, key));
  if (gone.length > 0) deleteSlots(live, gone);
  // Tied slots move together or not at all: a cell must not be split between two trees.
  const tied = new Set(tiedKeys(merged).flat());
  const tiedChanged = !sameSlots(
    live,
    present(live, [...tied]),
    merged,
    present(merged, [...tied]),
  );
  const changed: string[] = [];
  for (const key of wanted) {
    if (tied.has(key)) {
      if (tiedChanged) changed.push(key);
    } else if (!Object.hasOwn(live, key)) {
      changed.push(key);
    } else if (!sameSlots(live, [key], merged, [key])) {
      if (!adoptInside(live[key], merged[key])) changed.push(key);
    }
  }
  transferSlots(live, merged, changed);
  reorder(live, wanted);
}

/** Names in the order in which they are stored, so that the next write does not move them. */
function reorder(live: Variables, wanted: readonly string[]): void {
  const names = Object.keys(live);
  if (names.every((name, at) => name === wanted[at])) return;
  for (const name of wanted) {
    const value = live[name];
    delete live[name];
    define(live, name, value);
  }
}

function adoptInside(live: unknown, merged: unknown): boolean {
  if (kindOf(live) === 'map' && kindOf(merged) === 'map' && bothMaps(live, merged)) {
    adopt(live as Variables, merged as Variables);
    return true;
  }
  if (Array.isArray(live) && Array.isArray(merged)) {
    deleteSlots(live, keysOf(live));
    live.length = 0;
    appendSlots(live, merged, 0);
    return true;
  }
  return false;
}
