/**
 * The slots of decoded containers: whether two say the same to PHP, and moving them with all their
 * notes. Works alike for every format, since all of them
 * decode into the same values and notes.
 */

import { getNotes, isArrayIndex } from '../../codec/notes.ts';
import { encodeLimits } from '../../codec/options.ts';
import { writeValue } from '../../codec/php/document.ts';
import { define } from '../../codec/values.ts';
import { viewOf } from '../../codec/view.ts';
import { CodecError } from '../../errors.ts';
import { editSlots, type SlotNotes } from './slot-notes.ts';

/**
 * Are these slots of two maps equal by value, PHP type, order and sharing among themselves?
 * What says all of that at once is the text that PHP would write for them.
 */
export function sameSlots(
  a: object,
  aKeys: readonly string[],
  b: object,
  bKeys: readonly string[],
): boolean {
  if (aKeys.length !== bKeys.length || !aKeys.every((key, i) => key === bKeys[i])) return false;
  if (aKeys.length === 0) return true;
  const first = textOf(a, aKeys);
  const second = first === undefined ? undefined : textOf(b, bKeys);
  return first !== undefined && second !== undefined && first.equals(second);
}

/** `undefined` if the slots hold something that cannot be written. */
function textOf(container: object, keys: readonly string[]): Buffer | undefined {
  const slots: Record<string, unknown> = {};
  transferSlots(slots, container, keys);
  try {
    return writeValue(slots, encodeLimits(undefined));
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

/**
 * Puts the slots of `source` into `target` with their PHP types and sharing: those that are there
 * are replaced in place, new ones come at the end in the given order.
 */
function transferSlots(target: object, source: object, keys: readonly string[]): void {
  const view = viewOf(source, undefined);
  const notes = editSlots(target);
  for (const key of keys) {
    const value = (source as Record<string, unknown>)[key];
    const slot: SlotNotes = {
      float: typeof value === 'number' ? view?.float(key, value) : undefined,
      cell: view?.cell(key, value),
    };
    if (!Object.hasOwn(target, key) && isArrayIndex(key)) notes.keepOrder();
    define(target, key, value);
    notes.set(key, value, slot);
  }
  notes.finish();
}

/**
 * Gives a plain object that replaces decoded variables as a whole the notes of those entries that
 * did not change, as a container does that replaces another one inside of the variables.
 */
export function inheritNotes(replacement: object, replaced: object): void {
  if (replacement === replaced || getNotes(replacement) !== undefined) return;
  const view = viewOf(replacement, replaced);
  if (view === undefined) return;
  const order = view.keys();
  const kept = order.map((entry) => {
    const key = typeof entry === 'object' ? entry.name : String(entry);
    const value = (replacement as Record<string, unknown>)[key];
    const float = typeof value === 'number' ? view.float(key, value) : undefined;
    return { key, value, slot: { float, cell: view.cell(key, value) }, kid: view.kid(key) };
  });
  const notes = editSlots(replacement);
  if (view.notes.order !== null) notes.keepOrder(kept.map(({ key }) => key));
  for (const { key, value, slot, kid } of kept) notes.set(key, kid ?? value, slot);
  notes.finish();
}
