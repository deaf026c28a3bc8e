import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { program } from '../../services/programs.ts';

const folder = fileURLToPath(new URL('../../fixtures/php-ini/', import.meta.url));

/** The php.ini of Debian's PHP 7.4, 8.2 and 8.4 without its comments, and the installed one with them. */
export function debianInis(): (readonly [title: string, text: string])[] {
  const kept = readdirSync(folder).map(
    (name) => [name, readFileSync(folder + name, 'utf8')] as const,
  );
  const installed = execFileSync(program('php'), ['-r', 'echo php_ini_loaded_file();']).toString();
  return installed === ''
    ? kept
    : [...kept, ['the installed one', readFileSync(installed, 'utf8')]];
}
