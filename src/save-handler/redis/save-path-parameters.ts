/**
 * The parameters that both handlers of phpredis understand, read with PHP's own conversions.
 */
import type { PhpQueryValue } from './php-query.ts';

/** What AUTH is sent with. */
export interface RedisAuth {
  readonly user?: string;
  readonly password: string;
}

/** PHP's ssl context options as written in the save path: `stream[cafile]=…`. */
export type StreamOptions = Readonly<Record<string, string>>;

/** A part of the save path that has no effect, and why. */
export interface IgnoredParameter {
  readonly name: string;
  readonly reason: string;
}

export type Parameters = ReadonlyMap<string, PhpQueryValue>;

/** zval_get_long(): a numeric prefix, cut towards zero; other text is 0, an array 1 or 0. */
export function readInteger(parameters: Parameters, name: string, fallback: number): number {
  const value = parameters.get(name);
  if (value === undefined) return fallback;
  if (typeof value !== 'string') return value.size > 0 ? 1 : 0;
  const number = Math.trunc(numericPrefix(value));
  // phpredis keeps an int: 32 bits, the rest falls off.
  return Number.isSafeInteger(number) ? number | 0 : 0;
}

/** zval_get_double(): strtod() of the text. */
export function readDouble(parameters: Parameters, name: string, fallback: number): number {
  const value = parameters.get(name);
  if (value === undefined) return fallback;
  return typeof value === 'string' ? numericPrefix(value) : value.size > 0 ? 1 : 0;
}

/** phpredis: `1`, `true` and `yes` in any case are true, everything else is false. */
export function readBoolean(parameters: Parameters, name: string): boolean {
  const value = parameters.get(name);
  return typeof value === 'string' && /^(1|true|yes)$/i.test(value);
}

/** zval_get_string(): PHP makes the word `Array` of an array. */
export function readString(parameters: Parameters, name: string): string | undefined {
  return textOf(parameters.get(name));
}

/**
 * `auth=password`, `auth[]=user&auth[]=password`, `auth[user]=…&auth[pass]=…`. phpredis sends no
 * AUTH at all for three or more elements or where the password is missing, with a warning that
 * few people see.
 */
export function readAuth(
  parameters: Parameters,
  ignored: IgnoredParameter[],
): RedisAuth | undefined {
  const value = parameters.get('auth');
  if (value === undefined) return undefined;
  if (typeof value === 'string') return { password: value };
  const text = (key: string): string | undefined => textOf(value.get(key));
  const skip = (reason: string): undefined => {
    ignored.push({ name: 'auth', reason: `${reason}; phpredis sends no AUTH then` });
  };
  if (value.size > 2) return skip('an array of more than two elements');
  if (value.size === 1) {
    const password = text('pass') ?? text('0');
    return password === undefined ? skip('an array without a password') : { password };
  }
  const user = text('user') ?? text('0');
  const password = text('pass') ?? text('1');
  if (password === undefined) return skip('an array without a password');
  return user === undefined ? { password } : { user, password };
}

export function readStream(parameters: Parameters): StreamOptions {
  const value = parameters.get('stream');
  const options: Record<string, string> = {};
  if (value instanceof Map) {
    for (const [name, option] of value) if (typeof option === 'string') options[name] = option;
  }
  return options;
}

/** Names that phpredis does not know: it says nothing about them, so the bridge does. */
export function reportUnknown(
  parameters: Parameters,
  known: ReadonlySet<string>,
  ignored: IgnoredParameter[],
): void {
  for (const name of parameters.keys()) {
    if (!known.has(name)) ignored.push({ name, reason: 'phpredis knows no such parameter' });
  }
}

function numericPrefix(text: string): number {
  const match = /^[ \t\n\r\v\f]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/.exec(text);
  return match === null ? 0 : Number(match[1]);
}

function textOf(value: PhpQueryValue | undefined): string | undefined {
  return value instanceof Map ? 'Array' : value;
}
