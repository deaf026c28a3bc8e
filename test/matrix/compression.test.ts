/** The same agreement with phpredis 6.2, the first whose save handler compresses: in a container. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, it } from 'vitest';
import { describePhpredisCompression } from '../codec/compression/phpredis.ts';

const folder = fileURLToPath(new URL('../../docker/php', import.meta.url));
const docker = spawnSync('docker', ['version']).status === 0;

if (docker) {
  let image = '';
  beforeAll(() => {
    const build = spawnSync('docker', ['build', '-q', '--build-arg', 'SUITE=trixie', folder]);
    if (build.status !== 0) throw new Error(`docker build failed: ${build.stderr}`);
    image = String(build.stdout).trim();
  }, 300_000);
  describePhpredisCompression('compression, with phpredis 6.2 on PHP 8.4', () => [
    'docker',
    'run',
    '--rm',
    '-i',
    image,
    'php',
    '-r',
  ]);
} else {
  describe.skip('compression, with phpredis 6.2 on PHP 8.4: needs Docker, which does not answer', () => {
    it('is skipped', () => {});
  });
}
