/**
 * The interop suite over Redis 6, 7, 8 and Valkey 8. The server is taken out of its image and run
 * as a process of this machine, so that the tests can stop, freeze and kill it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../services/folder.ts';

const IMAGES = ['redis:6', 'redis:7', 'redis:8', 'valkey/valkey:8'] as const;
const SUITES = ['save-handler', 'model', 'config', 'concurrency', 'adapters'];

/** What these expect was written down for newer servers. */
const COUNTING = '^((?!commands to Redis|round trips|ACL that forbids the command).)*$';

const usable =
  process.platform === 'linux' &&
  spawnSync('docker', ['version'], { stdio: 'ignore' }).status === 0;

describe.skipIf(!usable)(
  `Redis versions${usable ? '' : ': skipped, needs Linux and a Docker engine'}`,
  () => {
    const folders: { remove(): void }[] = [];
    afterAll(() => {
      for (const folder of folders) folder.remove();
    });

    it.each(IMAGES)('%s', { timeout: 900_000 }, (image) => {
      const folder = temporaryFolder('image');
      folders.push(folder);
      const run = spawnSync(
        process.execPath,
        [
          'node_modules/vitest/vitest.mjs',
          'run',
          '--project',
          'interop',
          ...SUITES.map((name) => `test/interop/${name}/`),
          ...(image === 'redis:6' ? ['-t', COUNTING] : []),
        ],
        {
          env: { ...process.env, PSB_REDIS_SERVER: unpack(image, folder.path), NO_COLOR: '1' },
          encoding: 'utf8',
          maxBuffer: 64 * 1024 * 1024,
        },
      );
      const failed = run.stdout.split('\n').filter((line) => /^\s*(FAIL|×)/.test(line));
      expect({ status: run.status, failed }).toEqual({ status: 0, failed: [] });
      console.log(
        image,
        run.stdout
          .split('\n')
          .find((line) => /^\s*Tests /.test(line))
          ?.trim(),
      );
    });
  },
);

/** A script that runs the image's server with the image's own libraries. */
function unpack(image: string, folder: string): string {
  const id = execFileSync('docker', ['create', image], { encoding: 'utf8' }).trim();
  try {
    execFileSync('sh', [
      '-c',
      `docker export "$1" | tar -x -C "$2" --exclude=dev --exclude=proc --exclude=sys`,
      'sh',
      id,
      folder,
    ]);
  } finally {
    execFileSync('docker', ['rm', id], { stdio: 'ignore' });
  }
  const places = ['usr/local/bin', 'usr/bin'].flatMap((path) =>
    ['redis-server', 'valkey-server'].map((name) => join(folder, path, name)),
  );
  const server = places.find((file) => existsSync(file));
  const triples = readdirSync(join(folder, 'usr/lib')).filter((name) =>
    name.endsWith('-linux-gnu'),
  );
  const libraries = triples.flatMap((name) => [
    join(folder, 'usr/lib', name),
    join(folder, 'lib', name),
  ]);
  const loader = libraries
    .flatMap((path) => (existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : []))
    .find((file) => /\/ld-linux[^/]*\.so\.\d$/.test(file));
  if (server === undefined || loader === undefined)
    throw new Error(`${image} has no server for this machine`);
  const script = join(folder, 'run-server');
  writeFileSync(
    script,
    `#!/bin/sh\nexec '${loader}' --library-path '${libraries.join(':')}' '${server}' "$@"\n`,
  );
  chmodSync(script, 0o755);
  return script;
}
