/**
 * fromPhpIni() with the PHPs of Debian 11, 12 and 13, in containers: the cases of the interop suite,
 * and the php.ini and scan directory that each of them really has, for the command line and for FPM.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromPhpIni } from '../../src/index.ts';
import { REPORT } from '../interop/config/ini-report.ts';
import { phpIniSuite } from '../interop/config/php-ini-suite.ts';
import {
  type Environment,
  type PhpUnderTest,
  printed,
  reported,
} from '../interop/config/php-under-test.ts';
import { temporaryFolder } from '../services/folder.ts';
import { phpRequest } from '../services/php-request.ts';
import { freePort } from '../services/port.ts';
import { startService } from '../services/process.ts';

const SOURCES = fileURLToPath(new URL('../../docker/php', import.meta.url));
const PHPS = { bullseye: '7.4', bookworm: '8.2', trixie: '8.4' };
/** What the images set for FPM alone. */
const OF_THE_IMAGE = { saveHandler: 'redis', lockingEnabled: true };
const TUTORIAL = {
  saveHandler: 'redis',
  savePath:
    'tcp://127.0.0.1:6379?auth=suasenha&timeout=5&persistent=1&weight=1&database=0&prefix=phpSession_&read_timeout=5&name=PHP_REDIS_SESSION',
};

const available = spawnSync('docker', ['version']).status === 0;

