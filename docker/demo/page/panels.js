import { byId, element } from './element.js';
import { highlightedLines } from './highlight.js';
import { act, SERVICES, sourceOf, whoami } from './services.js';

// On a phone the three panels should fit on few screens; the source is one tap away.
const WIDE = window.matchMedia('(min-width: 901px)');
const panels = new Map();

/** Builds the three panels. `afterAction` runs when a service has answered one of its buttons. */
export function showPanels(afterAction) {
  for (const service of SERVICES) {
    const panel = build(service, afterAction);
    panels.set(service.name, panel);
    byId('panels').append(panel.root);
    sourceOf(service).then(
      (source) => panel.code.replaceChildren(...highlightedLines(source.trimEnd())),
      () => panel.code.replaceChildren('The source could not be fetched.'),
    );
  }
}

function build(service, afterAction) {
  const { name, language, file } = service;
  const php = language === 'PHP';
  const label = element('span', { class: `chip ${language.toLowerCase()}` }, language);
  const avatar = element('span', { class: 'avatar', 'aria-hidden': 'true' }, '?');
  const who = element('p', { class: 'who-name' }, 'asking');
  const userid = element('p', { class: 'who-id' });
  const whoBox = element('div', { class: 'who' }, avatar, element('div', {}, who, userid));
  const cart = element('ul', { class: 'cart', 'aria-label': `Cart, says ${name}` });
  const problem = element('p', { class: 'panel-error', role: 'alert', hidden: '' });
  const code = element('code', {}, '…');
  const buttons = element('div', { class: 'panel-actions' });
  const root = element(
    'article',
    {
      class: `panel ${php ? 'php' : 'node'}`,
      id: `panel-${name}`,
      'aria-labelledby': `title-${name}`,
    },
    element(
      'header',
      { class: 'panel-head' },
      element('h3', { id: `title-${name}` }, `${name} service`),
      label,
      element('code', {}, `/${name}/`),
    ),
    element('div', { class: 'panel-body' }, whoBox, cart, buttons, problem),
    element(
      'details',
      { class: 'source', ...(WIDE.matches ? { open: '' } : {}) },
      element('summary', {}, 'The source: ', element('code', {}, file)),
      element('pre', { 'aria-label': `Source of ${file}` }, code),
    ),
    element('span', { class: 'wire', 'aria-hidden': 'true' }),
  );
  const panel = { service, root, label, avatar, who, userid, whoBox, cart, problem, code, buttons };
  panel.press = (action) => press(panel, action, afterAction);
  for (const [action, { label: text, needsLogin }] of Object.entries(service.actions)) {
    const button = element('button', { type: 'button', 'data-action': action }, text);
    // Named after its service for those who hear the page: there are two "Log in".
    button.setAttribute('aria-label', `${text} with ${language}, ${name} service`);
    if (needsLogin) button.setAttribute('aria-disabled', 'true');
    button.addEventListener('click', () => {
      if (button.getAttribute('aria-disabled') !== 'true') panel.press(action);
    });
    buttons.append(button);
  }
  root.addEventListener('animationend', ({ target }) => {
    if (target === root) root.classList.remove('wrote');
  });
  return panel;
}

async function press(panel, action, afterAction) {
  panel.problem.hidden = true;
  try {
    await act(panel.service, action, panel.service.actions[action]);
  } catch (error) {
    panel.problem.textContent = `That failed: ${error.message}`;
    panel.problem.hidden = false;
  }
  await afterAction();
}

/** Presses a button of a service, for the tour; resolves when the page shows what came of it. */
export function pressButton(name, action) {
  return panels.get(name).press(action);
}

let asked = 0;
/** Asks all three services who is logged in, and shows what each of them says. */
export async function refreshPanels() {
  asked += 1;
  const turn = asked;
  await Promise.all(
    [...panels.values()].map(async (panel) => {
      const answer = await whoami(panel.service).catch((error) => ({ error }));
      // An answer that was overtaken by a later question tells of an older session.
      if (turn === asked) show(panel, answer);
    }),
  );
}

function show(panel, { error, user, cart = [], language }) {
  if (error !== undefined) {
    panel.problem.textContent = `No answer: ${error.message}`;
    panel.problem.hidden = false;
    return;
  }
  panel.problem.hidden = true;
  if (language) panel.label.textContent = language;
  const known = user !== null;
  panel.whoBox.classList.toggle('known', known);
  panel.avatar.textContent = known ? [...(user.username ?? user.userid)][0] : '–';
  panel.who.textContent = known ? (user.username ?? user.userid) : 'Nobody';
  panel.userid.textContent = known ? `logged in as ${user.userid}` : 'not logged in';
  const items = cart.map(({ item, by }) => {
    const tone = by === 'PHP' ? 'php' : 'node';
    return element('li', { class: `chip ${tone}`, title: `put in by ${by}` }, `${item}`);
  });
  // Only what is new moves: a cart that did not change keeps its elements.
  const shown = [...panel.cart.children].map((child) => child.textContent).join('\n');
  if (items.length === 0) {
    panel.cart.replaceChildren(element('li', { class: 'none' }, 'The cart is empty.'));
  } else if (shown !== items.map((child) => child.textContent).join('\n')) {
    const same = [...panel.cart.querySelectorAll('.chip')];
    const kept = same.every((child, at) => child.textContent === items[at]?.textContent);
    if (kept && same.length > 0) panel.cart.append(...items.slice(same.length));
    else panel.cart.replaceChildren(...items);
  }
  for (const button of panel.buttons.children) {
    if (panel.service.actions[button.dataset.action].needsLogin) {
      button.setAttribute('aria-disabled', String(!known));
    }
  }
}

/** Lets the drop run down the wire of the service that wrote. */
export function pulse(name) {
  const root = panels.get(name)?.root;
  if (!root) return;
  root.classList.remove('wrote');
  // Reading a layout property starts the animation anew for a second write in a row.
  void root.offsetWidth;
  root.classList.add('wrote');
}
