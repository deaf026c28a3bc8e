/**
 * One php.ini for both sides: FPM runs with it, and Koa is told nothing but its name.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cookieJar, fetchWith } from '../../services/cookie-jar.ts';
import { temporaryFolder } from '../../services/folder.ts';
import { phpRequest } from '../../services/php-request.ts';
import { freePort } from '../../services/port.ts';
import { type Service, startService } from '../../services/process.ts';
import { program } from '../../services/programs.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';
import type { RunningAdapter } from '../adapters/adapter-under-test.ts';
import { koa3 } from '../adapters/adapters.ts';
import { routes } from '../adapters/routes.ts';
import { installedPhp } from './php-under-test.ts';

const PAGES = {
  'login.php': 'session_start(); session_regenerate_id(true); $_SESSION["userid"] = "kky";',
  'show.php': 'session_start(); echo json_encode($_SESSION);',
};

describe('phpSession({ phpIni }) is enough', () => {
  const folder = temporaryFolder('ini');
  const ini = join(folder.path, 'php.ini');
  let redis: RedisService;
  let fpm: Service;
  let koa: RunningAdapter;
  let port: number;
  const address = () => ({ host: '127.0.0.1', port, docroot: folder.path });

  beforeAll(async () => {
    redis = await startRedis({ config: { requirepass: 'p@ss&w+d' } });
    port = await freePort();
    writeFileSync(
      ini,
      `[Session]
session.save_handler = redis
session.save_path = "tcp://\${PSB_REDIS}?auth=p%40ss%26w%2Bd&database=3&prefix=phpSession_&name=PHP_REDIS_SESSION"
session.name = SHOPSESSION
session.serialize_handler = php_serialize
session.gc_maxlifetime = 777
session.use_strict_mode = 1
session.cookie_lifetime = 3600
session.cookie_path = /shop
session.cookie_httponly = 1
session.cookie_samesite = Strict
session.sid_length = 40
session.sid_bits_per_character = 5
`,
    );
    for (const [name, source] of Object.entries(PAGES)) {
      writeFileSync(join(folder.path, name), `<?php ${source}`);
    }
    const root = process.getuid?.() === 0;
    const pool = join(folder.path, 'www.conf');
    writeFileSync(
      pool,
      `[global]\nerror_log = ${join(folder.path, 'log')}\n[www]\nlisten = 127.0.0.1:${port}\n` +
        `${root ? 'user = root\ngroup = root\n' : ''}pm = static\npm.max_children = 1\n`,
    );
    const env = {
      PHP_INI_SCAN_DIR: installedPhp().extensions,
      PSB_REDIS: `127.0.0.1:${redis.port}`,
    };
    const asRoot = root ? ['--allow-to-run-as-root'] : [];
    fpm = await startService({
      program: program('phpFpm'),
      args: ['--nodaemonize', '-c', ini, '--fpm-config', pool, ...asRoot],
      cwd: folder.path,
      log: join(folder.path, 'log'),
      env: { ...process.env, ...env },
      ready: (service) => /ready to handle connections/.test(service.output()),
    });
    koa = await koa3.start({ phpIni: { file: ini, env }, onWarning: () => {} }, routes);
  });
  afterAll(async () => {
    await koa?.close();
    await fpm?.stop();
    await redis?.stop();
    folder.remove();
  });

  const key = (id: string): string => `phpSession_${id}`;

  test('PHP logs in, Koa knows and changes, PHP sees it, under the same key and lifetime', async () => {
    const jar = cookieJar();
    await phpRequest(address(), 'login.php', { jar });
    const id = jar.get('SHOPSESSION') ?? '';
    expect(id).toMatch(/^[0-9a-v]{40}$/);
    const node = async (path: string) => (await fetchWith(jar, koa.url + path)).json();
    expect(await node('/show')).toEqual({ userid: 'kky' });
    expect(await node('/buy?item=pear')).toEqual(['pear']);
    const seen = await phpRequest(address(), 'show.php', { jar });
    expect(seen.json()).toEqual({ userid: 'kky', cart: ['pear'] });
    await redis.client.select(3);
    expect(await redis.client.get(key(id))).toMatch(/^a:2:\{s:6:"userid";/);
    expect(await redis.client.keys('*')).toEqual([key(id)]);
    expect(await redis.client.ttl(key(id))).toBeGreaterThan(770);
    expect(await redis.client.ttl(key(id))).toBeLessThanOrEqual(777);
  });

  test("a login in Koa sends the cookie as PHP's own", async () => {
    const byPhp = await phpRequest(address(), 'login.php');
    const byNode = await fetch(`${koa.url}/login?userid=lde`);
    const pattern = (cookie: string | undefined): string | undefined =>
      cookie
        ?.replace(/=[0-9a-v]{40};/, '=ID;')
        .replace(/expires=[^;]+/i, 'expires=DATE')
        .toLowerCase();
    const expected = pattern(byPhp.setCookies.at(-1));
    expect(expected).toMatch(
      /^shopsession=id; expires=date; max-age=3600; path=\/shop; httponly; /,
    );
    expect(pattern(byNode.headers.getSetCookie().at(-1))).toBe(expected);
    const [, id] = /SHOPSESSION=([^;]+)/.exec(byNode.headers.getSetCookie().at(-1) ?? '') ?? [];
    const seen = await phpRequest(address(), 'show.php', { cookie: { SHOPSESSION: id ?? '' } });
    expect(seen.json()).toEqual({ userid: 'lde' });
    expect(seen.setCookies).toEqual([]);
  });
});
