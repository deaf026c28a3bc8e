/**
 * fromPhpIni() against PHP itself: the same files, and what ini_get() then says.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  fromPhpIni,
  type PhpConfiguration,
  type PhpIniOptions,
} from '../../../src/config/php-ini.ts';
import { SessionManager } from '../../../src/config/session-manager.ts';
import { temporaryFolder } from '../../services/folder.ts';
import { phpRequest } from '../../services/php-request.ts';
import { freePort } from '../../services/port.ts';
import { startService } from '../../services/process.ts';
import { startRedis } from '../../services/redis.ts';
import { debianInis } from './debian-inis.ts';
import { REPORT } from './ini-report.ts';
import { type PhpUnderTest, printed, reported } from './php-under-test.ts';

/** Lines that are copied from page to page to bring PHP-FPM's sessions to Redis. */
const TUTORIAL_LINES: Readonly<Record<string, string>> = {
  'with a password': `session.save_handler = redis
session.save_path = "tcp://127.0.0.1:6379?auth=suasenha&timeout=5&persistent=1&weight=1&database=0&prefix=phpSession_&read_timeout=5&name=PHP_REDIS_SESSION"
`,
  'with what has to be escaped, and a lifetime': `[Session]
session.save_handler = redis
session.save_path = "tcp://10.0.0.5:6379?auth=p%40ss%26w%2Bd&timeout=2.5&read_timeout=2.5&database=3&persistent=1&prefix=phpSession_&name=PHP_REDIS_SESSION"
session.gc_maxlifetime = 3600 ; an hour
`,
};

