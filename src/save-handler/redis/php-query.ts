/**
 * PHP's parse_str(), by which phpredis reads the parameters of a save path.
 */
import { SavePathError } from '../../errors.ts';

export type PhpQueryValue = string | Map<string, PhpQueryValue>;

/** Array keys are text here, also the integer ones: `a[]=x` is the key `0`. */
export function parsePhpQuery(query: string): Map<string, PhpQueryValue> {
  const variables = new Map<string, PhpQueryValue>();
  for (const part of query.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = urldecode(equals < 0 ? part : part.slice(0, equals));
    assign(variables, name, equals < 0 ? '' : urldecode(part.slice(equals + 1)));
  }
  return variables;
}

/** `a`, `a[]`, `a[k][l]`; dots and spaces of the name become underscores, as PHP has it. */
function assign(variables: Map<string, PhpQueryValue>, text: string, value: string): void {
  const name = text.replace(/\0.*$/s, '').replace(/^ +/, '');
  const bracket = name.indexOf('[');
  const keys: string[] = [];
  let base = bracket < 0 ? name : name.slice(0, bracket);
  if (bracket > 0) {
    let rest = name.slice(bracket);
    for (let close = rest.indexOf(']'); rest.startsWith('['); close = rest.indexOf(']')) {
      if (close < 0) {
        // An opening bracket that is never closed is an underscore of the name.
        if (keys.length === 0) base += rest.replace('[', '_');
        break;
      }
      keys.push(rest.slice(1, close));
      rest = rest.slice(close + 1);
    }
  } else if (bracket === 0) {
    base = name.replace('[', '_');
  }
  base = base.replace(/[ .]/g, '_');
  if (base === '') return;

  let target = variables;
  let key = base;
  for (const next of keys) {
    const existing = target.get(key);
    const inner = existing instanceof Map ? existing : new Map<string, PhpQueryValue>();
    target.set(key, inner);
    target = inner;
    key = next === '' ? nextIndex(inner) : next;
  }
  target.set(key, value);
}

function nextIndex(array: Map<string, PhpQueryValue>): string {
  let next = 0;
  for (const key of array.keys())
    if (/^(0|[1-9]\d*)$/.test(key)) next = Math.max(next, Number(key) + 1);
  return String(next);
}

/** urldecode(): `+` is a space, `%xx` a byte, a broken escape stays as it is. */
function urldecode(text: string): string {
  const bytes: number[] = [];
  const source = Buffer.from(text);
  for (let at = 0; at < source.length; at++) {
    const byte = source[at]!;
    const hex = byte === 0x25 ? source.toString('latin1', at + 1, at + 3) : '';
    if (/^[0-9A-Fa-f]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    } else {
      bytes.push(byte === 0x2b ? 0x20 : byte);
    }
  }
  const decoded = Buffer.from(bytes);
  const result = decoded.toString();
  if (!decoded.equals(Buffer.from(result))) {
    throw new SavePathError(
      'session.save_path: a parameter is not UTF-8 after percent-decoding; write it in UTF-8',
    );
  }
  return result;
}
