import { element } from './element.js';

/** Bytes as rows of hexadecimal and text, coloured by the pieces that they belong to. */
export function hexRows(bytes, pieces, width) {
  const types = pieces.flatMap(({ type, length }) => Array(length).fill(type));
  const rows = [];
  for (let from = 0; from < bytes.length; from += width) {
    const row = element('div', { class: 'hex' });
    row.append(mark(`${from.toString(16).padStart(4, '0')}  `));
    const run = (write) => {
      for (let at = from; at < Math.min(from + width, bytes.length); at += 1) {
        row.append(element('span', { class: `t-${types[at]}` }, write(bytes[at])));
      }
    };
    run((byte) => `${byte.toString(16).padStart(2, '0')} `);
    row.append(mark(' '.repeat(1 + 3 * Math.max(0, from + width - bytes.length))));
    run((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·'));
    rows.push(row);
  }
  return rows;
}

function mark(text) {
  return element('span', { class: 't-mark' }, text);
}
