// What is missing on this machine, and what a person has to do about it.

import { existsSync } from 'node:fs';
import { platform } from 'node:os';
import { findPrograms, PHP_MODULES } from './programs.mjs';

/** @typedef {{ name: string, debian: string }} Missing */

/**
 * Programs and PHP extensions that are not there, with the Debian package that brings each.
 *
 * @param {readonly string[]} modules
 * @param {{ browser?: boolean }} options `browser`: Chromium, too
 * @returns {Missing[]}
 */
export function missingRequirements(modules = PHP_MODULES, { browser = false } = {}) {
  const found = findPrograms(modules);
  const missing = [];
  if (!found.redisServer) missing.push({ name: 'redis-server', debian: 'redis-server' });
  if (!found.phpFpm) missing.push({ name: 'php-fpm', debian: 'php-fpm' });
  if (!found.php) missing.push({ name: 'php', debian: 'php-cli' });
  // Without any PHP the list of its extensions is unknown, so all of them are asked for.
  const extensions = found.phpFpm || found.php ? found.missingModules : modules;
  for (const name of extensions) {
    missing.push({ name: `the PHP extension ${name}`, debian: `php-${name}` });
  }
  if (!found.nginx) missing.push({ name: 'nginx', debian: 'nginx' });
  if (browser && !found.chromium) missing.push({ name: 'chromium', debian: 'chromium' });
  return missing;
}

/** Debian, Ubuntu and what derives from them. */
export function isDebian() {
  return (
    platform() === 'linux' && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get')
  );
}

/** The exact command that installs the missing packages on Debian and Ubuntu. */
export function debianCommand(missing, sudo = false) {
  const packages = missing.map(({ debian }) => debian).join(' ');
  const prefix = sudo ? 'sudo ' : '';
  return (
    `${prefix}apt-get update && ${prefix}${sudo ? 'env ' : ''}DEBIAN_FRONTEND=noninteractive ` +
    `apt-get install -y --no-install-recommends ${packages}`
  );
}

/**
 * One sentence: what is missing and how to get it on this system.
 *
 * @param {Missing[]} missing
 */
export function instruction(missing) {
  const names = missing.map(({ name }) => name).join(', ');
  const docker = 'or use Docker: `npm run demo -- --docker` brings everything up in containers';
  if (isDebian()) {
    return `Missing: ${names}. Install with \`${debianCommand(missing, process.getuid?.() !== 0)}\`, ${docker}.`;
  }
  if (platform() === 'darwin') {
    return (
      `Missing: ${names}. Install with \`brew install redis php nginx && ` +
      `pecl install redis igbinary msgpack\`, ${docker}.`
    );
  }
  return (
    `Missing: ${names}. Install Redis, PHP-FPM with the extensions redis, igbinary and msgpack, ` +
    `and nginx with your system's package manager, ${docker}.`
  );
}