function docker(...args: string[]): string {
  return execFileSync('docker', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    .toString()
    .trim();
}

interface Container extends PhpUnderTest {
  /** Where its /etc/php/<version> was copied to: cli/php.ini, cli/conf.d, fpm/php.ini … */
  readonly etc: string;
  stop(): void;
}

/** A container that shares the temporary folder and the network, so that both sides read the same files. */
function start(suite: string, version: string): Container {
  const image = docker('build', '-q', '--build-arg', `SUITE=${suite}`, SOURCES);
  const folder = temporaryFolder('etc-php');
  const shared = ['--network', 'host', '-v', `${tmpdir()}:${tmpdir()}`];
  const id = docker('run', '-d', '--rm', '--init', ...shared, image, 'sleep', 'infinity');
  // The links of conf.d point to places that only the container has.
  execFileSync('sh', [
    '-c',
    'docker exec "$1" tar -C "/etc/php/$2" -ch cli fpm | tar -C "$3" -x',
    ...['sh', id, version, folder.path],
  ]);
  const variables = (env: Environment): string[] =>
    Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  return {
    command: (env) => ['docker', 'exec', ...variables(env), id, 'php'],
    fpm: (env) => ['docker', 'run', '--rm', ...shared, ...variables(env), image, 'php-fpm'],
    extensions: join(folder.path, 'cli/conf.d'),
    etc: folder.path,
    stop() {
      docker('rm', '-f', id);
      folder.remove();
    },
  };
}

if (available) {
  for (const [suite, version] of Object.entries(PHPS)) {
    describe(`PHP ${version}`, () => {
      let php: Container;
      let phpredis: string;
      beforeAll(() => {
        php = start(suite, version);
        phpredis = printed(php, ['-r', "echo phpversion('redis');"]);
        expect(printed(php, ['-r', 'echo PHP_VERSION;'])).toMatch(new RegExp(`^${version}\\.`));
      }, 300_000);
      afterAll(() => php?.stop());

      phpIniSuite(`PHP ${version}`, () => php);

      it('the command line, with the php.ini and the scan directory that it came with', () => {
        const names = readdirSync(join(php.etc, 'cli/conf.d'));
        expect(names.join()).toMatch(/igbinary\.ini.*redis\.ini/);
        const found = fromPhpIni(join(php.etc, 'cli/php.ini'), { env: {}, phpredis });
        const expected = reported(php, []);
        expect(expected).toMatchObject({ saveHandler: 'files', savePath: '/var/lib/php/sessions' });
        expect(found).toEqual({ ...expected, savePath: '' });
        expect(fromPhpIni(printed(php, ['-i']))).toEqual(expected);
      });

      /** FPM as it is there, with this at the end of its php.ini and of the pool. */
      const askFpm = async (ofIni: string, ofPool: string) => {
        const folder = mkdtempSync(join(php.etc, 'fpm-'));
        const port = await freePort();
        writeFileSync(join(folder, 'report.php'), `<?php ${REPORT}`);
        writeFileSync(join(folder, 'info.php'), '<?php phpinfo();');
        const etc = join(folder, 'etc');
        execFileSync('cp', ['-r', join(php.etc, 'fpm'), etc]);
        appendFileSync(join(etc, 'php.ini'), ofIni);
        const pool = join(folder, 'www.conf');
        writeFileSync(
          pool,
          `[global]\nerror_log = ${join(folder, 'log')}\n[www]\nlisten = 127.0.0.1:${port}\n` +
            `user = root\ngroup = root\npm = static\npm.max_children = 1\n${ofPool}`,
        );
        // Without a word about it FPM reads /etc/php/<version>/fpm, as it does on a server.
        const own = ofIni === '';
        const env: Environment = own ? {} : { PHP_INI_SCAN_DIR: join(etc, 'conf.d') };
        const [file, ...before] = php.fpm(env);
        const fpm = await startService({
          program: file,
          args: [
            ...[...before, '--nodaemonize', '--allow-to-run-as-root', '--fpm-config', pool],
            ...(own ? [] : ['-c', join(etc, 'php.ini')]),
          ],
          cwd: folder,
          log: join(folder, 'log'),
          ready: (service) => /ready to handle connections/.test(service.output()),
          timeout: 60_000,
        });
        try {
          const address = { host: '127.0.0.1', port, docroot: folder };
          const report = (await phpRequest(address, 'report.php')).json();
          const found = fromPhpIni(join(etc, 'php.ini'), { env: {}, phpredis, fpmPool: pool });
          const info = (await phpRequest(address, 'info.php')).body;
          expect(fromPhpIni(info)).toEqual(report);
          return { found, report };
        } finally {
          await fpm.stop();
        }
      };

      it('FPM, with the php.ini and the scan directory that it came with', async () => {
        const { found, report } = await askFpm('', '');
        expect(found).toEqual(report);
        expect(found).toMatchObject(OF_THE_IMAGE);
      });

      const line = `session.save_handler = ${TUTORIAL.saveHandler}\nsession.save_path = "${TUTORIAL.savePath}"\n`;

      it("a tutorial's lines at the end of FPM's php.ini: the scan directory stands above", async () => {
        const { found, report } = await askFpm(`\n${line}`, '');
        expect(found).toEqual(report);
        expect(found.savePath).not.toBe(TUTORIAL.savePath);
      });

      it("the same in the pool, in place of the pool's own lines for files", async () => {
        const red = [
          'php_value[session.save_handler] = files',
          'php_value[session.save_path]    = /var/lib/php/session',
          'php_value[soap.wsdl_cache_dir]  = /var/lib/php/wsdlcache',
        ];
        const kept = await askFpm('', `${red.join('\n')}\n`);
        expect(kept.found).toEqual(kept.report);
        expect(kept.found).toMatchObject({
          saveHandler: 'files',
          savePath: '/var/lib/php/session',
        });
        const values = Object.entries({
          'session.save_handler': 'redis',
          'session.save_path': `"${TUTORIAL.savePath}"`,
        }).map(([name, value]) => `php_value[${name}] = ${value}`);
        const changed = await askFpm('', `;${red.join('\n;')}\n${values.join('\n')}\n`);
        expect(changed.found).toEqual(changed.report);
        expect(changed.found).toMatchObject(TUTORIAL);
      });
    });
  }
} else {
  describe.skip('php.ini, with other PHPs: needs Docker, which does not answer', () => {
    it('is skipped', () => {});
  });
}
