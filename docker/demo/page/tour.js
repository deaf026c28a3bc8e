import { runBurst } from './burst.js';
import { byId } from './element.js';
import { pressButton } from './panels.js';

const STEPS = [
  {
    at: 'services',
    caption: 'Three services, one proxy, one cookie. At first nobody is logged in.',
    run: () => pressButton('user', 'logout'),
  },
  {
    at: 'panel-user',
    caption: 'We log in with PHP, in the user service. PHP writes a session into Redis …',
    run: () => pressButton('user', 'login'),
  },
  {
    at: 'services',
    caption:
      '… and everybody knows: the other PHP service, and Koa, which reads the very same bytes.',
  },
  {
    at: 'panel-node',
    caption: 'Now Node puts something into the cart: ctx.session.cart.push(…), plain JavaScript.',
    run: () => pressButton('node', 'cart'),
  },
  {
    at: 'session',
    caption:
      'What Node wrote is what PHP itself would have written, byte for byte. PHP cannot tell.',
  },
  {
    at: 'panel-task',
    caption: 'PHP adds to the same cart, in another service.',
    run: () => pressButton('task', 'cart'),
  },
  {
    at: 'changes',
    caption: 'The history says who wrote what, as seen on the wire to Redis.',
  },
  {
    at: 'panel-node',
    caption: 'We log out in Koa. The session is deleted …',
    run: () => pressButton('node', 'logout'),
  },
  { at: 'services', caption: '… and PHP has forgotten us, too. One login, one logout.' },
  {
    at: 'burst',
    caption: 'Now the hard part: many requests at once. First with a naive store: see the red.',
    run: () => runBurst('naive'),
  },
  {
    at: 'burst',
    caption: 'The same burst with the bridge, beside phpredis’s own locks: Node loses nothing.',
    run: () => runBurst('phpredis'),
  },
  {
    at: 'burst',
    caption: 'And with the bridge’s class in PHP: no locks, no waiting, nothing lost.',
    run: () => runBurst('merging'),
  },
  { at: 'services', caption: 'That was it. The buttons are yours: log in anywhere.' },
];

let current;

export function startTour() {
  byId('tour-start').addEventListener('click', play);
  byId('tour-end').addEventListener('click', end);
  byId('tour-next').addEventListener('click', () => current?.next());
  byId('tour-pause').addEventListener('click', () => current?.pause());
  document.addEventListener('keydown', ({ key }) => {
    if (current && key === 'Escape') end();
    if (current && key === 'ArrowRight' && !document.activeElement.matches('input, select, pre')) {
      current.next();
    }
  });
}

async function play() {
  if (current) return;
  const tour = pacer();
  current = tour;
  byId('tour').hidden = false;
  byId('tour-pause').focus({ preventScroll: true });
  for (const [at, { at: place, caption, run }] of STEPS.entries()) {
    if (current !== tour) return;
    byId('tour-step').textContent = `${at + 1} of ${STEPS.length}`;
    byId('tour-progress').style.width = `${((at + 1) / STEPS.length) * 100}%`;
    byId('tour-caption').textContent = caption;
    spotlight(place);
    // The caption first, then what it speaks of.
    if (run) {
      await tour.wait(900);
      if (current !== tour) return;
      await run();
    }
    await tour.wait(1600 + caption.length * 42);
  }
  if (current === tour) end();
}

function end() {
  current?.next();
  current = undefined;
  byId('tour').hidden = true;
  spotlight(undefined);
  byId('tour-start').focus({ preventScroll: true });
}

function spotlight(id) {
  for (const lit of document.querySelectorAll('.spotlight')) lit.classList.remove('spotlight');
  if (id === undefined) return;
  const place = byId(id);
  const frame =
    id === 'services' ? byId('panels') : (place.querySelector(':scope > .card') ?? place);
  frame.classList.add('spotlight');
  const tall = place.offsetHeight > window.innerHeight * 0.7;
  place.scrollIntoView({ block: tall ? 'start' : 'center' });
}

/** Waits that can be paused and cut short. */
function pacer() {
  let release = () => {};
  let paused = false;
  const show = () => {
    byId('tour-pause').textContent = paused ? 'Go on' : 'Pause';
  };
  show();
  return {
    wait(milliseconds) {
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          if (!paused) resolve();
        }, milliseconds);
        release = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
    next() {
      release();
    },
    pause() {
      paused = !paused;
      show();
      if (!paused) release();
    },
  };
}
