/**
 * The Cookie header as PHP reads it (php_default_treat_data() and php_register_variable_ex() of
 * main/php_variables.c), for one name only.
 */

/** `max_input_vars` of php.ini, as it is by default: PHP looks at no cookie after these. */
const MAX_INPUT_VARS = 1000;

const SPACE = 0x20;
const DOT = 0x2e;
const EQUALS = 0x3d;
const BRACKET = 0x5b;
const UNDERSCORE = 0x5f;

/**
 * The value of a cookie as PHP finds it in `$_COOKIE`: the first of several wins, nothing is
 * trimmed behind the value, `%2C` is decoded, `+` stays `+`, a stray `%` stays as it is. A blank,
 * a dot or a lone `[` in a cookie's name is `_` to PHP, so that `my.sess` is read for `my_sess`,
 * and where a client sent `name[…]` as well, there is an array and no text.
 *
 * @param header the request's `Cookie` header
 * @returns `undefined` if PHP would find no text under this name
 */
export function readCookie(header: string | null | undefined, name: string): string | undefined {
  if (!header) return undefined;
  let value: string | undefined;
  let count = 0;
  for (let start = 0, end = 0; start < header.length; start = end + 1) {
    end = header.indexOf(';', start);
    if (end === -1) end = header.length;
    while (start < end && isSpace(header.charCodeAt(start))) start += 1;
    if (start === end || header.charCodeAt(start) === EQUALS) continue;
    count += 1;
    if (count > MAX_INPUT_VARS) break;
    const behind = endOfName(header, start, end, name);
    if (behind === undefined) continue;
    if (behind === IS_ARRAY) return undefined;
    value ??= behind === end ? '' : rawUrlDecode(header.slice(behind + 1, end));
    // Only an array can still take its place.
    if (header.indexOf('[', end) === -1) break;
  }
  return value;
}

const IS_ARRAY = -1;

/**
 * Where the name of this pair ends, if PHP takes it for the one that is looked for; IS_ARRAY if it
 * says `name[…]`.
 */
function endOfName(header: string, start: number, end: number, name: string): number | undefined {
  const behind = start + name.length;
  if (header.startsWith(name, start)) {
    if (behind === end || header.charCodeAt(behind) === EQUALS) return behind;
    if (header.charCodeAt(behind) !== BRACKET) return undefined;
    return isIndex(header, behind, end) ? IS_ARRAY : undefined;
  }
  return name.includes('_') ? endOfMangled(header, start, end, name) : undefined;
}

function endOfMangled(
  header: string,
  start: number,
  end: number,
  name: string,
): number | undefined {
  // PHP drops what only becomes such a name (CVE-2022-31629).
  if (/^__(Host|Secure)-/.test(name) && !header.startsWith(name.slice(0, 7), start))
    return undefined;
  let bracket = false;
  for (let at = 0; at < name.length; at++) {
    const found = header.charCodeAt(start + at);
    if (start + at >= end || found === EQUALS) return undefined;
    if (found === name.charCodeAt(at)) continue;
    if (name.charCodeAt(at) !== UNDERSCORE) return undefined;
    if (found === BRACKET) {
      if (!bracket && isIndex(header, start + at, end)) return undefined;
      bracket = true;
    } else if (found !== SPACE && found !== DOT) return undefined;
  }
  const behind = start + name.length;
  if (behind === end || header.charCodeAt(behind) === EQUALS) return behind;
  if (bracket || header.charCodeAt(behind) !== BRACKET) return undefined;
  return isIndex(header, behind, end) ? IS_ARRAY : undefined;
}

/** Is the `[` here closed within the name? */
function isIndex(header: string, bracket: number, end: number): boolean {
  const close = header.indexOf(']', bracket);
  if (close === -1 || close >= end) return false;
  const equals = header.indexOf('=', bracket);
  return equals === -1 || equals > close;
}

/** C's isspace(). JavaScript's `\s` also takes the byte 0xA0, which PHP leaves in the name. */
function isSpace(code: number): boolean {
  return code === SPACE || (code >= 0x09 && code <= 0x0d);
}

/** PHP's rawurldecode() for the bytes that an id can have; others make no id anyway. */
function rawUrlDecode(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
