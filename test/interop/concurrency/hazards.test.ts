/**
 * What can happen to a session that PHP and Node hold at the same time, each hazard with real PHP
 * and real phpredis. The outcome is the safe one; where PHP alone causes the loss, the test says so
 * and pins down what is lost.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SessionManager } from '../../../src/config/session-manager.ts';
import type { Session } from '../../../src/session/session.ts';
import { type Shop, startShop } from './shop.ts';

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

async function commit(session: Session): Promise<string> {
  return session.commit().then(
    ({ outcome }) => outcome,
    (error: { code: string }) => error.code,
  );
}

describe('without locks', () => {
  test('H1: PHP read, Node wrote, PHP writes blindly: PHP alone loses the Node change', async () => {
    const id = await newSession();
    const page = await shop.hold(shop.php.pools.plain, id, `$_SESSION['php'] = 1;`);
    await shop.node().run(id, (session) => {
      session.variables['node'] = 1;
    });
    await page.finish();
    expect(await shop.stored(id)).toBe(`${BASE}php|i:1;`);
  });

  test('H1 with the PHP class: nothing is lost', async () => {
    const id = await newSession();
    const page = await shop.hold(shop.php.pools.merging, id, `$_SESSION['php'] = 1;`);
    await shop.node().run(id, (session) => {
      session.variables['node'] = 1;
    });
    const { stderr } = await page.finish();
    expect(stderr).toBe('');
    expect(await shop.stored(id)).toBe(`${BASE}node|i:1;php|i:1;`);
  });

  test('H2: Node read, PHP wrote, Node writes: both changes are there', async () => {
    const id = await newSession();
    const session = await shop.node().open(id);
    session.variables['node'] = 1;
    await shop.run(shop.php.pools.plain, id, `$_SESSION['php'] = 1;`);
    expect(await commit(session)).toBe('merged');
    expect(await shop.stored(id)).toBe(`${BASE}php|i:1;node|i:1;`);
  });

  test("H3: PHP changes nothing (lazy_write): Node's write survives", async () => {
    const id = await newSession();
    const page = await shop.hold(shop.php.pools.plain, id, '');
    await shop.node().run(id, (session) => {
      session.variables['node'] = 1;
    });
    await page.finish();
    expect(await shop.stored(id)).toBe(`${BASE}node|i:1;`);
  });

  test('H4: PHP without lazy_write is H1 on every request', async () => {
    const id = await newSession();
    const page = await shop.hold(shop.php.pools.eager, id, '');
    await shop.node().run(id, (session) => {
      session.variables['node'] = 1;
    });
    await page.finish();
    expect(await shop.stored(id)).toBe(BASE);
  });

  test("H4: Node's bytes are PHP's own, so that a reading PHP does not write", async () => {
    const id = await newSession();
    await shop.node().run(id, ({ variables }) => {
      Object.assign(variables, {
        price: 0.1,
        big: 2n ** 62n,
        list: [1, 2.5, '셋'],
        map: { 7: 'x' },
      });
    });
    const after = await shop.stored(id);
    const page = await shop.hold(shop.php.pools.plain, id, '');
    // Would PHP write, this were lost.
    await shop.put(id, `${after}seen|b:1;`);
    await page.finish();
    expect(await shop.stored(id)).toBe(`${after}seen|b:1;`);
  });

  test('H5: PHP in flight revives a session that Node logged out; a tombstone keeps it dead for the bridge', async () => {
    const id = await newSession();
    const sessions = shop.node({ revokedTtl: 1440 });
    const page = await shop.hold(shop.php.pools.plain, id, `$_SESSION['php'] = 1;`);
    const session = await sessions.open(id);
    await session.destroy();
    expect(await shop.stored(id)).toBeNull();
    await page.finish();
    expect(await shop.stored(id)).toBe(`${BASE}php|i:1;`);
    const after = await sessions.open(id);
    expect(after.isNew).toBe(true);
    expect(after.id).not.toBe(id);
    expect(after.revoked).toBe(true);
    // Until then PHP saw the user; now it does not.
    expect(await shop.stored(id)).toBeNull();
  });

  test('H5 under the lock: a logout goes past a PHP request that does not end, and stays final', async () => {
    const id = await newSession();
    const warned: string[] = [];
    const sessions = shop.node({
      revokedTtl: 1440,
      lockRetries: 3,
      lockWaitTime: 1000,
      onWarning: (code) => warned.push(code),
    });
    const page = await shop.hold(shop.php.pools.locking, id, `$_SESSION['php'] = 1;`);
    const secret = await shop.redis.client.get(`${shop.key(id)}_LOCK`);
    const session = await sessions.open(id);
    expect(await session.destroy()).toEqual({ forced: true });
    expect(warned).toEqual(['PSB_LOGOUT_FORCED']);
    expect(await shop.stored(id)).toBeNull();
    expect(await shop.redis.client.get(`${shop.key(id)}_LOCK`)).toBe(secret);
    await page.finish();
    expect(await shop.stored(id)).toBe(`${BASE}php|i:1;`);
    expect((await sessions.open(id)).revoked).toBe(true);
    expect(await shop.stored(id)).toBeNull();
  });

  test('H5 after the logout: only a PHP in strict mode takes a new id', async () => {
    const id = await newSession();
    await (await shop.node({ revokedTtl: 1440 }).open(id)).destroy();
    const start = (strict: number) =>
      shop.php.pools.plain.run(
        `ini_set('session.use_strict_mode', '${strict}'); session_id('${id}'); session_start();
         echo session_id() === '${id}' ? 'same' : 'new';`,
      );
    expect((await start(1)).body).toBe('new');
    expect((await start(0)).body).toBe('same');
  });

  test.each(['logout', 'move'] as const)(
    'H5: a cookie that names what is remembered of a %s makes PHP delete nothing of it',
    async (end) => {
      const id = await newSession();
      const sessions = shop.node({ revokedTtl: 1440 });
      const page = await shop.hold(shop.php.pools.plain, id, `$_SESSION['php'] = 1;`);
      const session = await sessions.open(id);
      if (end === 'logout') await session.destroy();
      else await session.regenerate();
      await session.commit();
      const key = shop.key(id);
      const prefix = shop.key('');
      const beside = (await shop.redis.client.keys(`*${id}*`)).sort();
      expect(beside.length).toBe(end === 'logout' ? 1 : 2);
      const ids = [
        ...['_REVOKED', '_MOVED'].map((suffix) => id + suffix),
        ...beside.flatMap((name) => [name, name.replace(key, id), name.slice(prefix.length)]),
      ];
      for (const PHPSESSID of ids) {
        for (const deed of ['session_destroy();', '$_SESSION["a"] = 1;', '']) {
          const answer = await shop.php.pools.plain.run(
            `ini_set('session.use_strict_mode', '1'); session_start(); ${deed}`,
            { cookie: { PHPSESSID } },
          );
          expect(answer.stderr).toBe('');
        }
      }
      expect((await shop.redis.client.keys(`*${id}*`)).sort()).toEqual(beside);
      await page.finish();
      expect(await shop.stored(id)).toBe(`${BASE}php|i:1;`);
      expect(await sessions.find(id)).toBeNull();
      expect(await shop.stored(id)).toBeNull();
    },
  );

  test('H5 with the PHP class: a logout is final', async () => {
    const id = await newSession();
    const page = await shop.hold(shop.php.pools.merging, id, `$_SESSION['php'] = 1;`);
    await (await shop.node().open(id)).destroy();
    await page.finish();
    expect(await shop.stored(id)).toBeNull();
  });

  test('H5 the other way: PHP logged out, Node in flight does not revive', async () => {
    const id = await newSession();
    const session = await shop.node().open(id);
    session.variables['node'] = 1;
    await shop.run(shop.php.pools.plain, id, 'session_destroy();');
    expect(await commit(session)).toBe('ERR_PSB_SESSION_GONE');
    expect(await shop.stored(id)).toBeNull();
  });

  test('H6: PHP that changes nothing does not revive a logout', async () => {
    const id = await newSession();
    const page = await shop.hold(shop.php.pools.plain, id, '');
    await (await shop.node().open(id)).destroy();
    await page.finish();
    expect(await shop.stored(id)).toBeNull();
  });

  test("another user under the same id: nothing of the first one's is written", async () => {
    const id = await newSession();
    const session = await shop.node({ identity: ['userid'] }).open(id);
    session.variables['cart'] = ['of kky'];
    await shop.run(
      shop.php.pools.plain,
      id,
      `session_unset(); $_SESSION['userid'] = 'lde'; $_SESSION['n'] = 1;`,
    );
    expect(await commit(session)).toBe('ERR_PSB_SESSION_REPLACED');
    expect(await shop.stored(id)).toBe('userid|s:3:"lde";n|i:1;');
  });

  test("two writers in different keys of Symfony's bag, a PHP login among them", async () => {
    const id = await newSession(
      '_sf2_attributes|a:1:{s:4:"cart";a:0:{}}_sf2_meta|a:1:{s:1:"u";i:1;}',
    );
    const session = await shop.node().open(id);
    const bag = session.variables['_sf2_attributes'] as { cart: unknown };
    bag.cart = ['book'];
    await shop.run(
      shop.php.pools.plain,
      id,
      `$_SESSION['_sf2_attributes']['_security_main'] = 'token'; $_SESSION['_sf2_meta']['u'] = 2;`,
    );
    expect(await commit(session)).toBe('merged');
    expect(await shop.stored(id)).toBe(
      '_sf2_attributes|a:2:{s:4:"cart";a:1:{i:0;s:4:"book";}s:14:"_security_main";s:5:"token";}' +
        '_sf2_meta|a:1:{s:1:"u";i:2;}',
    );
  });
});

describe('with locks', () => {
  test('H7: Node never writes into a PHP request that holds the lock', async () => {
    const id = await newSession();
    const session = await shop.node().open(id);
    session.variables['node'] = 1;
    const page = await shop.hold(shop.php.pools.locking, id, `$_SESSION['php'] = 1;`);
    const committed = commit(session);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await shop.stored(id)).toBe(BASE);
    await page.finish();
    expect(await committed).toBe('merged');
    expect(await shop.stored(id)).toBe(`${BASE}php|i:1;node|i:1;`);
  });

  test("H8: Node gives up on PHP's lock and leaves it where it is", async () => {
    const id = await newSession();
    const page = await shop.hold(shop.php.pools.locking, id, '');
    const secret = await shop.redis.client.get(`${shop.key(id)}_LOCK`);
    const impatient = shop.node({ concurrency: 'lock', lockRetries: 3, lockWaitTime: 1000 });
    await expect(impatient.open(id)).rejects.toMatchObject({ code: 'ERR_PSB_LOCK_BUSY' });
    const merging = await shop.node({ lockRetries: 3, lockWaitTime: 1000 }).open(id);
    merging.variables['node'] = 1;
    expect(await commit(merging)).toBe('ERR_PSB_LOCK_BUSY');
    expect(await shop.redis.client.get(`${shop.key(id)}_LOCK`)).toBe(secret);
    await page.finish();
  });

  test("H9: Node holds the lock beyond phpredis 5.3's 20 ms: PHP's write is dropped, by PHP", async () => {
    const id = await newSession();
    const session = await shop.node({ concurrency: 'lock' }).open(id);
    const { stderr } = await shop.run(shop.php.pools.locking, id, `$_SESSION['php'] = 1;`);
    expect(stderr).toMatch(/Failed to write session data/);
    await session.commit();
    expect(await shop.stored(id)).toBe(BASE);
  });

  test("H9: 'merge' holds no lock, so PHP's patience is never tried", async () => {
    const id = await newSession();
    const session = await shop.node().open(id);
    session.variables['node'] = 1;
    const { stderr } = await shop.run(shop.php.pools.locking, id, `$_SESSION['php'] = 1;`);
    expect(stderr).toBe('');
    expect(await commit(session)).toBe('merged');
    expect(await shop.stored(id)).toBe(`${BASE}php|i:1;node|i:1;`);
  });

  test('H9: a patient PHP waits for Node', async () => {
    const id = await newSession();
    const session = await shop.node({ concurrency: 'lock' }).open(id);
    session.variables['node'] = 1;
    const page = shop.run(shop.php.pools.lockingForever, id, `$_SESSION['php'] = 1;`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await shop.stored(id)).toBe(BASE);
    expect(await commit(session)).toBe('written');
    await page;
    expect(await shop.stored(id)).toBe(`${BASE}node|i:1;php|i:1;`);
  });

  test('H10: a Node process that is killed while it holds the lock blocks PHP only until the expiry', async () => {
    const id = await newSession();
    const script = new URL('./lock-holder.ts', import.meta.url).pathname;
    const holder = spawn(
      process.execPath,
      ['--import', 'tsx', script, String(shop.redis.port), id],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(holder.stdout, 'data');
    holder.kill('SIGKILL');
    expect(await shop.redis.client.pttl(`${shop.key(id)}_LOCK`)).toBeGreaterThan(0);
    await shop.run(shop.php.pools.lockingForever, id, `$_SESSION['php'] = 1;`);
    expect(await shop.stored(id)).toBe(`${BASE}php|i:1;`);
  });

  test('H11: the lock of a slow PHP request runs out, and PHP writes unguarded (lock_expire=0)', async () => {
    const id = await newSession();
    const page = await shop.hold(
      shop.php.pools.locking,
      id,
      `$_SESSION['php'] = 1;`,
      // Makes phpredis trust the TTL of the lock, as with lock_expire=0 and max_execution_time.
      `ini_set('redis.session.lock_expire', '0');`,
    );
    await shop.redis.client.del(`${shop.key(id)}_LOCK`);
    await shop.node().run(id, (session) => {
      session.variables['node'] = 1;
    });
    await page.finish();
    expect(await shop.stored(id)).toMatch(/^userid\|s:3:"kky";n\|i:1;(node|php)\|i:1;$/);
  });

  test("H11 on Node's side: a lock that ran out refuses the write", async () => {
    const id = await newSession();
    const session = await shop.node({ concurrency: 'lock' }).open(id);
    session.variables['node'] = 1;
    await shop.redis.client.del(`${shop.key(id)}_LOCK`);
    const page = await shop.hold(shop.php.pools.locking, id, `$_SESSION['php'] = 1;`);
    expect(await commit(session)).toBe('ERR_PSB_LOCK_LOST');
    await page.finish();
    expect(await shop.stored(id)).toBe(`${BASE}php|i:1;`);
  });

  test("H12: Node's lock secret is random, never host and pid", async () => {
    const id = await newSession();
    const secrets = new Set<string | null>();
    for (let i = 0; i < 3; i++) {
      const session = await shop.node({ concurrency: 'lock' }).open(id);
      secrets.add(await shop.redis.client.get(`${shop.key(id)}_LOCK`));
      await session.abort();
    }
    expect(secrets.size).toBe(3);
    for (const secret of secrets) expect(secret).toMatch(/^[0-9a-f]{32}$/);
  });

  test('H13: PHP unlocks before it deletes; a Node write in the gap is refused, not revived', async () => {
    const id = await newSession();
    const session = await shop.node({ concurrency: 'lock' }).open(id);
    await session.abort();
    const late = await shop.node().open(id);
    late.variables['node'] = 1;
    await shop.run(shop.php.pools.locking, id, 'session_destroy();');
    expect(await commit(late)).toBe('ERR_PSB_SESSION_GONE');
    expect(await shop.stored(id)).toBeNull();
  });

  test('H14: after a login in Node the old id is dead in PHP, too', async () => {
    const id = await newSession();
    const session = await shop.node().open(id);
    await session.regenerate();
    await session.commit();
    expect(await shop.stored(id)).toBeNull();
    expect(await shop.stored(session.id)).toBe(BASE);
    const { body } = await shop.run(shop.php.pools.plain, session.id, `echo $_SESSION['userid'];`);
    expect(body).toBe('kky');
  });

  test('H14: after session_regenerate_id(true) in PHP the old id is dead in Node', async () => {
    const id = await newSession();
    const late = await shop.node().open(id);
    late.variables['node'] = 1;
    await shop.run(shop.php.pools.plain, id, 'session_regenerate_id(true);');
    expect(await commit(late)).toBe('ERR_PSB_SESSION_GONE');
    expect((await shop.node().open(id)).isNew).toBe(true);
  });

  test('H17: a DEL that lands in a section locked by Node is not undone', async () => {
    const id = await newSession();
    const session = await shop.node({ concurrency: 'lock' }).open(id);
    session.variables['node'] = 1;
    // phpredis 5.3 gives up on the lock, and then destroys without it.
    await shop.run(shop.php.pools.locking, id, 'session_destroy();');
    expect(await commit(session)).toBe('ERR_PSB_SESSION_GONE');
    expect(await shop.stored(id)).toBeNull();
  });
});

describe('lifetimes', () => {
  test('H15: without gcMaxlifetime a longer TTL of PHP stays', async () => {
    const id = await newSession();
    await shop.redis.client.expire(shop.key(id), 9000);
    await shop.node({ gcMaxlifetime: undefined }).run(id, (session) => {
      session.variables['node'] = 1;
    });
    expect(await shop.redis.client.ttl(shop.key(id))).toBeGreaterThan(8990);
  });

  test("H15: with phpIni the TTL is PHP's, exactly, and the first cut of a longer one is told", async () => {
    const id = await newSession();
    const warned: string[] = [];
    const sessions = new SessionManager({
      phpIni: `session.save_handler = redis
        session.save_path = "${shop.redis.savePath()}"
        session.use_strict_mode = 1
        session.gc_maxlifetime = 700`,
      onWarning: (code) => warned.push(code),
    });
    await shop.redis.client.expire(shop.key(id), 600);
    await (await sessions.open(id)).commit();
    expect(await shop.redis.client.ttl(shop.key(id))).toBeGreaterThan(690);
    expect(warned).toEqual([]);
    for (let request = 0; request < 2; request++) {
      // "Remember me": PHP gave this one a month.
      await shop.redis.client.expire(shop.key(id), 2_592_000);
      await (await sessions.open(id)).commit();
      expect(await shop.redis.client.ttl(shop.key(id))).toBeLessThanOrEqual(700);
    }
    expect(warned).toEqual(['PSB_TTL_SHORTENED']);
    await sessions.close();
    await shop.redis.client.expire(shop.key(id), 2_592_000);
    await (await shop.node({ gcMaxlifetime: 700, keepLongerTtl: true }).open(id)).commit();
    expect(await shop.redis.client.ttl(shop.key(id))).toBeGreaterThan(2_591_000);
  });

  test('H16: no key without a TTL, whatever was there', async () => {
    const id = await newSession();
    await shop.redis.client.persist(shop.key(id));
    await shop.node().run(id, () => {});
    expect(await shop.redis.client.ttl(shop.key(id))).toBeGreaterThan(1430);
    await shop.redis.client.persist(shop.key(id));
    await shop.node({ gcMaxlifetime: undefined }).run(id, (session) => {
      session.variables['node'] = 1;
    });
    expect(await shop.redis.client.ttl(shop.key(id))).toBeGreaterThan(1430);
  });
});
