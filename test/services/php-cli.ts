import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';
import { BASE_INI, iniValue, type PhpIni } from './php-ini.ts';
import { accepts, LOOPBACK, withFreePorts } from './port.ts';
import { startService } from './process.ts';
import { program } from './programs.ts';

export interface PhpCliOptions {
  ini?: PhpIni;
  args?: readonly string[];
  /** What the script reads from php://stdin. */
  input?: string | Uint8Array;
  env?: Readonly<Record<string, string>>;
}

/** Runs PHP source (without `<?php`) on the command line and answers what it printed; throws if it failed. */
export function runPhp(source: string, options: PhpCliOptions = {}): Buffer {
  return php(['-r', source], options);
}

/** Runs a PHP file on the command line and answers what it printed; throws if it failed. */
export function runPhpFile(file: string, options: PhpCliOptions = {}): Buffer {
  return php([file], options);
}

function php(what: readonly string[], options: PhpCliOptions): Buffer {
  const run = spawnSync(
    program('php'),
    [...iniArguments(options.ini), ...what, ...(options.args ? ['--', ...options.args] : [])],
    {
      env: { ...process.env, ...options.env },
      maxBuffer: 256 * 1024 * 1024,
      ...(options.input === undefined ? {} : { input: options.input }),
    },
  );
  if (run.error) throw run.error;
  if (run.status !== 0) {
    throw new Error(`php ended with ${run.signal ?? run.status}: ${run.stderr}${run.stdout}`);
  }
  return run.stdout;
}

function iniArguments(ini: PhpIni = {}): string[] {
  return Object.entries({ ...BASE_INI, ...ini }).flatMap(([name, value]) => [
    '-d',
    `${name}=${iniValue(value)}`,
  ]);
}

export interface PhpServer {
  readonly url: string;
  readonly port: number;
  /** Its access log and PHP's errors. */
  output(): string;
  stop(): Promise<void>;
}

/** `php -S`: PHP's own web server, enough where no FPM is needed; one request at a time. */
export async function startPhpServer(options: {
  docroot: string;
  ini?: PhpIni;
  env?: Readonly<Record<string, string>>;
}): Promise<PhpServer> {
  const folder = temporaryFolder('php-server');
  try {
    return await withFreePorts(1, async ([port = 0]) => {
      const service = await startService({
        program: program('php'),
        args: [...iniArguments(options.ini), '-S', `${LOOPBACK}:${port}`, '-t', options.docroot],
        cwd: options.docroot,
        log: join(folder.path, 'php.log'),
        env: { ...process.env, ...options.env },
        ready: () => accepts(port),
      });
      return {
        url: `http://${LOOPBACK}:${port}`,
        port,
        output: () => service.output(),
        async stop() {
          await service.stop();
          folder.remove();
        },
      };
    });
  } catch (error) {
    folder.remove();
    throw error;
  }
}
