/** Whole serialize() texts: reading twice where needed, and single values. */

import { CodecError } from '../../errors.ts';
import { getNotes, makeNotes, setNotes } from '../notes.ts';
import type { DecodeLimits, EncodeLimits } from '../options.ts';
import { DEMOTED, Reader, UNEXPECTED } from './reader.ts';
import { ROOT, Slots } from './slots.ts';
import { encodeWith } from './writer.ts';

/**
 * Reads a text that may hold back-references: `parse` is called with a reader and an empty root
 * that holds what is read, once more with a slot table if the first pass found that it is needed.
 */
export function readDocument<T extends object>(
  bytes: Buffer,
  limits: DecodeLimits,
  makeRoot: () => T,
  parse: (reader: Reader, root: T) => void,
): T {
  const first = new Reader(bytes, limits);
  first.stops = true;
  const root = makeRoot();
  parse(first, root);
  return first.needsSlots ? readAgain(first, makeRoot, parse) : root;
}

/** The second pass; more follow only on rare data. */
function readAgain<T extends object>(
  first: Reader,
  makeRoot: () => T,
  parse: (reader: Reader, root: T) => void,
): T {
  const { bytes, limits } = first;
  let { demoted } = first;
  let followLayouts = !first.deviated;
  let payloadSlots = true;
  let refused: CodecError | undefined;
  for (;;) {
    const root = makeRoot();
    // A value takes some twenty bytes.
    const slots = new Slots(root, bytes.length >> 4);
    try {
      parse(new Reader(bytes, limits, slots, demoted, payloadSlots, followLayouts), root);
      slots.finish();
      return root;
    } catch (error) {
      if (error === UNEXPECTED) {
        followLayouts = false;
        continue;
      }
      if (error === DEMOTED) {
        // The first pass stopped before it: now one that looks at all arrays.
        const whole = new Reader(bytes, limits);
        parse(whole, makeRoot());
        demoted = whole.demoted;
        continue;
      }
      if (refused !== undefined) throw refused;
      // Perhaps the payload of a Serializable object only looks like serialized values.
      if (!(error instanceof CodecError) || !bytes.includes('C:')) throw error;
      refused = error;
      payloadSlots = false;
    }
  }
}

interface Holder {
  value: unknown;
}

/** @param asMap The outermost array is made an object even if it is a list. */
export function readValue(bytes: Buffer, limits: DecodeLimits, asMap = false): unknown {
  const first = new Reader(bytes, limits);
  first.mapRoot = asMap;
  first.stops = true;
  const once = first.value(ROOT, 'value');
  if (!first.needsSlots) return once;
  const parse = (reader: Reader, root: Holder): void => {
    reader.mapRoot = asMap;
    root.value = reader.value(ROOT, 'value');
  };
  const holder = readAgain(first, makeHolder, parse);
  const { value } = holder;
  const self = getNotes(holder)?.cells?.get('value');
  if (self !== undefined && typeof value === 'object' && value !== null) {
    setNotes(value, makeNotes({ ...getNotes(value), self }));
  }
  return value;
}

function makeHolder(): Holder {
  return { value: undefined };
}

export function writeValue(value: unknown, limits: EncodeLimits): Buffer {
  return encodeWith(value, limits, (writer) => {
    if (typeof value === 'object' && value !== null) {
      writer.rootCell(getNotes(value)?.self ?? null);
    }
    writer.value(value);
  });
}
