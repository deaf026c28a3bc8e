import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SessionManager } from '../../../src/config/session-manager.ts';
import { cookieJar } from '../../services/cookie-jar.ts';
import { type TemporaryFolder, temporaryFolder } from '../../services/folder.ts';
import { type PhpPool, type PhpService, startPhp } from '../../services/php.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';

const documents = fileURLToPath(new URL('../../../php/demo/source-documents', import.meta.url));

let redis: RedisService;
let php: PhpService<'documents'>;
let pool: PhpPool;
let folder: TemporaryFolder;

beforeAll(async () => {
  redis = await startRedis();
  folder = temporaryFolder('documents');
  cpSync(documents, folder.path, { recursive: true });
  for (const service of ['user', 'task']) {
    // Their Redis is a container called myredis on port 6379: the one line that cannot stay outside of
    // Docker, where the files run as they are.
    const file = join(folder.path, service, 'redis_session.php');
    const source = readFileSync(file, 'utf8');
    const own = source.replace("'myredis', 6379", `'${redis.host}', ${redis.port}`);
    expect(own).not.toBe(source);
    writeFileSync(file, own);
  }
  writeFileSync(
    join(folder.path, 'user', 'logout.php'),
    '<?php include_once "./redis_session.php"; session_start(); session_destroy(); echo "logged out";',
  );
  php = await startPhp({ pools: { documents: { docroot: folder.path } } });
  pool = php.pools.documents;
});

afterAll(async () => {
  await php?.stop();
  await redis?.stop();
  folder?.remove();
});

it('sets the session in one service and shows it in the other', async () => {
  const jar = cookieJar();
  const before = await pool.request('task/redis_session_get.php', { jar });
  expect(before.body).toBe('사용자 이름 : <br>사용자 아이디 : <br>');
  // The handler writes an empty string for a session without variables.
  expect(await redis.client.get(`session:${jar.get('PHPSESSID')}`)).toBe('');

  const set = await pool.request('user/redis_session_set.php', { jar });
  const get = await pool.request('task/redis_session_get.php', { jar });
  expect(set.body).toBe('사용자 이름 : 이다은oooaa<br>사용자 아이디 : lde<br>');
  expect(get.body).toBe(set.body);
  const key = `session:${jar.get('PHPSESSID')}`;
  expect(await redis.client.get(key)).toBe('username|s:14:"이다은oooaa";userid|s:3:"lde";');
  expect(await redis.client.ttl(key)).toBe(3600);
});

it('shares its sessions with Node, TTL and all', async () => {
  const jar = cookieJar();
  const set = await pool.request('user/redis_session_set.php', { jar });
  const key = `session:${jar.get('PHPSESSID')}`;
  const warnings: string[] = [];
  const sessions = new SessionManager({
    savePath: redis.savePath('prefix=session:'),
    onWarning: (code) => void warnings.push(code),
  });
  await sessions.run(jar.get('PHPSESSID'), async (session) => {
    expect(session.variables).toEqual({ username: '이다은oooaa', userid: 'lde' });
    session.variables['cart'] = ['차'];
  });
  await sessions.close();
  expect(await redis.client.get(key)).toBe(
    'username|s:14:"이다은oooaa";userid|s:3:"lde";cart|a:1:{i:0;s:3:"차";}',
  );
  // Nobody told Node about the 3600 seconds of the handler: they are not lowered to PHP's 1440.
  expect(await redis.client.ttl(key)).toBe(3600);
  expect(warnings).toEqual(['PSB_TTL_LONGER']);
  const get = await pool.request('task/redis_session_get.php', { jar });
  expect(get.body).toBe(set.body);
  expect(await redis.client.get(key)).toContain('cart|a:1:{i:0;s:3:"차";}');
});

it('dies at logout on PHP 8, after the key is gone', async () => {
  const jar = cookieJar();
  await pool.request('user/redis_session_set.php', { jar });
  const { body: version } = await pool.run('echo PHP_MAJOR_VERSION;');
  const logout = await pool.request('user/logout.php', { jar });
  if (Number(version) < 8) {
    expect(logout.body).toBe('logged out');
  } else {
    expect(logout.body).not.toContain('logged out');
    expect(logout.stderr).toContain(
      'Session callback must have a return value of type bool, int returned',
    );
  }
  expect(await redis.client.exists(`session:${jar.get('PHPSESSID')}`)).toBe(0);
});
