/**
 * Floats as PHP's serialize() writes them (`serialize_precision`), and whether a text that was
 * read is the one PHP would write.
 */

/**
 * @param precision PHP's `serialize_precision`: −1 for the shortest text that reads back as the
 * same number, else the number of significant digits. Below 4 PHP cuts NAN and INF short as well,
 * to what it cannot read back: here they stay whole.
 */
export function formatFloat(value: number, precision: number): string {
  const size = Math.abs(value);
  // Between these JavaScript lays out the shortest digits as PHP does.
  if (precision === -1 && size >= 1e-4 && size < 1e17) return String(value);
  if (value === 0) return (Object.is(value, -0) ? '-0' : '0') + (precision === 0 ? '.0E+0' : '');
  if (!(size < Infinity)) return Number.isNaN(value) ? 'NAN' : value > 0 ? 'INF' : '-INF';
  // PHP's %.*G: 17 is also the threshold of precision −1; 0 asks for one digit like 1.
  const threshold = precision === -1 ? 17 : precision;
  const scientific =
    precision === -1 ? size.toExponential() : rounded(size, Math.max(precision, 1));
  const e = scientific.indexOf('e');
  const exponent = Number(scientific.slice(e + 1));
  const digits = scientific[0] + scientific.slice(2, e);
  return (value < 0 ? '-' : '') + layOut(digits, exponent, threshold);
}

/**
 * So many digits, or fewer if zeros would follow. A tie goes to the even digit, as in PHP;
 * JavaScript would always round up.
 */
function rounded(size: number, digits: number): string {
  const up = size.toExponential(digits - 1).replace(/\.?0*e/, 'e');
  if (digits > 99) return up;
  const one = size.toExponential(digits);
  const e = one.indexOf('e');
  if (one[e - 1] !== '5' || (Number(one[e - 2] === '.' ? one[0] : one[e - 2]) & 1) === 1) return up;
  // A tie only if nothing follows the 5.
  const exact = size.toExponential(100);
  const rest = exact.slice(e, exact.indexOf('e'));
  if (!/^0*$/.test(rest)) return up;
  const down = one.slice(0, e - 1) + one.slice(e);
  // What PHP's dtoa() treats as a small integer keeps its zeros when a tie was rounded down.
  return Number.isInteger(size) && size < 1e15 ? down : down.replace(/\.?0*e/, 'e');
}

function layOut(digits: string, exponent: number, threshold: number): string {
  if (exponent < -4 || exponent >= threshold) {
    const sign = exponent < 0 ? '-' : '+';
    return `${digits[0]}.${digits.slice(1) || '0'}E${sign}${Math.abs(exponent)}`;
  }
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return digits.padEnd(exponent + 1, '0');
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

/** PHP's grammar of a float; the special texts are matched before. */
const FLOAT = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The float that a text of PHP's grammar means, `undefined` if it is none. */
export function parseFloatText(text: string): number | undefined {
  if (text === 'NAN') return Number.NaN;
  if (text === 'INF') return Infinity;
  if (text === '-INF') return -Infinity;
  return FLOAT.test(text) ? Number(text) : undefined;
}
