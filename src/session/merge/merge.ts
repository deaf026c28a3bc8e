/**
 * The three-way merge of session variables: what was read (base), what we want to write (ours),
 * what somebody stored meanwhile (theirs). Works on decoded values, by value, PHP type, order and
 * sharing, never on bytes: slot numbers of references differ between blobs that say the same.
 *
 * The PHP save handler merges by the same rules; one table of cases is run by both.
 */
import { type Conflict, Conflicts, type OnConflict } from './conflicts.ts';
import { Interner } from './interner.ts';
import { MapMerge } from './map-merge.ts';
import { Survey } from './survey.ts';
import { finish } from './work.ts';

type Variables = Record<string, unknown>;

/**
 * Merges into `theirs`, which becomes the result. All three must be fresh decodes that nobody
 * else holds.
 *
 * @throws OptionsError `ERR_PSB_OPTIONS` for an asynchronous `onConflict`
 */
export function merge(
  base: Variables,
  ours: Variables,
  theirs: Variables,
  onConflict?: OnConflict,
): Conflict[] {
  const interner = new Interner();
  try {
    const conflicts = new Conflicts(onConflict);
    const before = new Survey(interner, true).of(base);
    const mine = new Survey(interner, true).of(ours);
    const other = new Survey(interner, true).of(theirs);
    const versions = { base: before, ours: mine, theirs: other, path: null, conflicts };
    finish(new MapMerge(versions, theirs));
    return conflicts.found;
  } finally {
    interner.release();
  }
}
