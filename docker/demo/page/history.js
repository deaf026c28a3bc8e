import { changes } from './changes.js';
import { byId, element } from './element.js';

const KEPT = 40;
const seen = new Set();
let lastTouch;

/**
 * Adds what was observed to the history.
 *
 * @param {{ id: string, at: number, kind: 'write' | 'touch' | 'destroy', command: string, ttl?: number,
 *   before: object, variables?: object, by: { service: string | null, language: string, label: string, how: string } }}
 *   observed
 * @returns {boolean} false if it is there already
 */
export function showObserved(observed) {
  if (seen.has(observed.id)) return false;
  seen.add(observed.id);
  const { at, by, command } = observed;
  const time = new Date(at);
  const clock = `${time.toTimeString().slice(0, 8)}.${String(time.getMilliseconds()).padStart(3, '0')}`;
  const item = element(
    'li',
    {},
    element('time', { datetime: time.toISOString() }, clock),
    element('span', { class: 'by' }, writerChip(by), element('small', {}, by.how)),
    element('code', { class: 'command' }, command),
    what(observed),
  );
  const list = byId('history');
  // Every request of Node refreshes the time to live when it opens the session. Where it goes on to
  // write, the write tells it all.
  if (lastTouch?.service === by.service && at - lastTouch.at < 1000) lastTouch.item.remove();
  lastTouch = observed.kind === 'touch' ? { item, at, service: by.service } : undefined;
  list.prepend(item);
  while (list.children.length > KEPT) list.lastElementChild.remove();
  if (observed.kind !== 'touch') byId('fact-writer').replaceChildren(writerChip(by));
  return true;
}

function writerChip({ language, label }) {
  return element('span', { class: `chip ${language === 'Node' ? 'node' : 'php'}` }, label);
}

function what(observed) {
  if (observed.kind === 'touch') {
    return element(
      'span',
      { class: 'what untouched' },
      `Not a byte changed; time to live ${observed.ttl} s again.`,
    );
  }
  if (observed.kind === 'destroy') {
    return element(
      'span',
      { class: 'what' },
      element('span', { class: 'minus' }, '− '),
      'This session was deleted.',
    );
  }
  const { before, variables = {} } = observed;
  const found = changes(before, variables);
  if (found.length === 0) {
    const empty = Object.keys(variables).length === 0;
    return element(
      'span',
      { class: 'what untouched' },
      empty ? 'An empty session.' : 'The same variables again.',
    );
  }
  const signs = { '+': 'plus', '−': 'minus', '→': 'swap' };
  return element(
    'ul',
    { class: 'what' },
    ...found.map(({ sign, path, text }) =>
      element(
        'li',
        {},
        element('span', { class: signs[sign] }, `${sign} `),
        element('code', {}, `${path}: ${text}`),
      ),
    ),
  );
}
