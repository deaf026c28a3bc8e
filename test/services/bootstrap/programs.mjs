// Finds the programs that the interop tests and the demo run: redis-server, PHP-FPM, the PHP
// command line and nginx. Plain JavaScript without dependencies, because the bootstrap runs before
// `npm ci` has installed anything.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

// The PATH of an ordinary Debian user has no sbin, where php-fpm and nginx live; Homebrew's sbin is
// not in every PATH either.
const EXTRA_FOLDERS = [
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
  '/usr/local/bin',
  '/usr/bin',
  '/opt/homebrew/bin',
  '/opt/homebrew/sbin',
  '/opt/homebrew/opt/php/bin',
  '/opt/homebrew/opt/php/sbin',
];

/** PHP extensions that the interop tests need; the demo alone gets by with `redis`. */
export const PHP_MODULES = ['redis', 'igbinary', 'msgpack'];

function folders() {
  return [...new Set([...(process.env.PATH ?? '').split(delimiter), ...EXTRA_FOLDERS])].filter(
    Boolean,
  );
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The first program of this name, or undefined. */
export function findProgram(name) {
  return folders()
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** All programs whose name matches, the plain name first, then the newest version first. */
function findVersions(pattern) {
  const found = new Map();
  for (const folder of folders()) {
    let names = [];
    try {
      names = readdirSync(folder);
    } catch {
      continue;
    }
    for (const name of names) {
      const match = pattern.exec(name);
      if (!match || found.has(name) || !isExecutable(join(folder, name))) continue;
      found.set(name, { file: join(folder, name), version: match[1] ?? '' });
    }
  }
  const number = (version) => (version === '' ? Number.POSITIVE_INFINITY : Number(version));
  return [...found.values()].sort((a, b) => number(b.version) - number(a.version));
}

/** Names of the compiled-in and loaded extensions, in lower case. */
export function phpModules(program) {
  const run = spawnSync(program, ['-m'], { encoding: 'utf8' });
  return new Set(
    (run.stdout ?? '')
      .split('\n')
      .map((line) => line.trim().toLowerCase())
      .filter((line) => line !== '' && !line.startsWith('[')),
  );
}

function lacking(program, modules) {
  const present = phpModules(program);
  return modules.filter((name) => !present.has(name));
}

/** Of several installed PHPs the first that has every module, else the one that lacks fewest. */
function bestPhp(candidates, modules) {
  let best;
  for (const file of candidates) {
    const missing = lacking(file, modules);
    if (missing.length === 0) return { file, missing };
    if (!best || missing.length < best.missing.length) best = { file, missing };
  }
  return best;
}

/** Chromium, or a browser that is driven in the same way. */
function findBrowser() {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const mac = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
  return names.map(findProgram).find(Boolean) ?? (isExecutable(mac) ? mac : undefined);
}

/**
 * Where the programs are. `PSB_REDIS_SERVER`, `PSB_PHP_FPM`, `PSB_PHP`, `PSB_NGINX` and
 * `PSB_CHROMIUM` name another one than the search would find.
 *
 * @param {readonly string[]} modules PHP extensions to look for
 */
export function findPrograms(modules = PHP_MODULES) {
  const fpm = bestPhp(
    process.env.PSB_PHP_FPM
      ? [process.env.PSB_PHP_FPM]
      : findVersions(/^php-fpm(\d+\.\d+)?$/).map(({ file }) => file),
    modules,
  );
  // The command line of the same version as FPM: fixtures and pages then speak of one PHP.
  const version = fpm && /(\d+\.\d+)$/.exec(fpm.file)?.[1];
  const cli = bestPhp(
    process.env.PSB_PHP
      ? [process.env.PSB_PHP]
      : [
          ...(version ? [findProgram(`php${version}`)] : []),
          ...findVersions(/^php(\d+\.\d+)?$/).map(({ file }) => file),
        ].filter(Boolean),
    modules,
  );
  return {
    redisServer:
      process.env.PSB_REDIS_SERVER ?? findProgram('redis-server') ?? findProgram('valkey-server'),
    phpFpm: fpm?.file,
    php: cli?.file,
    nginx: process.env.PSB_NGINX ?? findProgram('nginx'),
    chromium: process.env.PSB_CHROMIUM ?? findBrowser(),
    missingModules: [...new Set([...(fpm?.missing ?? []), ...(cli?.missing ?? [])])],
  };
}
