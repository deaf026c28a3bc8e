import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cookieJar, fetchWith } from '../services/cookie-jar.ts';
import { temporaryFolder } from '../services/folder.ts';
import { type NginxService, startNginx } from '../services/nginx.ts';
import { type PhpService, startPhp } from '../services/php.ts';
import { runPhp, startPhpServer } from '../services/php-cli.ts';
import { type RedisService, startRedis } from '../services/redis.ts';
import { redisMonitor } from '../services/redis-monitor.ts';

const COUNT =
  'session_start(); $_SESSION["n"] = ($_SESSION["n"] ?? 0) + 1; echo $_SESSION["n"], getenv("PLACE");';

let redis: RedisService;
let php: PhpService<'one' | 'two' | 'locking'>;

beforeAll(async () => {
  redis = await startRedis();
  const session = { 'session.save_handler': 'redis', 'session.save_path': redis.savePath() };
  php = await startPhp({
    pools: {
      one: { ini: session, env: { PLACE: ' one' } },
      two: { ini: { ...session, 'session.serialize_handler': 'igbinary' }, env: { PLACE: ' two' } },
      locking: {
        ini: {
          ...session,
          'session.save_path': redis.savePath('prefix=a&b;c='),
          'redis.session.locking_enabled': true,
        },
      },
    },
  });
});

afterAll(async () => {
  await php?.stop();
  await redis?.stop();
});

describe('PHP-FPM', () => {
  it('keeps a session in Redis by the cookie of the jar', async () => {
    const jar = cookieJar();
    expect((await php.pools.one.run(COUNT, { jar })).body).toBe('1 one');
    expect((await php.pools.one.run(COUNT, { jar })).body).toBe('2 one');
    const id = jar.get('PHPSESSID');
    expect(await redis.client.get(`PHPREDIS_SESSION:${id}`)).toBe('n|i:2;');
  });

  it('gives each pool its own configuration', async () => {
    const jar = cookieJar();
    expect((await php.pools.two.run(COUNT, { jar })).body).toBe('1 two');
    const stored = await redis.client.getBuffer(`PHPREDIS_SESSION:${jar.get('PHPSESSID')}`);
    expect(stored?.toString('hex')).toBe('000000021401' + '11016e' + '0601');
  });

  it('takes ini values with =, & and ; as they are', async () => {
    const path = await php.pools.locking.run('echo ini_get("session.save_path");');
    expect(path.body).toBe(redis.savePath('prefix=a&b;c='));
  });

  it('passes query, form, cookies, headers and errors', async () => {
    const page = php.pools.one.write(
      'echo.php',
      '<?php http_response_code(418); header("X-A: b"); error_log("to the log"); echo json_encode([$_GET, $_POST, $_COOKIE, $_SERVER["HTTP_X_B"], isset($_SERVER["HTTPS"])]);',
    );
    const answer = await php.pools.one.request(page, {
      query: { q: '1 2' },
      form: { f: '홍길동' },
      cookie: { c: 'x' },
      headers: { 'x-b': 'c' },
      secure: true,
    });
    expect(answer.status).toBe(418);
    expect(answer.headers.get('x-a')).toBe('b');
    expect(answer.json()).toEqual([{ q: '1 2' }, { f: '홍길동' }, { c: 'x' }, 'c', true]);
    expect(answer.stderr).toContain('to the log');
  });

  it('answers bodies above the 64 KiB of one FastCGI record, both ways', async () => {
    const body = 'x'.repeat(200_000);
    const answer = await php.pools.one.run('echo file_get_contents("php://input");', { body });
    expect(answer.body).toBe(body);
  });
});

describe('the monitor', () => {
  it('sees the commands of PHP and not those of the test', async () => {
    const monitor = await redisMonitor(redis);
    const jar = cookieJar();
    const first = await monitor.during(() => php.pools.one.run(COUNT, { jar }));
    expect(first.map(({ command }) => command)).toEqual(['GET', 'SETEX']);
    await redis.client.get('of the test');
    const second = await monitor.during(() => php.pools.one.run('session_start();', { jar }));
    expect(second.map(({ command }) => command)).toEqual(['GET', 'EXPIRE']);
    expect(second[0]?.key).toBe(`PHPREDIS_SESSION:${jar.get('PHPSESSID')}`);
    expect(JSON.stringify(first)).not.toContain('n|i:1;');
    expect(first[1]?.args[2]).toBe('n|i:1;');
    monitor.stop();
  });
});

describe('redis', () => {
  it('comes back on the same port after a crash', async () => {
    const server = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } });
    await server.client.set('key', 'value');
    await server.kill();
    await server.restart();
    expect(await server.client.get('key')).toBe('value');
    await server.stop();
    expect(existsSync(server.folder)).toBe(false);
  });

  it('is watched behind a password, too', async () => {
    const server = await startRedis({ config: { requirepass: 'secret' } });
    const monitor = await redisMonitor(server);
    const other = server.connect();
    const seen = await monitor.during(() => other.set('key', 'value'));
    expect(seen.map(({ command }) => command)).toContain('SET');
    monitor.stop();
    await server.stop();
  });
});

describe('nginx', () => {
  let nginx: NginxService;
  afterAll(async () => {
    await nginx?.stop();
  });

  it('puts PHP pools behind one host, in turn', async () => {
    const folder = temporaryFolder('docroot');
    const { write } = { ...php.pools.one };
    write('index.php', `<?php ${COUNT}`);
    nginx = await startNginx({
      locations: { '/': { php: [php.pools.one, php.pools.one], docroot: php.pools.one.docroot } },
    });
    const jar = cookieJar();
    for (const expected of ['1 one', '2 one', '3 one']) {
      expect(await (await fetchWith(jar, `${nginx.url}/`)).text()).toBe(expected);
    }
    folder.remove();
  });
});

describe('the command line', () => {
  it('runs PHP source', () => {
    expect(runPhp('echo serialize(1.5), $argv[1];', { args: ['a'] }).toString()).toBe('d:1.5;a');
    expect(() => runPhp('exit(3);')).toThrow(/ended with 3/);
  });

  it('serves pages', async () => {
    const folder = temporaryFolder('docroot');
    const server = await startPhpServer({ docroot: folder.path });
    expect((await fetch(`${server.url}/none.php`)).status).toBe(404);
    await server.stop();
    folder.remove();
  });
});
