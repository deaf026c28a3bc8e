/** What plain JavaScript containers are made of, for the writers of every format. */

/** The keys of an array; `null` if it is a plain list: no holes, no further properties. */
export function listKeys(list: readonly unknown[]): string[] | null {
  const { length } = list;
  if (length === 0) {
    const keys = Object.keys(list);
    return keys.length === 0 ? null : keys;
  }
  // Object.values is native and counts what the indices alone would not show.
  if (Object.values(list).length === length) {
    let i = 0;
    while (i < length && (list[i] !== undefined || i in list)) i++;
    if (i === length) return null;
  }
  return Object.keys(list);
}

export function sameNames(names: readonly string[], expected: readonly string[]): boolean {
  const { length } = expected;
  if (names.length !== length) return false;
  for (let i = 0; i < length; i++) if (names[i] !== expected[i]) return false;
  return true;
}

/** Made by `{}` or without a prototype, in this realm or another. */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty');
}

export function nameOfClass(value: object): string {
  const { constructor: made } = value;
  return typeof made === 'function' && made.name !== '' ? made.name : 'a class';
}
