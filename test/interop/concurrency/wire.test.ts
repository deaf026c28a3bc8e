/**
 * What phpredis sends for every operation of PHP's session module (seen by MONITOR), and that Node
 * takes what it leaves behind for what it is.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RedisMonitor, redisMonitor } from '../../services/redis-monitor.ts';
import { type Shop, startShop } from './shop.ts';

let shop: Shop;
let monitor: RedisMonitor;
beforeAll(async () => {
  shop = await startShop();
  monitor = await redisMonitor(shop.redis);
});
afterAll(async () => {
  monitor?.stop();
  await shop?.stop();
});

interface Row {
  readonly name: string;
  /** What is stored before; `null` for nothing. */
  readonly before: string | null;
  readonly pool?: 'plain' | 'eager' | 'locking';
  readonly php: string;
  readonly commands: readonly string[];
  /** What Node then finds under the id; `null` for no session. */
  readonly node: Record<string, unknown> | null;
}

const ROWS: readonly Row[] = [
  {
    name: 'new session, variable set',
    before: null,
    php: `$_SESSION['a'] = 1;`,
    commands: ['GET', 'SETEX'],
    node: { a: 1 },
  },
  {
    name: 'new session, nothing set: an empty string',
    before: null,
    php: '',
    commands: ['GET', 'SETEX'],
    node: {},
  },
  {
    name: 'existing, unchanged',
    before: 'a|i:1;',
    php: '',
    commands: ['GET', 'EXPIRE'],
    node: { a: 1 },
  },
  {
    name: 'existing, unchanged, lazy_write=0',
    before: 'a|i:1;',
    pool: 'eager',
    php: '',
    commands: ['GET', 'SETEX'],
    node: { a: 1 },
  },
  {
    name: 'existing, changed',
    before: 'a|i:1;',
    php: `$_SESSION['a'] = 2;`,
    commands: ['GET', 'SETEX'],
    node: { a: 2 },
  },
  {
    name: 'existing empty, stays empty',
    before: '',
    php: '',
    commands: ['GET', 'SETEX'],
    node: {},
  },
  {
    name: '$_SESSION = []',
    before: 'a|i:1;',
    php: '$_SESSION = [];',
    commands: ['GET', 'SETEX'],
    node: {},
  },
  {
    name: 'session_abort()',
    before: 'a|i:1;',
    php: `$_SESSION['a'] = 2; session_abort();`,
    commands: ['GET'],
    node: { a: 1 },
  },
  {
    name: 'session_reset()',
    before: 'a|i:1;',
    php: `$_SESSION['a'] = 2; session_reset();`,
    commands: ['GET', 'GET', 'EXPIRE'],
    node: { a: 1 },
  },
  {
    name: 'session_destroy()',
    before: 'a|i:1;',
    php: 'session_destroy();',
    commands: ['GET', 'DEL'],
    node: null,
  },
  {
    name: 'session_destroy() of nothing',
    before: null,
    php: 'session_destroy();',
    commands: ['GET', 'DEL'],
    node: null,
  },
  {
    name: 'uncaught error: still written',
    before: 'a|i:1;',
    php: `$_SESSION['a'] = 2; throw new Error('x');`,
    commands: ['GET', 'SETEX'],
    node: { a: 2 },
  },
  {
    name: 'undecodable: PHP deletes it',
    before: '{"json":1}',
    php: '',
    commands: ['GET', 'DEL'],
    node: null,
  },
  {
    name: 'locking, changed',
    before: 'a|i:1;',
    pool: 'locking',
    php: `$_SESSION['a'] = 2;`,
    commands: ['SET', 'GET', 'GET', 'SETEX', 'EVALSHA'],
    node: { a: 2 },
  },
  {
    name: 'locking, unchanged',
    before: 'a|i:1;',
    pool: 'locking',
    php: '',
    commands: ['SET', 'GET', 'EXPIRE', 'EVALSHA'],
    node: { a: 1 },
  },
  {
    name: 'locking, destroy: unlocks first',
    before: 'a|i:1;',
    pool: 'locking',
    php: 'session_destroy();',
    commands: ['SET', 'GET', 'EVALSHA', 'DEL'],
    node: null,
  },
  {
    name: 'locking, abort',
    before: 'a|i:1;',
    pool: 'locking',
    php: 'session_abort();',
    commands: ['SET', 'GET', 'EVALSHA'],
    node: { a: 1 },
  },
];

