/** PHP's 64-bit integers, and which texts PHP turns into integer keys. */

export const INT_MAX = 9223372036854775807n;
export const INT_MIN = -9223372036854775808n;

const CANONICAL = /^(?:0|-?[1-9]\d*)$/;

/** Would PHP make this key an integer: a canonical decimal of 64 bits? */
export function isIntegerKey(key: string): boolean {
  const first = key.charCodeAt(0);
  if (!((first >= 48 && first <= 57) || first === 45) || key.length > 20) return false;
  if (!CANONICAL.test(key)) return false;
  if (key.length < 19) return true;
  const value = BigInt(key);
  return value >= INT_MIN && value <= INT_MAX;
}

/** A number that PHP would hold as an integer if nothing says otherwise. */
export function isIntegerNumber(value: number): boolean {
  return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63 && !Object.is(value, -0);
}
