import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastCgiAddress } from './fastcgi.ts';
import { temporaryFolder } from './folder.ts';
import { BASE_INI, iniValue, type PhpIni } from './php-ini.ts';
import { type PhpAnswer, type PhpRequest, phpRequest } from './php-request.ts';
import { LOOPBACK, withFreePorts } from './port.ts';
import { startService } from './process.ts';
import { program } from './programs.ts';

export interface PoolOptions {
  /** ini settings of this pool, on top of `BASE_INI`; a page can still change them by ini_set(). */
  ini?: PhpIni;
  /** Folder with the pages; without it an empty one of its own. */
  docroot?: string;
  /** Environment of the pages: `getenv()`. Nothing else is passed on. */
  env?: Readonly<Record<string, string>>;
  /** How many requests this pool answers at once (8). */
  children?: number;
}

/** One pool of PHP-FPM: a PHP service with its own configuration and port. */
export interface PhpPool extends FastCgiAddress {
  readonly name: string;
  readonly docroot: string;
  /** Puts a page into the docroot; answers its name for `request`. */
  write(script: string, source: string): string;
  /** Calls a page; see `phpRequest`. */
  request(script: string, request?: PhpRequest): Promise<PhpAnswer>;
  /** Runs PHP source (without `<?php`) as a page of its own. */
  run(source: string, request?: PhpRequest): Promise<PhpAnswer>;
}

export interface PhpService<Name extends string> {
  readonly pools: Readonly<Record<Name, PhpPool>>;
  readonly pid: number;
  /** FPM's own log. */
  output(): string;
  /** SIGKILL to FPM and with it all pools. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts one PHP-FPM with a pool for every configuration that the test needs, each on its own
 * loopback port. Works as root (the pages then run as root, too) and as an ordinary user.
 *
 * @example
 * const php = await startPhp({
 *   pools: {
 *     locking: {
 *       ini: {
 *         'session.save_handler': 'redis',
 *         'session.save_path': redis.savePath('prefix=PHPREDIS_SESSION:'),
 *         'redis.session.locking_enabled': true,
 *       },
 *     },
 *   },
 * });
 * const jar = cookieJar();
 * const answer = await php.pools.locking.run('session_start(); $_SESSION["a"] = 1; echo "ok";', { jar });
 * await php.stop();
 */
export async function startPhp<Name extends string>(options: {
  pools: Readonly<Record<Name, PoolOptions>>;
  /** FPM's program, to test with another PHP than the one that was found. */
  phpFpm?: string;
}): Promise<PhpService<Name>> {
  const folder = temporaryFolder('php');
  const names = Object.keys(options.pools) as Name[];
  const log = join(folder.path, 'fpm.log');
  try {
    const { service, ports } = await withFreePorts(names.length, async (free) => {
      const config = join(folder.path, 'fpm.conf');
      writeFileSync(
        config,
        `[global]\nerror_log = ${log}\npid = ${join(folder.path, 'fpm.pid')}\n` +
          names.map((name, at) => poolText(name, options.pools[name], free[at] ?? 0)).join(''),
      );
      const started = await startService({
        program: options.phpFpm ?? program('phpFpm'),
        args: [
          '--nodaemonize',
          '--fpm-config',
          config,
          ...(isRoot() ? ['--allow-to-run-as-root'] : []),
        ],
        cwd: folder.path,
        // FPM's own log and what it says before it has opened it come together in one file.
        log,
        // FPM writes this line after it has bound every port.
        ready: (running) => /ready to handle connections/.test(running.output()),
      });
      return { service: started, ports: free };
    });
    const pools = Object.fromEntries(
      names.map((name, at) => {
        const docroot = options.pools[name].docroot ?? join(folder.path, `${at}`);
        mkdirSync(docroot, { recursive: true });
        return [name, pool(name, docroot, ports[at] ?? 0, join(folder.path, 'pages'))];
      }),
    ) as Record<Name, PhpPool>;
    return {
      pools,
      get pid() {
        return service.pid;
      },
      output: () => service.output(),
      kill: () => service.stop('SIGKILL'),
      async stop() {
        await service.stop('SIGTERM');
        folder.remove();
      },
    };
  } catch (error) {
    folder.remove();
    throw error;
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function poolText(name: string, options: PoolOptions, port: number): string {
  const children = options.children ?? 8;
  const lines = [
    `[${name}]`,
    `listen = ${LOOPBACK}:${port}`,
    // Children are made when they are needed: a pool that a test never calls costs nothing.
    'pm = ondemand',
    `pm.max_children = ${children}`,
    'pm.process_idle_timeout = 60s',
    'clear_env = yes',
    'catch_workers_output = yes',
    ...(isRoot() ? ['user = root', 'group = root'] : []),
    ...Object.entries({ ...BASE_INI, ...options.ini }).map(
      // php_value, not php_admin_value, so that a page can still call ini_set()
      ([key, value]) => `php_value[${key}] = ${iniValue(value)}`,
    ),
    ...Object.entries(options.env ?? {}).map(([key, value]) => `env[${key}] = ${iniValue(value)}`),
  ];
  return `${lines.join('\n')}\n`;
}

function pool(name: string, docroot: string, port: number, pages: string): PhpPool {
  const self: PhpPool = {
    name,
    docroot,
    host: LOOPBACK,
    port,
    write(script, source) {
      writeFileSync(join(docroot, script), source);
      return script;
    },
    request: (script, request) => phpRequest(self, script, request),
    run(source, request) {
      // Named after its content, so that the same source is written once and opcache can keep it.
      const file = join(pages, `${createHash('sha1').update(source).digest('hex')}.php`);
      if (!existsSync(file)) {
        mkdirSync(pages, { recursive: true });
        writeFileSync(file, `<?php\n${source}\n`);
      }
      return phpRequest(self, file, request);
    },
  };
  return self;
}
