/** Why a writer refuses a value: in the same words for every format. */

export const CLASS_LOST =
  'a plain object stands where an object of a PHP class was: PHP would get an array. ' +
  'Use object.with({ … }), new PhpObject(…), or PhpObject.toArray(…) if an array is meant';

export const CLASS_UNKNOWN =
  'a clone of an object of a PHP class, or a Proxy over one, does not say which class it is of. ' +
  'Use the object itself, or object.with({ … }) for a copy';

/**
 * Why an object cannot be given a property of this name; `undefined` if it can. PHP itself refuses a
 * name that begins with NUL, which says that the property is protected or private.
 */
export function newNameFault(name: string): string | undefined {
  if (name.charCodeAt(0) === 0) {
    return 'a new property cannot have a name that begins with NUL: its visibility is said by the options of new PhpObject()';
  }
  if (name === '__PHP_Incomplete_Class_Name') {
    return 'a property of this name would choose the class of the object';
  }
  if (name === 'toJSON') {
    return 'a property of this name would show all others to JSON.stringify()';
  }
  return undefined;
}

export const ENDLESS =
  'an array that contains itself (not by a reference of PHP) cannot be written';

export const LONE_SURROGATE = 'text with a lone surrogate cannot be written as UTF-8';

export const BEYOND_64_BITS = 'an integer beyond 64 bits cannot be written';

export function tooDeep(maxDepth: number): string {
  return `the data is nested beyond maxDepth (${maxDepth})`;
}
