/** Names of classes and enum cases, as PHP accepts them when it reads. */

/**
 * PHP: letters, digits, `_`, `\` and every byte from 0x80 on, no `\` in front. Whatever else is
 * written makes PHP refuse the whole session, and destroy it.
 */
export function isClassName(name: string): boolean {
  return /^[A-Za-z0-9_\u0080-\uffff][A-Za-z0-9_\\\u0080-\uffff]*$/.test(name);
}

/** The case of an enum is a constant's name. */
export function isCaseName(name: string): boolean {
  return /^[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*$/.test(name);
}
