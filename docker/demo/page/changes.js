/** What differs between two states of the session variables, for people. */

/**
 * @returns {{ sign: '+' | '−' | '→', path: string, text: string }[]}
 */
export function changes(before, after) {
  const found = [];
  compare(before ?? {}, after ?? {}, '', found);
  return found;
}

function compare(before, after, path, found) {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const at = pathTo(path, key, after);
    const [old, now] = [before[key], after[key]];
    if (!Object.hasOwn(after, key)) found.push({ sign: '−', path: at, text: shown(old) });
    else if (!Object.hasOwn(before, key)) found.push({ sign: '+', path: at, text: shown(now) });
    else if (isContainer(old) && isContainer(now)) compare(old, now, at, found);
    else if (shown(old) !== shown(now)) {
      found.push({ sign: '→', path: at, text: `${shown(old)} → ${shown(now)}` });
    }
  }
}

function pathTo(path, key, container) {
  if (Array.isArray(container)) return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}

function isContainer(value) {
  return typeof value === 'object' && value !== null && value.$php === undefined;
}

/** A value on one short line. */
export function shown(value) {
  const text = line(value);
  return text.length > 90 ? `${text.slice(0, 88)}…` : text;
}

function line(value) {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (value.$php === 'bigint') return `${value.value}n`;
  if (value.$php === 'bytes') return `<Buffer ${value.hex}>`;
  if (value.$php === 'object') return `${value.class} ${line(value.properties)}`;
  if (Array.isArray(value)) return `[${value.map(line).join(', ')}]`;
  const entries = Object.entries(value).map(([key, one]) => `${keyText(key)}: ${line(one)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

/** A property name as JavaScript would have it. */
export function keyText(key) {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? key : `'${key}'`;
}