describe('PHP, then Node', () => {
  test.each(ROWS)('$name', async ({ before, pool = 'plain', php, commands, node }) => {
    const id = shop.newId();
    if (before !== null) await shop.put(id, before);
    // The release script is loaded once, so that each row sees EVALSHA alone.
    if (pool === 'locking') await shop.run(shop.php.pools.locking, shop.newId(), '');
    const seen = await monitor.during(() => shop.run(shop.php.pools[pool], id, php));
    expect(seen.filter(({ client }) => client !== 'lua').map(({ command }) => command)).toEqual(
      commands,
    );
    const session = await shop.node().open(id);
    expect(session.isNew).toBe(node === null);
    expect(session.variables).toEqual(node ?? {});
    const stored = await shop.stored(id);
    await session.commit();
    expect(await shop.stored(id)).toBe(stored);
  });

  test.each([
    ['false', 1],
    ['true', 0],
  ])('session_regenerate_id(%s)', async (deleteOld, left) => {
    const id = shop.newId();
    await shop.put(id, 'a|i:1;');
    const { body } = await shop.run(
      shop.php.pools.plain,
      id,
      `session_regenerate_id(${deleteOld}); $_SESSION['a'] = 2; echo session_id();`,
    );
    expect((await shop.node().open(body)).variables).toEqual({ a: 2 });
    expect(await shop.redis.client.exists(shop.key(id))).toBe(left);
  });

  test('a key of another type is an error on both sides, and stays', async () => {
    const id = shop.newId();
    await shop.redis.client.hset(shop.key(id), 'field', 'value');
    await shop.run(shop.php.pools.plain, id, '');
    await expect(shop.node().open(id)).rejects.toMatchObject({ code: 'ERR_PSB_STORE_TYPE' });
    expect(await shop.redis.client.hget(shop.key(id), 'field')).toBe('value');
  });
});

describe('Node, then PHP', () => {
  test.each([
    ['changed', 'a|i:1;', 'a|i:2;'],
    ['new variable', 'a|i:1;', 'a|i:1;b|s:1:"x";'],
  ])('%s: PHP reads it and only touches it', async (name, before, after) => {
    const id = shop.newId();
    await shop.put(id, before);
    await shop.node().run(id, ({ variables }) => {
      if (name === 'changed') variables['a'] = 2;
      else variables['b'] = 'x';
    });
    expect(await shop.stored(id)).toBe(after);
    const seen = await monitor.during(() => shop.run(shop.php.pools.plain, id, ''));
    expect(seen.map(({ command }) => command)).toEqual(['GET', 'EXPIRE']);
    expect(await shop.stored(id)).toBe(after);
  });

  test('a logout in Node: PHP in strict mode no longer knows the id', async () => {
    const id = shop.newId();
    await shop.put(id, 'a|i:1;');
    await (await shop.node().open(id)).destroy();
    const { body } = await shop.php.pools.plain.run(
      `ini_set('session.use_strict_mode', '1'); session_id('${id}'); session_start();
       echo session_id() === '${id}' ? 'same' : 'new', ' ', count($_SESSION);`,
    );
    expect(body).toBe('new 0');
  });

  test('a session that Node created is known to a strict PHP', async () => {
    const session = await shop.node().open();
    session.variables['a'] = 1;
    await session.commit();
    const { body } = await shop.php.pools.plain.run(
      `ini_set('session.use_strict_mode', '1'); session_id('${session.id}'); session_start();
       echo session_id() === '${session.id}' ? 'same' : 'new', ' ', $_SESSION['a'];`,
    );
    expect(body).toBe('same 1');
  });
});
