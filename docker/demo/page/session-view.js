import { binaryPieces } from './binary.js';
import { byId, element } from './element.js';
import { hexRows } from './hex.js';
import { slotsOf } from './serialized.js';
import { variableRows } from './variables.js';

const LEGEND = ['name', 'string', 'int', 'float', 'bool', 'null', 'array', 'object', 'reference'];

let expires;
let lifetime = 1440;
let shownSlots = new Map();

export function showLegend() {
  for (const type of LEGEND) {
    byId('legend').append(element('li', { class: `t-${type}` }, element('span', {}, type)));
  }
}

/**
 * Shows the session as it was read from Redis.
 *
 * @param {{ key: string, exists: boolean, ttl: number, size: number, bytes: string, handler: string,
 *   lifetime: number, variables?: object, error?: string }} session `ttl` in milliseconds, `bytes` in
 *   base64
 */
export function showSession(session) {
  byId('fact-key').textContent = session.key ?? 'no session yet';
  byId('fact-handler').textContent = session.handler;
  byId('fact-size').textContent = session.exists ? sizeOf(session) : '–';
  lifetime = session.lifetime;
  expires = session.exists ? performance.now() + session.ttl : undefined;
  showTtl();
  if (!session.exists) {
    shownSlots = new Map();
    byId('blob').replaceChildren(element('span', { class: 't-mark' }, nothing(session)));
    byId('variables').replaceChildren(
      element('span', { class: 'nothing' }, 'Nobody is known to anyone.'),
    );
    return;
  }
  const bytes = Uint8Array.from(atob(session.bytes), (char) => char.charCodeAt(0));
  const fresh = showBytes(bytes, session.handler);
  if (session.variables === undefined) {
    byId('variables').replaceChildren(element('span', { class: 'nothing' }, session.error ?? ''));
    return;
  }
  const rows = variableRows(session.variables);
  for (const row of rows) row.classList.toggle('fresh', fresh.has(row.dataset.name));
  byId('variables').replaceChildren(...rows);
}

function sizeOf({ size, compression }) {
  return compression === 'none' ? `${size} bytes` : `${size} bytes of ${compression}`;
}

function nothing({ key }) {
  return key === null ? 'Your browser has no session cookie.' : 'There is no such key in Redis.';
}

/** Answers the names of the variables whose bytes are new. */
function showBytes(bytes, handler) {
  const fresh = new Set();
  const blob = byId('blob');
  const pieces = binaryPieces(bytes, handler);
  if (bytes.length === 0) {
    blob.replaceChildren(
      element('span', { class: 't-mark' }, 'An empty string: an empty session.'),
    );
    shownSlots = new Map();
    return fresh;
  }
  if (pieces) {
    blob.replaceChildren(...hexRows(bytes, pieces, window.innerWidth < 600 ? 8 : 12));
    return fresh;
  }
  const slots = slotsOf(bytes, handler);
  const before = shownSlots;
  shownSlots = new Map();
  blob.replaceChildren(
    ...slots.map(({ name, pieces }) => {
      const slot = element('span', { class: 'slot', 'data-name': name ?? undefined });
      slot.append(...pieces.map(coloured));
      if (name !== null) {
        shownSlots.set(name, slot.textContent);
        if (before.get(name) !== slot.textContent) {
          fresh.add(name);
          slot.classList.add('fresh');
        }
      }
      return slot;
    }),
  );
  return fresh;
}

function coloured({ type, text, inner }) {
  const span = element('span', { class: `t-${type}` }, text);
  if (inner !== undefined) span.append(element('b', {}, inner));
  return span;
}

function showTtl() {
  const left = expires === undefined ? 0 : Math.max(0, expires - performance.now());
  byId('fact-ttl').textContent = expires === undefined ? '–' : `${Math.ceil(left / 1000)} s`;
  byId('ttl-rest').style.width = `${Math.min(100, (left / 1000 / lifetime) * 100)}%`;
}

/**
 * Counts the time to live down, and marks a variable in both views under the pointer.
 *
 * @param {() => void} onExpired called when it has run out: Redis tells nobody
 */
export function startSessionView(onExpired) {
  setInterval(() => {
    showTtl();
    if (expires === undefined || expires > performance.now()) return;
    expires = undefined;
    onExpired();
  }, 500);
  for (const id of ['blob', 'variables']) {
    byId(id).addEventListener('pointerover', ({ target }) => {
      point(target.closest?.('[data-name]')?.dataset.name);
    });
    byId(id).addEventListener('pointerleave', () => point(undefined));
  }
}

function point(name) {
  for (const part of document.querySelectorAll('.slot, .row')) {
    part.classList.toggle('pointed', name !== undefined && part.dataset.name === name);
  }
}
