/** Why a writer refuses a value: in the same words for every format. */

export const CLASS_LOST =
  'a plain object stands where an object of a PHP class was: PHP would get an array. ' +
  'Use object.with({ … }), new PhpObject(…), or PhpObject.toArray(…) if an array is meant';

export const ENDLESS =
  'an array that contains itself (not by a reference of PHP) cannot be written';

export const LONE_SURROGATE = 'text with a lone surrogate cannot be written as UTF-8';

export const BEYOND_64_BITS = 'an integer beyond 64 bits cannot be written';

export function tooDeep(maxDepth: number): string {
  return `the data is nested beyond maxDepth (${maxDepth})`;
}