/** @param start called once before the first case */
export function phpIniSuite(title: string, start: () => PhpUnderTest): void {
  describe(`fromPhpIni, ${title}: the same as ini_get()`, () => {
    const folder = temporaryFolder('ini');
    let php: PhpUnderTest;
    let phpredis: string;
    let version: number;
    let files = 0;
    beforeAll(() => {
      php = start();
      phpredis = printed(php, ['-r', "echo phpversion('redis');"]);
      version = Number(printed(php, ['-r', 'echo PHP_VERSION_ID;']));
    }, 300_000);
    afterAll(() => folder.remove());

    const newFolder = (): string => {
      const path = join(folder.path, String(files++));
      mkdirSync(join(path, 'conf.d'), { recursive: true });
      return path;
    };

    /** The extensions must be loaded: their folder of ini files comes first. */
    const scanned = (scanDirs: readonly string[]): string =>
      [php.extensions, ...scanDirs].join(':');

    /** With this php.ini, and with these scan directories behind PHP's own. */
    const compare = (
      ini: string,
      options: PhpIniOptions = {},
      scanDirs: readonly string[] = [],
    ): PhpConfiguration => {
      const found = fromPhpIni(ini, { phpredis, scanDir: scanned(scanDirs), ...options });
      const env = { PHP_INI_SCAN_DIR: scanned(scanDirs), ...(options.env as object) };
      const expected = reported(php, ['-c', ini], env);
      // Debian's PHP has a default of its own for the handler files.
      const builtIn = found.savePath === '' && expected['savePath'] === '/var/lib/php/sessions';
      expect(found).toEqual(builtIn ? { ...expected, savePath: '' } : expected);
      return found;
    };

    test.each(debianInis())('%s', (_title, text) => {
      const ini = join(newFolder(), 'php.ini');
      writeFileSync(ini, text);
      compare(ini);
    });

    test.each(Object.entries(TUTORIAL_LINES))('ini lines of tutorials: %s', (_, lines) => {
      const ini = join(newFolder(), 'php.ini');
      // As they say it: at the end of Debian's file.
      const [, debian = ''] = debianInis()[0] ?? [];
      writeFileSync(ini, `${debian}\n${lines}`);
      const found = compare(ini);
      expect(found.saveHandler).toBe('redis');
      expect(found.savePath).toMatch(/^tcp:\/\/.*prefix=phpSession_.*&name=PHP_REDIS_SESSION$/);
      // And what `php -i` prints with these lines.
      const env = { PHP_INI_SCAN_DIR: scanned([]) };
      expect(fromPhpIni(printed(php, ['-c', ini, '-i'], env))).toEqual(found);
    });

    test('every way to write a value', () => {
      const lines: Record<string, string> = {
        'session.save_handler': 'redis',
        'session.save_path': "'tcp://h:1?a=b&c=d'",
        'session.name': 'SHOP;comment',
        'session.cookie_path': '"/a;b"',
        'session.cookie_domain': 'x${PSB_HOST}.y ; comment',
        'session.cookie_secure': 'On',
        'session.cookie_httponly': '"yes"',
        'session.cookie_samesite': 'Strict',
        'session.use_strict_mode': 'TRUE',
        'session.lazy_write': 'off',
        'session.gc_maxlifetime': '+2000',
        'session.cookie_lifetime': '"3600"',
        'session.serialize_handler': 'php_serialize',
        'session.cache_limiter': '',
        'session.sid_length': '40',
        'session.sid_bits_per_character': '5',
        serialize_precision: '17',
        'redis.session.locking_enabled': '1',
        'redis.session.lock_expire': '60',
        'redis.session.lock_retries': '-1',
        'redis.session.lock_wait_time': '5000',
      };
      const ini = join(newFolder(), 'php.ini');
      const text = Object.entries(lines).map(([name, value]) => `${name}\t= ${value}\r\n`);
      writeFileSync(ini, `error_reporting = E_ALL & ~E_DEPRECATED & ~E_STRICT\n${text.join('')}`);
      compare(ini, { env: { PSB_HOST: 'shop' } });
    });

    test.each([
      ['"tcp://${PSB_HOST}:${PSB_PORT}?prefix=a"'],
      ['tcp://${PSB_HOST}:${PSB_PORT}'],
      ["'${PSB_HOST}'"],
      ['"\\${PSB_HOST}"'],
      ['"a\\${PSB_HOST}"'],
      ['"a" b "c"'],
      ['a b  c'],
      ['a ${PSB_HOST} b'],
      ['"a"${PSB_HOST}\'b\''],
      ['${PSB_NOT_THERE}x'],
      ['"a\\"b\\\\c\\d"'],
      ['"it\'s"'],
      ['"C:\\"'],
      ['a#b'],
      ['none'],
      ['NULL'],
      ['{x}[y]<z>@*,?:$v'],
      ['tcp://[::1]:6379'],
      ['"two\nlines"'],
      ['007'],
      ['"${session.name}x"'],
    ])('save_path = %s', (value) => {
      const ini = join(newFolder(), 'php.ini');
      writeFileSync(
        ini,
        `session.name = NAMED\nsession.save_path = ${value}\nsession.gc_maxlifetime = 99\n`,
      );
      const env = { PSB_HOST: 'red is', PSB_PORT: '6379' };
      if (value === '"\\${PSB_HOST}"' && version < 80100) {
        // PHP's own defect of that time: a backslash that stands first does not escape.
        expect(fromPhpIni(ini, { env }).savePath).toBe('${PSB_HOST}');
        const scan = { PHP_INI_SCAN_DIR: scanned([]) };
        expect(reported(php, ['-c', ini], { ...env, ...scan })['savePath']).toBe('\\red is');
        return;
      }
      compare(ini, { env });
    });

    test('handlers are found in any case', async () => {
      const redis = await startRedis();
      const ini = join(newFolder(), 'php.ini');
      writeFileSync(
        ini,
        `session.save_handler = Redis\nsession.serialize_handler = PHP_Serialize\n` +
          `session.save_path = "${redis.savePath()}"\nsession.use_cookies = 0\n`,
      );
      try {
        const env = { PHP_INI_SCAN_DIR: scanned([]) };
        const session = 'session_start(); $_SESSION["a"] = 1; session_write_close();';
        printed(php, ['-c', ini, '-r', `session_id("${'a'.repeat(32)}"); ${session}`], env);
        const sessions = new SessionManager({
          phpIni: { file: ini, env: {} },
          onWarning: () => {},
        });
        await sessions.run('a'.repeat(32), ({ variables }) => expect(variables).toEqual({ a: 1 }));
        await sessions.close();
        expect(compare(ini)).toMatchObject({
          saveHandler: 'redis',
          serializeHandler: 'php_serialize',
        });
      } finally {
        await redis.stop();
      }
    });

    test('the scan directory: in the order of names, above php.ini', () => {
      const path = newFolder();
      const ini = join(path, 'php.ini');
      const scanDir = join(path, 'conf.d');
      const more = newFolder();
      writeFileSync(
        ini,
        'session.name = A\nsession.gc_maxlifetime = 1\nsession.cookie_path = /a\n',
      );
      writeFileSync(join(scanDir, '10-x.ini'), 'session.name = B\nsession.gc_maxlifetime = 2\n');
      writeFileSync(join(scanDir, '9-x.ini'), 'session.name = C\n');
      writeFileSync(join(scanDir, 'Z.ini'), 'session.cookie_domain = z\n');
      writeFileSync(join(scanDir, 'a.ini'), 'session.cookie_domain = a\n');
      writeFileSync(join(scanDir, 'x.ini.bak'), 'session.name = NO\n');
      writeFileSync(
        join(more, 'x.ini'),
        '[x]\nsession.gc_maxlifetime = 3\n[HOST=x]\nsession.name = NO\n[x]\nsession.name = NO\n',
      );
      compare(ini, {}, [scanDir]);
      compare(ini, {}, [scanDir, more]);
      compare(ini, {}, ['/nowhere', more, scanDir]);
      // Beside a php.ini of its own it is found without being named; false reads none.
      expect(fromPhpIni(ini, { env: {} })).toMatchObject({ name: 'C', gcMaxlifetime: 2 });
      expect(fromPhpIni(ini, { scanDir: false })).toMatchObject({ name: 'A' });
      expect(fromPhpIni(ini, { env: { PHP_INI_SCAN_DIR: `:${more}` } })).toMatchObject({
        name: 'C',
        gcMaxlifetime: 3,
      });
    });

    test('the output of php -i, whatever came from where', () => {
      const settings = [
        '-d',
        'session.save_handler=redis',
        '-d',
        'session.save_path="tcp://h:1?auth=a=>b&prefix=x => y"',
        '-d',
        'session.cookie_secure=1',
        '-d',
        'session.cookie_domain=',
        '-d',
        'redis.session.locking_enabled=1',
        '-d',
        'session.gc_maxlifetime=777',
      ];
      const run = (...args: string[]): string => printed(php, [...settings, ...args]);
      const expected = reported(php, settings);
      expect(expected).toMatchObject({ savePath: 'tcp://h:1?auth=a=>b&prefix=x => y' });
      expect(fromPhpIni(run('-i'))).toEqual(expected);
      expect(fromPhpIni(run('-r', 'phpinfo();'))).toEqual(expected);
    });

    test.each(['77', ' 77', '2K', '010', '0x10', '1e3', '99.9'])(
      'gc_maxlifetime = "%s": the TTL that phpredis sets',
      async (value) => {
        const redis = await startRedis();
        try {
          printed(php, [
            ...[
              '-d',
              'session.save_handler=redis',
              '-d',
              `session.save_path="${redis.savePath()}"`,
            ],
            ...['-d', 'session.use_cookies=0', '-d', `session.gc_maxlifetime=${value}`, '-r'],
            'session_id("abcdefgh"); session_start(); $_SESSION["a"] = 1; session_write_close();',
          ]);
          const ttl = Math.ceil((await redis.client.pttl('PHPREDIS_SESSION:abcdefgh')) / 1000);
          expect(fromPhpIni(`session.gc_maxlifetime = "${value}"\n`).gcMaxlifetime).toBe(ttl);
        } finally {
          await redis.stop();
        }
      },
    );

    test("an FPM pool's values, and phpinfo() of it as a page", async () => {
      const path = newFolder();
      const ini = join(path, 'php.ini');
      const port = await freePort();
      writeFileSync(
        ini,
        'session.name = FROM_INI\nsession.cookie_path = /ini\nsession.save_handler = files\n',
      );
      writeFileSync(join(path, 'report.php'), `<?php ${REPORT}`);
      writeFileSync(join(path, 'info.php'), '<?php phpinfo();');
      const root = process.getuid?.() === 0;
      const pool = join(path, 'www.conf');
      writeFileSync(
        pool,
        `[global]
error_log = ${join(path, 'log')}
[shop]
listen = 127.0.0.1:${port}
${root ? 'user = root\ngroup = root' : ''}
pm = static
pm.max_children = 1
php_value[session.save_handler] = redis
php_admin_value[session.save_path] = "tcp://h:1?prefix=$pool:&weight=2"
php_value[session.save_path] = "later"
php_value[session.name] = "A$pool"
php_flag[session.use_strict_mode] = yes
php_flag[session.lazy_write] = off
php_admin_flag[session.cookie_secure] = 1
php_value[session.cookie_httponly] = On
php_value[session.cookie_samesite] = "None"
php_value[session.gc_maxlifetime] = 60
`,
      );
      const env = { PHP_INI_SCAN_DIR: php.extensions };
      const [file, ...before] = php.fpm(env);
      const fpm = await startService({
        program: file,
        args: [
          ...before,
          '--nodaemonize',
          '-c',
          ini,
          '--fpm-config',
          pool,
          ...(root ? ['--allow-to-run-as-root'] : []),
        ],
        cwd: path,
        log: join(path, 'log'),
        env: { ...process.env, ...env },
        ready: (service) => /ready to handle connections/.test(service.output()),
      });
      try {
        const address = { host: '127.0.0.1', port, docroot: path };
        const answer = await phpRequest(address, 'report.php');
        const options = { scanDir: php.extensions, phpredis };
        expect(fromPhpIni(ini, { ...options, fpmPool: pool })).toEqual(answer.json());
        expect(fromPhpIni(ini, { ...options, fpmPool: pool, pool: 'shop' })).toEqual(answer.json());
        const info = await phpRequest(address, 'info.php');
        expect(info.body).toContain('<td class="e">');
        expect(fromPhpIni(info.body)).toEqual(answer.json());
      } finally {
        await fpm.stop();
      }
    });
  });
}
