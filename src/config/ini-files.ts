/**
 * Which ini settings PHP has in the end: php.ini, then the files of the scan directory, then what
 * FPM's pool says.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { BridgeError } from '../errors.ts';
import { type IniVariable, parseIni } from './ini-syntax.ts';

/** Settings by their ini name, values as `ini_get()` would show them. */
export type IniSettings = Map<string, string>;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Is this name one that matters here? The rest of php.ini is nobody's business. */
export type IsWanted = (name: string) => boolean;

export interface IniContext {
  readonly settings: IniSettings;
  readonly env: Environment;
  readonly isWanted: IsWanted;
}

/** Adds what one file or text says. */
export function readIniText(text: string, source: string, context: IniContext): void {
  const { settings, isWanted } = context;
  let special = false;
  for (const entry of parseIni(text, variableOf(context), source)) {
    const { section, name, value, line } = entry;
    // [HOST=…] and [PATH=…] concern some requests only; no other section ends them (seen).
    special ||= /^(HOST|PATH)=/i.test(section);
    if (special || !isWanted(name)) continue;
    if (value === undefined) throw unreadable(source, line, name, entry.problem);
    settings.set(name, value);
  }
}

/** Adds php.ini and, as PHP does, every `*.ini` of the scan directories in order of their names. */
export function readIniFile(
  file: string,
  scanDir: string | false | undefined,
  context: IniContext,
): void {
  readIniText(readText(file), file, context);
  for (const folder of scanFolders(file, scanDir, context.env)) {
    let names: string[];
    try {
      names = readdirSync(folder).filter((name) => name.endsWith('.ini'));
    } catch {
      // PHP passes over a scan directory that is not there.
      continue;
    }
    for (const name of names.sort(byBytes)) {
      const path = join(folder, name);
      // mods-available may have lost a file whose link is still here.
      if (existsSync(path)) readIniText(readText(path), path, context);
    }
  }
}

/**
 * PHP_INI_SCAN_DIR: directories with `:` between them, an empty one stands for the built-in one.
 * Where that is PHP knows from its build: beside php.ini as `conf.d` (Debian, the Docker images)
 * or `php.d` (Red Hat).
 */
function scanFolders(
  file: string,
  scanDir: string | false | undefined,
  env: Environment,
): string[] {
  if (scanDir === false) return [];
  const builtIn = ['conf.d', 'php.d']
    .map((name) => join(dirname(file), name))
    .filter((folder) => existsSync(folder));
  const wanted = scanDir ?? env['PHP_INI_SCAN_DIR'];
  // Without a word about it, only what is called php.ini has a scan directory.
  if (wanted === undefined) return /^php.*\.ini$/.test(basename(file)) ? builtIn : [];
  if (wanted === '') return [];
  return wanted.split(delimiter).flatMap((folder) => (folder === '' ? builtIn : [folder]));
}

/**
 * Adds `php_value`, `php_flag` and their admin forms of one pool. FPM lets nothing override an
 * admin value.
 */
export function readFpmPool(file: string, pool: string | undefined, context: IniContext): void {
  const { settings, isWanted } = context;
  const found = new Set<string>();
  const admin = new Set<string>();
  for (const entry of parseIni(readText(file), variableOf(context), file)) {
    const { section, line } = entry;
    const match = /^php_(admin_)?(value|flag)\[(.*)\]$/.exec(entry.name);
    if (section === '' || section === 'global') continue;
    found.add(section);
    const name = match?.[3]?.trim();
    if (match === null || name === undefined || !isWanted(name)) continue;
    if (pool !== undefined && section !== pool) continue;
    if (entry.value === undefined) throw unreadable(file, line, entry.name, entry.problem);
    if (match[1] === undefined && admin.has(name)) continue;
    if (match[1] !== undefined) admin.add(name);
    const value = entry.value.replaceAll('$pool', section);
    settings.set(name, match[2] === 'flag' ? flag(value) : value);
  }
  if (pool !== undefined ? !found.has(pool) : found.size > 1) {
    throw new BridgeError(
      'ERR_PSB_PHP_INI',
      `${file} has the pools ${[...found].join(', ') || '(none)'}; name one of them with the option pool`,
    );
  }
}

/** FPM writes 1 or 0 for a flag. */
function flag(value: string): string {
  return /^(1|yes|true|on)$/i.test(value) ? '1' : '0';
}

function variableOf({ settings, env }: IniContext): IniVariable {
  return (name) => settings.get(name) ?? env[name];
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new BridgeError('ERR_PSB_PHP_INI', `cannot read ${file}`, { cause });
  }
}

/** The value is not shown: a save path may hold a password. */
function unreadable(source: string, line: number, name: string, problem = 'no value'): BridgeError {
  return new BridgeError(
    'ERR_PSB_PHP_INI',
    `${source}, line ${line}: ${name} has ${problem}, which PHP does not read as a text; ` +
      `put the value in double quotes: ${name} = "…"`,
  );
}

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
