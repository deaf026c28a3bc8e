import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CookieJar, cookieJar } from '../../services/cookie-jar.ts';
import { type PhpPool, type PhpService, startPhp } from '../../services/php.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';

const docroot = fileURLToPath(new URL('../../../php/demo', import.meta.url));
const PREFIX = { phpredis: 'PHPREDIS_SESSION:', class: 'session:', merging: 'session:' } as const;
type Handler = keyof typeof PREFIX;

let redis: RedisService;
let php: PhpService<Handler>;

beforeAll(async () => {
  redis = await startRedis();
  const ini = { 'session.use_strict_mode': true };
  const env = { REDIS_HOST: redis.host, REDIS_PORT: `${redis.port}` };
  php = await startPhp({
    pools: {
      phpredis: {
        docroot,
        ini: {
          ...ini,
          'session.save_handler': 'redis',
          'session.save_path': redis.savePath(),
          'redis.session.locking_enabled': true,
        },
      },
      class: { docroot, ini, env: { ...env, SESSION_HANDLER: 'class' } },
      merging: { docroot, ini, env: { ...env, SESSION_HANDLER: 'merging' } },
    },
  });
});

afterAll(async () => {
  await php?.stop();
  await redis?.stop();
});

describe.each(['phpredis', 'class', 'merging'] as const)('the PHP services with %s', (handler) => {
  let pool: PhpPool;
  let jar: CookieJar;
  const stored = () => redis.client.get(`${PREFIX[handler]}${jar.get('PHPSESSID')}`);

  beforeAll(() => {
    pool = php.pools[handler];
    jar = cookieJar();
  });

  it('knows nobody at first', async () => {
    const answer = await pool.request('task/index.php', { jar });
    expect(answer.json()).toMatchObject({ service: 'task', handler, user: null, cart: [] });
    expect(answer.stderr).toBe('');
  });

  it('logs in under a new id', async () => {
    const before = jar.get('PHPSESSID');
    const answer = await pool.request('user/login.php', { jar, form: { userid: 'kky' } });
    expect(answer.json()).toMatchObject({ user: { userid: 'kky', username: '홍길동' } });
    expect(jar.get('PHPSESSID')).not.toBe(before);
    expect(await redis.client.exists(`${PREFIX[handler]}${before}`)).toBe(0);
    expect(await stored()).toBe('username|s:9:"홍길동";userid|s:3:"kky";');
  });

  it('shows the login and fills the cart in the other service', async () => {
    await pool.request('task/cart.php', { jar, form: { item: 'tea' } });
    await pool.request('task/visit.php', { jar, method: 'POST' });
    const answer = await pool.request('task/index.php', { jar });
    expect(answer.json()).toMatchObject({
      user: { userid: 'kky' },
      cart: [{ item: 'tea', by: 'PHP' }],
      visits: 1,
    });
  });

  it('takes changes by POST only', async () => {
    expect((await pool.request('user/logout.php', { jar })).status).toBe(405);
  });

  it('logs out: key and cookie are gone', async () => {
    const id = jar.get('PHPSESSID');
    const answer = await pool.request('user/logout.php', { jar, method: 'POST' });
    expect(answer.stderr).toBe('');
    expect(await redis.client.exists(`${PREFIX[handler]}${id}`)).toBe(0);
    expect(jar.get('PHPSESSID')).toBeUndefined();
  });

  it("runs the source documents' own pages", async () => {
    const visitor = cookieJar();
    const set = await pool.request('user/redis_session_set.php', { jar: visitor });
    expect(set.body).toBe('사용자 이름 : 이다은oooaa<br>사용자 아이디 : lde<br>');
    const get = await pool.request('task/redis_session_get.php', { jar: visitor });
    expect(get.body).toBe(set.body);
  });
});
