/**
 * Does what was read say what the values say that it was written from? For a look back at bytes
 * before they are stored. It knows nothing of any format, and is content where two ways of saying
 * a thing are one to PHP: a list and an object with the keys of a list, say.
 */

import { getNotes } from './notes.ts';
import { isPlain } from './plain.ts';
import { propertyNames } from './property-names.ts';
import { enumCaseOf, PhpFloat, PhpObject, payloadOf } from './values.ts';

type Container = Record<string, unknown>;

/**
 * @param written the values that were encoded
 * @param read a fresh decode of the bytes, which nobody else holds
 * @param roundsFloats Floats were written with fewer digits than they have.
 */
export function saysTheSame(written: object, read: object, roundsFloats: boolean): boolean {
  /** What each container that was read was compared with: the data may hold cycles. */
  const compared = new Map<object, Set<object>>();
  const todo: [object, object][] = [[written, read]];
  for (let pair = todo.pop(); pair !== undefined; pair = todo.pop()) {
    const [from, to] = pair as [Container, Container];
    const others = compared.get(to);
    if (others?.has(from)) continue;
    if (others === undefined) compared.set(to, new Set([from]));
    else others.add(from);
    // Of two properties with one name another one may show after a change.
    const isWhole = !hidesSlots(from) && !hidesSlots(to);
    const isList = Array.isArray(from);
    let count = 0;
    let isCertain = isWhole;
    for (const name of propertyNames(from)) {
      const { value, get } = Object.getOwnPropertyDescriptor(from, name) ?? {};
      if (get !== undefined) {
        // It may say something else each time, and what waits to be decoded must go on waiting.
        isCertain = false;
        continue;
      }
      if (value === undefined && !isList) continue;
      count++;
      if (!isWhole) continue;
      if (!Object.hasOwn(to, name)) return false;
      const inner = to[name];
      if (!isContainer(value) || !isContainer(inner)) {
        if (!sameScalar(value, inner, roundsFloats)) return false;
      } else if (!sameClass(value, inner)) {
        return false;
      } else if (value instanceof PhpObject || Array.isArray(value) || isPlain(value)) {
        todo.push([value, inner]);
      }
    }
    if (isCertain && count !== propertyNames(to).length) return false;
  }
  return true;
}

function hidesSlots(container: object): boolean {
  return getNotes(container)?.order?.some((slot) => typeof slot === 'object') === true;
}

function isContainer(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Uint8Array) &&
    !(value instanceof PhpFloat)
  );
}

function sameClass(written: object, read: object): boolean {
  const [a, b] = [enumCaseOf(written), enumCaseOf(read)];
  if (a !== undefined || b !== undefined) {
    return a?.className === b?.className && a?.caseName === b?.caseName;
  }
  const payload = payloadOf(written);
  // Back-references in its data move with the object.
  if (payload !== undefined) return payload.className === payloadOf(read)?.className;
  return getNotes(written)?.layout?.className === getNotes(read)?.layout?.className;
}

function sameScalar(written: unknown, read: unknown, roundsFloats: boolean): boolean {
  if (written instanceof PhpFloat) return sameScalar(written.value, read, roundsFloats);
  if (Object.is(written, read)) return true;
  if (written === undefined) return read === null;
  if (written instanceof Uint8Array) {
    if (typeof read === 'string') return Buffer.from(read).equals(written);
    return read instanceof Uint8Array && Buffer.compare(written, read) === 0;
  }
  if (typeof written === 'number' && typeof read === 'number') {
    return roundsFloats && !Number.isInteger(written);
  }
  // An integer beyond the safe ones is read as a bigint, and a small bigint as a number.
  const isInteger = typeof written === 'bigint' || Number.isInteger(written);
  if (!isInteger || (typeof read !== 'bigint' && !Number.isInteger(read))) return false;
  return BigInt(written as number | bigint) === BigInt(read as number | bigint);
}
