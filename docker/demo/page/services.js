/**
 * The three services as the page calls them. Each is an ordinary HTTP service behind the same proxy;
 * the browser sends all of them the same PHPSESSID cookie.
 */

const ITEMS = {
  PHP: ['green tea', 'rice cake', 'persimmon', '유자차'],
  Node: ['lemon', 'espresso', 'ginger', 'café crème'],
};
const added = { PHP: 0, Node: 0 };

function nextItem(language) {
  const items = ITEMS[language];
  added[language] += 1;
  return items[(added[language] - 1) % items.length];
}

export const SERVICES = [
  {
    name: 'user',
    language: 'PHP',
    whoami: '/user/whoami.php',
    source: '/user/source.php',
    file: 'php/demo/user/login.php',
    actions: {
      login: { label: 'Log in', url: '/user/login.php' },
      logout: { label: 'Log out', url: '/user/logout.php', needsLogin: true },
    },
  },
  {
    name: 'task',
    language: 'PHP',
    whoami: '/task/whoami.php',
    source: '/task/source.php',
    file: 'php/demo/task/cart.php',
    actions: { cart: { label: 'Add to cart', url: '/task/cart.php' } },
  },
  {
    name: 'node',
    language: 'Node',
    whoami: '/node/whoami',
    source: '/node/source',
    file: 'docker/demo/service/',
    actions: {
      login: { label: 'Log in', url: '/node/login' },
      cart: { label: 'Add to cart', url: '/node/cart' },
      logout: { label: 'Log out', url: '/node/logout', needsLogin: true },
    },
  },
];

export function service(name) {
  return SERVICES.find((one) => one.name === name);
}

/** Who is logged in according to this service, and what lies in the cart. */
export async function whoami({ whoami: url }) {
  const response = await fetch(url, { cache: 'no-store' });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.json();
}

/** Presses one of the service's buttons: a form POST, as a page of that service would send it. */
export async function act({ language }, name, { url }) {
  const fields = {
    login: () => ({ userid: document.querySelector('input[name=userid]:checked').value }),
    cart: () => ({ item: nextItem(language) }),
    logout: () => ({}),
  };
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields[name]()) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}

export async function sourceOf({ source: url }) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}
