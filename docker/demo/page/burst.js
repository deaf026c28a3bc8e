import { MODES, notesOf, titleOf, verdictOf } from './burst-modes.js';
import { byId, element } from './element.js';

const SIDES = { php: 'PHP', node: 'Node' };
const dots = new Map();
const rows = new Map();
let running = false;

export function startBurst() {
  for (const [at, { mode, title, words }] of MODES.entries()) {
    const input = element('input', { type: 'radio', name: 'mode', value: mode });
    input.checked = at === 0;
    byId('modes').append(
      element(
        'label',
        { class: 'mode' },
        input,
        element('b', {}, title),
        element('small', {}, words),
      ),
    );
    const row = element('tr', {}, element('th', { scope: 'row' }, title));
    for (let cell = 0; cell < 4; cell += 1) row.append(element('td', {}, '–'));
    rows.set(mode, row);
    byId('burst-table').tBodies[0].append(row);
  }
  drawSides(0);
  byId('burst-form').addEventListener('submit', (event) => {
    event.preventDefault();
    runBurst(byId('modes').querySelector(':checked').value);
  });
  byId('burst-all').addEventListener('click', async () => {
    for (const { mode } of MODES) await runBurst(mode);
  });
}

function drawSides(expected) {
  byId('burst-sides').replaceChildren(
    ...Object.entries(SIDES).map(([side, name]) => {
      const grid = Array.from({ length: expected }, () => element('i'));
      dots.set(side, grid);
      return element(
        'div',
        { class: `side ${side}`, id: `burst-${side}` },
        element(
          'div',
          { class: 'side-head' },
          element('h3', {}, name),
          ...['expected', 'seen', 'lost'].map((what) =>
            element(
              'span',
              { class: `count ${what}` },
              `${what} `,
              element(
                'b',
                { 'data-count': what },
                what === 'expected' && expected > 0 ? expected : '–',
              ),
            ),
          ),
        ),
        element('div', { class: 'dots', 'aria-hidden': 'true' }, ...grid),
      );
    }),
  );
}

/** Runs one burst and shows it while it runs; resolves to its result, or undefined if it failed. */
export async function runBurst(mode) {
  if (running) return undefined;
  running = true;
  setBusy(true);
  const expected = Number(byId('burst-requests').value);
  byId('modes').querySelector(`[value=${mode}]`).checked = true;
  byId('burst-verdict').className = 'verdict';
  byId('burst-verdict').textContent =
    `${titleOf(mode)}: ${expected * 2} requests are on their way …`;
  byId('burst-notes').replaceChildren();
  drawSides(expected);
  let result;
  try {
    for await (const line of answers(mode, expected)) {
      if (line.type === 'answered') dots.get(line.side)[line.number]?.classList.add('answered');
      if (line.type === 'failed') throw new Error(line.message);
      if (line.type === 'result') result = line;
    }
    if (!result) throw new Error('it ended without a result');
    show(result);
    return result;
  } catch (error) {
    byId('burst-verdict').className = 'verdict bad';
    byId('burst-verdict').textContent = `The burst failed: ${error.message}`;
    return undefined;
  } finally {
    running = false;
    setBusy(false);
  }
}

function setBusy(busy) {
  byId('burst-run').disabled = busy;
  byId('burst-all').disabled = busy;
}

/** The lines of the answer, one JSON text each, as they come. */
async function* answers(mode, requests) {
  const response = await fetch('/page/burst', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ mode, requests, patient: byId('burst-patient').checked }),
  });
  if (!response.ok) throw new Error((await response.text()) || `status ${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (pending + value).split('\n');
    pending = lines.pop();
    for (const line of lines) yield JSON.parse(line);
  }
}

function show(result) {
  for (const side of Object.keys(SIDES)) {
    const { lost } = result[side];
    const missing = new Set(lost);
    dots.get(side).forEach((dot, number) => {
      dot.className = missing.has(number) ? 'lost' : 'seen';
    });
    const box = byId(`burst-${side}`);
    box.querySelector('[data-count=seen]').textContent = result.expected - lost.length;
    box.querySelector('[data-count=lost]').textContent = lost.length;
    box.querySelector('.count.lost').classList.toggle('some', lost.length > 0);
  }
  const { tone, text } = verdictOf(result);
  byId('burst-verdict').className = `verdict ${tone}`;
  byId('burst-verdict').textContent = `${titleOf(result.mode)}: ${text}`;
  byId('burst-notes').replaceChildren(
    ...notesOf(result).map((note) => element('p', { class: `burst-note ${note.tone}` }, note.text)),
  );
  const cells = [
    [`${result.expected} + ${result.expected}`],
    [result.php.lost.length, result.php.lost.length > 0 ? 'some' : 'none'],
    [result.node.lost.length, result.node.lost.length > 0 ? 'some' : 'none'],
    [`${(result.milliseconds / 1000).toFixed(2)} s`],
  ];
  cells.forEach(([value, tone_], at) => {
    const cell = rows.get(result.mode).cells[at + 1];
    cell.textContent = value;
    cell.className = tone_ ?? '';
  });
}
