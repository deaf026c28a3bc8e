import { execFileSync } from 'node:child_process';
import { program } from '../../services/programs.ts';
import { REPORT } from './ini-report.ts';

export type Environment = Readonly<Record<string, string>>;

/** How a program is started: the command and what comes after it. */
export type Command = readonly [program: string, ...args: string[]];

/** Some PHP that is asked what it makes of its configuration. */
export interface PhpUnderTest {
  /** Its command line, with these variables in its environment; it sees the temporary folder. */
  command(env: Environment): Command;
  /** Its FPM likewise; its pages are reached by the loopback interface. */
  fpm(env: Environment): Command;
  /** The scan directory that loads its extensions, where both it and the test find it. */
  readonly extensions: string;
}

/** What PHP printed. Its messages go elsewhere: 8.4 calls some of the settings deprecated. */
export function printed(php: PhpUnderTest, args: readonly string[], env: Environment = {}): string {
  const [file, ...before] = php.command(env);
  return execFileSync(file, [...before, '-d', 'display_errors=stderr', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 16 * 1024 * 1024,
  }).toString();
}

/** ini_get() of everything that fromPhpIni() answers. */
export function reported(
  php: PhpUnderTest,
  args: readonly string[],
  env: Environment = {},
): Record<string, unknown> {
  return JSON.parse(printed(php, [...args, '-r', REPORT], env));
}

/** The PHP of this machine. */
export function installedPhp(): PhpUnderTest {
  const scanDir = execFileSync(program('php'), ['-r', 'echo PHP_CONFIG_FILE_SCAN_DIR;'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return {
    command: () => [program('php')],
    fpm: () => [program('phpFpm')],
    extensions: scanDir.toString(),
  };
}
