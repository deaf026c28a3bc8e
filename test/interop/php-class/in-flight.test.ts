/** The PHP save handler in FPM: requests that overlap with PHP's own handler, with Node, with each other. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Shop, startShop } from '../concurrency/shop.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

const BASE = 'userid|s:3:"kky";n|i:1;';

async function newSession(text = BASE): Promise<string> {
  const id = shop.newId();
  await shop.put(id, text);
  return id;
}

describe('two requests of the class', () => {
  test('keep what each changed', async () => {
    const id = await newSession();
    const { merging } = shop.php.pools;
    const one = await shop.hold(merging, id, `$_SESSION['one'] = 1;`);
    const two = await shop.hold(merging, id, `$_SESSION['two'] = 2;`);
    const answers = [await two.finish(), await one.finish()];
    expect(answers.map(({ status, stderr }) => [status, stderr])).toEqual([
      [200, ''],
      [200, ''],
    ]);
    expect(await shop.stored(id)).toBe(`${BASE}two|i:2;one|i:1;`);
  });

  test('also where one of them dies of an uncaught error', async () => {
    const id = await newSession();
    const { merging } = shop.php.pools;
    const page = await shop.hold(merging, id, `$_SESSION['one'] = 1; throw new Error('broken');`);
    await shop.run(merging, id, `$_SESSION['two'] = 2;`);
    expect((await page.finish()).stderr).toContain('broken');
    expect(await shop.stored(id)).toBe(`${BASE}two|i:2;one|i:1;`);
  });

  test('a logout beats the request in flight, which is told', async () => {
    const id = await newSession();
    const { merging } = shop.php.pools;
    const page = await shop.hold(merging, id, `$_SESSION['one'] = 1; echo 'shown';`);
    await shop.run(merging, id, 'session_destroy();');
    const answer = await page.finish();
    expect(answer.body).toBe('shown');
    expect(answer.stderr).toContain('The session was not written: it was destroyed meanwhile');
    expect(answer.stderr).not.toContain(id);
    expect(await shop.stored(id)).toBeNull();
  });

  test('a login that regenerates leaves nothing under the old id to come back to', async () => {
    const id = await newSession();
    const { merging } = shop.php.pools;
    const page = await shop.hold(merging, id, `$_SESSION['one'] = 1;`);
    const login = await shop.run(
      merging,
      id,
      `session_regenerate_id(true); $_SESSION['userid'] = 'lde'; echo session_id();`,
    );
    await page.finish();
    expect(await shop.stored(id)).toBeNull();
    expect(await shop.stored(login.body)).toBe('userid|s:3:"lde";n|i:1;');
  });
});

describe('beside phpredis', () => {
  test('what phpredis wrote meanwhile is kept', async () => {
    const id = await newSession();
    const page = await shop.hold(shop.php.pools.merging, id, `$_SESSION['class'] = 1;`);
    await shop.run(shop.php.pools.plain, id, `$_SESSION['phpredis'] = 1;`);
    await page.finish();
    expect(await shop.stored(id)).toBe(`${BASE}phpredis|i:1;class|i:1;`);
  });

  test('a request that holds the lock of phpredis is waited for', async () => {
    const id = await newSession();
    const { merging, locking } = shop.php.pools;
    const page = await shop.hold(merging, id, `$_SESSION['class'] = 1;`);
    const holder = await shop.hold(locking, id, `$_SESSION['phpredis'] = 1;`);
    const answer = page.finish();
    // Long enough that a writer who did not wait would have written by now.
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await shop.stored(id)).toBe(BASE);
    await holder.finish();
    expect((await answer).stderr).toBe('');
    expect(await shop.stored(id)).toBe(`${BASE}phpredis|i:1;class|i:1;`);
  });

  test('phpredis finds nothing to write in what the class merged', async () => {
    const id = await newSession();
    const { merging, plain } = shop.php.pools;
    const page = await shop.hold(
      merging,
      id,
      `$_SESSION['f'] = 0.1; $o = new stdClass; $_SESSION['a'] = $o; $_SESSION['b'] = [$o];`,
    );
    await shop.run(plain, id, `$x = [1.5]; $_SESSION['new'] = ['x' => &$x, 'y' => &$x];`);
    await page.finish();
    const merged = await shop.stored(id);
    expect(merged).toBe(
      `${BASE}new|a:2:{s:1:"x";a:1:{i:0;d:1.5;}s:1:"y";R:4;}f|d:0.1;a|O:8:"stdClass":0:{}b|a:1:{i:0;r:7;}`,
    );
    const encoded = await shop.run(plain, id, 'echo session_encode();');
    expect(encoded.bytes.toString('latin1')).toBe(merged);
  });
});

describe('beside Node', () => {
  test('both merge, in whatever order they end', async () => {
    for (const phpLast of [true, false]) {
      const id = await newSession();
      const page = await shop.hold(shop.php.pools.merging, id, `$_SESSION['php'] = ['cart' => 1];`);
      const session = await shop.node().open(id);
      session.variables['node'] = { cart: 2 };
      if (!phpLast) await page.finish();
      await session.commit();
      if (phpLast) await page.finish();
      const [php, node] = ['php|a:1:{s:4:"cart";i:1;}', 'node|a:1:{s:4:"cart";i:2;}'];
      expect(await shop.stored(id)).toBe(BASE + (phpLast ? node + php : php + node));
    }
  });

  test('one counter and one list, counted from both sides', { timeout: 60_000 }, async () => {
    const id = await newSession('count|i:0;list|a:0:{}');
    const rounds = 100;
    const node = shop.node();
    const { merging } = shop.php.pools;
    const fromNode = async (): Promise<void> => {
      for (let round = 0; round < rounds; round++) {
        const session = await node.open(id);
        await session.update((variables) => {
          const shared = variables as { count: number; list: string[] };
          shared.count++;
          shared.list.push('node');
        });
        await session.commit();
      }
    };
    const fromPhp = async (): Promise<void> => {
      for (let round = 0; round < rounds; round++) {
        const { stderr } = await shop.run(
          merging,
          id,
          `$handler->update(function (array &$variables) {
             $variables['count']++;
             $variables['list'][] = 'php';
           });`,
        );
        expect(stderr).toBe('');
      }
    };
    await Promise.all([fromNode(), fromPhp(), fromPhp()]);
    const session = await node.open(id, { readOnly: true });
    const { count, list } = session.variables as { count: number; list: string[] };
    expect([count, list.length]).toEqual([3 * rounds, 3 * rounds]);
    expect(list.filter((by) => by === 'node')).toHaveLength(rounds);
    await session.commit();
  });
});

describe('in strict mode', () => {
  test('an id that an attacker made up is not adopted, nor one that names a lock', async () => {
    const victim = await newSession();
    await shop.redis.client.set(`${shop.key(victim)}_LOCK`, 'host|1', 'EX', 60);
    for (const id of ['attackerattackerattacker', `${victim}_LOCK`]) {
      const answer = await shop.php.pools.merging.run(
        `ini_set('session.use_strict_mode', '1');
         require ${JSON.stringify(new URL('../../../php/autoload.php', import.meta.url).pathname)};
         $client = new Redis(); $client->connect('${shop.redis.host}', ${shop.redis.port});
         PhpSessionBridge\\MergingSaveHandler::register($client);
         session_start(); $_SESSION['a'] = 1; echo session_id();`,
        { cookie: { PHPSESSID: id } },
      );
      expect(answer.body).not.toBe(id);
      expect(answer.setCookies[0]).toContain(`PHPSESSID=${answer.body}`);
      expect(await shop.stored(answer.body)).toBe('a|i:1;');
    }
    expect(await shop.redis.client.get(`${shop.key(victim)}_LOCK`)).toBe('host|1');
  });
});

describe('without strict mode', () => {
  test.each(['SaveHandler', 'MergingSaveHandler'])(
    '%s: a cookie that names what lies beside another session reaches nothing',
    async (handler) => {
      const victim = await newSession();
      for (const suffix of ['_LOCK', '_REVOKED', '_MOVED']) {
        const beside = `${shop.key(victim)}${suffix}`;
        await shop.redis.client.set(beside, 'host|1', 'EX', 60);
        const answer = await shop.php.pools.merging.run(
          `ini_set('session.use_strict_mode', '0'); ini_set('display_errors', '0');
           require ${JSON.stringify(new URL('../../../php/autoload.php', import.meta.url).pathname)};
           $client = new Redis(); $client->connect('${shop.redis.host}', ${shop.redis.port});
           PhpSessionBridge\\${handler}::register($client);
           echo json_encode(@session_start()); $_SESSION['a'] = 1; @session_destroy();`,
          { cookie: { PHPSESSID: `${victim}${suffix}` } },
        );
        expect(answer.body).toBe('false');
        expect(await shop.redis.client.get(beside)).toBe('host|1');
        expect(await shop.redis.client.ttl(beside)).toBeLessThanOrEqual(60);
        await shop.redis.client.del(beside);
      }
      expect(await shop.stored(victim)).toBe(BASE);
    },
  );
});
