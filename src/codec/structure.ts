/**
 * The structure of decoded values, for merging: which slots a container has in PHP's order, whether
 * two are the same to PHP, which of them are tied together, and moving slots with all their notes.
 * Works alike for every format, since all of them decode into the same values and notes.
 */

/** map = a non-empty array that is not a list; leaf = everything that merges as one piece. */
export type Kind = 'map' | 'list' | 'empty' | 'leaf';

export function kindOf(_value: unknown): Kind {
  throw new Error('not yet');
}
export function isStringKeyed(_map: unknown): boolean {
  throw new Error('not yet');
}
export function keysOf(_container: object): string[] {
  throw new Error('not yet');
}
export function sameSlots(
  _a: object,
  _aKeys: readonly string[],
  _b: object,
  _bKeys: readonly string[],
): boolean {
  throw new Error('not yet');
}
export function tiedKeys(_container: object): string[][] {
  throw new Error('not yet');
}
export function transferSlots(_target: object, _source: object, _keys: readonly string[]): void {
  throw new Error('not yet');
}
export function deleteSlots(_target: object, _keys: readonly string[]): void {
  throw new Error('not yet');
}
export function appendSlots(_target: object, _source: object, _fromIndex: number): void {
  throw new Error('not yet');
}
