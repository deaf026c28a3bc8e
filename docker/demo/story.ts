import { type CookieJar, cookieJar, fetchWith } from '../../test/services/cookie-jar.ts';
import type { StoredSession } from './service/stored.ts';

/** What every service answers about the visitor. */
interface View {
  readonly service: string;
  readonly language: string;
  readonly instance: string;
  readonly user: { readonly userid: string; readonly username: string } | null;
  readonly cart: readonly { readonly item: string; readonly by: string }[];
  readonly visits: number;
}

export interface Person {
  readonly userid: string;
  readonly username: string;
}

/** The two people of the source documents. */
export const PEOPLE: readonly Person[] = [
  { userid: 'lde', username: '이다은oooaa' },
  { userid: 'kky', username: '홍길동' },
];

export interface StoryOptions {
  /** The one host: nginx. */
  readonly url: string;
  readonly person: Person;
  /** What the key must begin with. */
  readonly prefix: string;
  readonly print: (line: string) => void;
}

/**
 * One login end to end, told through the proxy with one cookie jar: log in on PHP, fill the cart in
 * Koa and in PHP, log out in Koa. Throws at the first thing that is not as it should be.
 */
export async function playStory({ url, person, prefix, print }: StoryOptions): Promise<void> {
  const jar = cookieJar();
  const visit = visitor(url, jar);
  let number = 0;
  let before: StoredSession | undefined;

  const step = async (
    what: string,
    request: string,
    expected: Partial<View>,
    form?: Record<string, string>,
  ): Promise<View> => {
    number += 1;
    const view = await visit(request, form);
    for (const [name, value] of Object.entries(expected)) {
      const seen = view[name as keyof View];
      if (JSON.stringify(seen) !== JSON.stringify(value)) {
        throw new Error(
          `step ${number}, ${what}: ${request} should have answered ${name} ` +
            `${JSON.stringify(value)}, but answered ${JSON.stringify(seen)}`,
        );
      }
    }
    const who = view.user ? `${view.user.username} (${view.user.userid})` : 'nobody';
    const cart = view.cart.map(({ item, by }) => `${item} by ${by}`).join(', ') || 'empty';
    print(`${String(number).padStart(2)}. ${what}`);
    const visits = view.visits > 0 ? `, ${view.visits} visits` : '';
    print(`    ${request} → ${view.language}: user ${who}, cart ${cart}${visits}`);
    return view;
  };
  const stored = async (id: string | undefined): Promise<StoredSession> => {
    const response = await fetch(`${url}/node/stored?id=${id}`);
    return (await response.json()) as StoredSession;
  };
  const look = async (): Promise<StoredSession> => {
    const now = await stored(jar.get('PHPSESSID'));
    must(now.key.startsWith(prefix), `the key should begin with ${prefix}, but is ${now.key}`);
    must(now.bytes !== null, `there should be a session at ${now.key}`);
    must(now.ttl > 0, `the session should have a TTL, but TTL answers ${now.ttl}`);
    print(`    ${now.key} (TTL ${now.ttl}) = ${readable(now.bytes ?? '')}`);
    return now;
  };

  await step('Koa knows nobody yet', 'GET /node/', { user: null });
  must(jar.header() === '', 'a visit that stores nothing should get no cookie');

  await step(
    'Log in on the PHP service "user"',
    'POST /user/login.php',
    { user: person },
    { userid: person.userid },
  );
  await look();
  const id = jar.get('PHPSESSID');

  await step('Koa knows the user', 'GET /node/', { user: person, cart: [] });
  await step(
    'Koa puts something into the cart',
    'POST /node/cart',
    { user: person, cart: [{ item: 'coffee', by: 'Node' }] },
    { item: 'coffee' },
  );
  before = await look();

  await step('The other PHP service, "task", shows the cart', 'GET /task/', {
    user: person,
    cart: [{ item: 'coffee', by: 'Node' }],
  });
  const unchanged = await stored(id);
  must(
    unchanged.bytes === before.bytes,
    'PHP read the session and should have left its bytes alone',
  );

  const full = [
    { item: 'coffee', by: 'Node' },
    { item: '녹차', by: 'PHP' },
  ];
  await step('PHP adds to the cart, too', 'POST /task/cart.php', { cart: full }, { item: '녹차' });
  before = await look();
  await step('Koa shows both', 'GET /node/', { user: person, cart: full });
  must(
    (await stored(id)).bytes === before.bytes,
    'Koa read the session and should have left its bytes alone',
  );
  await step('A counter in PHP', 'POST /task/visit.php', { visits: 1 }, {});
  await step('and on in Koa', 'POST /node/visit', { visits: 2 }, {});
  must(jar.get('PHPSESSID') === id, 'the session should have kept its id since the login');

  const old = cookieJar();
  old.set('PHPSESSID', id ?? '');
  await step('Log out in Koa', 'POST /node/logout', { user: null }, {});
  must((await stored(id)).type === 'none', 'the session should be gone from Redis');
  print(`    ${prefix}${id} is gone`);
  must(jar.get('PHPSESSID') === undefined, 'the cookie should be cleared');

  await step('PHP no longer knows the user', 'GET /user/', { user: null, cart: [] });
  const replayed = await visitor(url, old)('GET /task/');
  must(replayed.user === null, 'the old cookie should mean nothing to PHP');
  print('    nor does it for the old cookie');
}

/**
 * One visitor's counter, raised in PHP and in Koa in turn: whichever instance answers, each must see what
 * the one before it wrote.
 */
export async function countAcrossInstances(
  url: string,
  visits: number,
  before: (visit: number) => Promise<void> = async () => {},
): Promise<{ counts: number[]; instances: Set<string> }> {
  const visit = visitor(url, cookieJar());
  const counts: number[] = [];
  const instances = new Set<string>();
  for (let at = 0; at < visits; at += 1) {
    await before(at);
    const view = await visit(at % 2 === 0 ? 'POST /task/visit.php' : 'POST /node/visit', {});
    counts.push(view.visits);
    instances.add(view.instance);
  }
  return { counts, instances };
}

function visitor(url: string, jar: CookieJar) {
  return async (request: string, form?: Record<string, string>): Promise<View> => {
    const [method = 'GET', path = '/'] = request.split(' ');
    const response = await fetchWith(jar, `${url}${path}`, {
      method,
      ...(form ? { body: new URLSearchParams(form) } : {}),
    });
    const text = await response.text();
    must(response.ok, `${request} answered ${response.status}: ${text.slice(0, 500)}`);
    return JSON.parse(text) as View;
  };
}

function must(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Error(sentence);
}

/** UTF-8 as it is, a binary format as the escapes of its bytes. */
function readable(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  const text = bytes.toString('utf8');
  if (Buffer.from(text).equals(bytes) && !/[\x00-\x1f]/.test(text)) return text;
  return bytes.toString('latin1').replace(/[^\x20-\x7e]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
