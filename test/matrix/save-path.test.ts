/** The table of save paths once more, with the phpredis of other PHPs, in containers. */
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, it } from 'vitest';
import { savePathSuite } from '../interop/config/save-path-suite.ts';

const folder = fileURLToPath(new URL('../../docker/php', import.meta.url));
const docker = spawnSync('docker', ['version']).status === 0;

const PHPS = [
  ['PHP 7.4, phpredis 5.3', 'bullseye', '127.83.1.2'],
  ['PHP 8.4, phpredis 6.2', 'trixie', '127.83.1.3'],
] as const;

if (docker) {
  for (const [title, suite, bareHost] of PHPS) {
    describe(title, () => {
      let image = '';
      beforeAll(() => {
        const build = spawnSync('docker', ['build', '-q', '--build-arg', `SUITE=${suite}`, folder]);
        if (build.status !== 0) throw new Error(`docker build failed: ${build.stderr}`);
        image = String(build.stdout).trim();
      }, 300_000);
      const mount = `${tmpdir()}:${tmpdir()}`;
      savePathSuite(
        title,
        // The host's network and temporary folder: the servers and their sockets are there.
        () => ['docker', 'run', '--rm', '-i', '--network', 'host', '-v', mount, image, 'php'],
        bareHost,
      );
    });
  }
} else {
  describe.skip('save paths, with other PHPs: needs Docker, which does not answer', () => {
    it('is skipped', () => {});
  });
}
