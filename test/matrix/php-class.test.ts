/** The PHP package's own tests under every PHP that it supports, each in Debian's container of that time. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SUITES = { bullseye: '7.4', bookworm: '8.2', trixie: '8.4' };

const available = spawnSync('docker', ['version']).status === 0;

function docker(...args: string[]): string {
  const run = spawnSync('docker', args);
  if (run.status !== 0) throw new Error(`docker ${args[0]} failed: ${run.stdout}${run.stderr}`);
  return run.stdout.toString().trim();
}

if (available) {
  describe('the PHP package', () => {
    const network = `psb-php-class-${process.pid}`;
    let redis = '';
    beforeAll(() => {
      docker('network', 'create', network);
      const name = ['--network', network, '--network-alias', 'redis'];
      redis = docker('run', '-d', '--rm', ...name, 'redis:8', 'redis-server', '--save', '');
    });
    afterAll(() => {
      if (redis !== '') docker('rm', '-f', redis);
      docker('network', 'rm', network);
    });

    test.each(Object.entries(SUITES))('passes its tests on Debian %s: PHP %s', (suite, php) => {
      const image = docker('build', '-q', '--build-arg', `SUITE=${suite}`, `${ROOT}docker/php`);
      const sources = ['-v', `${ROOT}php:/package/php:ro`, '-v', `${ROOT}test:/package/test:ro`];
      const settings = ['--network', network, '-e', 'PSB_REDIS=redis:6379', ...sources];
      const said = docker('run', '--rm', ...settings, image, 'php', '/package/php/tests/run.php');
      expect(said).toMatch(new RegExp(`^PHP ${php}\\S+, phpredis \\S+: \\d{3,} tests, 0 failed$`));
    });
  });
} else {
  describe.skip('the PHP package: needs Docker, which does not answer', () => {
    test('is skipped', () => {});
  });
}
