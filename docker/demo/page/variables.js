import { keyText, shown } from './changes.js';
import { element } from './element.js';

/** The variables as rows of an object literal, one slot name on each row. */
export function variableRows(variables) {
  const rows = [];
  const write = (depth, name, pieces) => {
    const row = element('div', { class: 'row', 'data-name': name ?? undefined }, ...pieces);
    row.style.setProperty('--depth', depth);
    rows.push(row);
  };
  write(0, null, [mark('{')]);
  for (const [name, value] of Object.entries(variables)) {
    entry(write, 1, name, [element('span', { class: 't-name' }, keyText(name)), mark(': ')], value);
  }
  write(0, null, [mark('}')]);
  return rows;
}

function entry(write, depth, name, before, value) {
  const text = shown(value);
  if (!isOpenable(value) || text.length <= 44) {
    write(depth, name, [...before, leaf(value), mark(',')]);
    return;
  }
  const list = Array.isArray(value);
  write(depth, name, [...before, mark(list ? '[' : '{')]);
  for (const [key, one] of Object.entries(value)) {
    const label = list ? [] : [element('span', {}, keyText(key)), mark(': ')];
    entry(write, depth + 1, name, label, one);
  }
  write(depth, name, [mark(list ? '],' : '},')]);
}

function isOpenable(value) {
  return typeof value === 'object' && value !== null && value.$php === undefined;
}

function mark(text) {
  return element('span', { class: 't-mark' }, text);
}

function leaf(value) {
  return element('span', { class: `t-${typeOf(value)}` }, shown(value));
}

function typeOf(value) {
  if (value === null) return 'null';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  if (typeof value === 'boolean') return 'bool';
  return { bigint: 'int', bytes: 'string', object: 'object' }[value.$php] ?? 'array';
}
