/**
 * Floats as PHP's serialize() writes them (`serialize_precision`), and whether a text that was
 * read is the one PHP would write.
 */

/**
 * @param precision PHP's `serialize_precision`: −1 for the shortest text that reads back as the
 * same number, else the number of significant digits.
 */
export function formatFloat(value: number, precision: number): string {
  const size = Math.abs(value);
  // Between these JavaScript lays out the shortest digits as PHP does.
  if (precision === -1 && size >= 1e-4 && size < 1e17) return String(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (!(size < Infinity)) return Number.isNaN(value) ? 'NAN' : value > 0 ? 'INF' : '-INF';
  // PHP's %.*G: 17 is also the threshold of precision −1; 0 counts as 1.
  const digitsWanted = precision === -1 ? 17 : Math.min(Math.max(precision, 1), 100);
  const scientific = precision === -1 ? size.toExponential() : size.toExponential(digitsWanted - 1);
  const e = scientific.indexOf('e');
  const exponent = Number(scientific.slice(e + 1));
  const digits = (scientific[0] + scientific.slice(2, e)).replace(/0+$/, '');
  return (value < 0 ? '-' : '') + layOut(digits, exponent, digitsWanted);
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
