import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { type TemporaryFolder, temporaryFolder } from './folder.ts';
import { HIGHEST_WITH_BUS, LOOPBACK, withFreePorts } from './port.ts';
import { type Service, startService } from './process.ts';
import { program } from './programs.ts';

/** Directives of redis.conf; a list repeats the directive, an empty string is written as `""`. */
export type RedisConfig = Record<string, string | number | readonly (string | number)[]>;

export interface RedisOptions {
  config?: RedisConfig;
  /** Run as `redis-server --sentinel`. */
  sentinel?: boolean;
}

export interface RedisService {
  readonly host: string;
  readonly port: number;
  /** Path of the Unix socket that it listens on, too. */
  readonly socket: string;
  readonly folder: string;
  readonly pid: number;
  /** A connection for the test itself, made at its first use; `redisMonitor` leaves it out. */
  readonly client: Redis;
  /** `tcp://127.0.0.1:<port>`, with `?parameters` as in `session.save_path`. */
  savePath(parameters?: string): string;
  /** Another connection; the caller quits it. */
  connect(): Redis;
  output(): string;
  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): void;
  /** SIGCONT after `pause()`. */
  resume(): void;
  /** SIGKILL: what a crash looks like to the clients. */
  kill(): Promise<void>;
  /** The same server again, on the same port and with the same files, after `kill()` or to restart it. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a redis-server (or valkey-server) on a free loopback port with its own folder, without
 * persistence unless `config` asks for it.
 *
 * @example
 * const redis = await startRedis({ config: { 'maxmemory-policy': 'noeviction' } });
 * await redis.client.set('key', 'value');
 * await redis.stop();
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisService> {
  const folder = temporaryFolder('redis');
  try {
    const { config = {} } = options;
    const needsBus = config['cluster-enabled'] === 'yes' && config['cluster-port'] === undefined;
    return await withFreePorts(
      1,
      ([port = 0]) => startOn(port, folder, options),
      needsBus ? HIGHEST_WITH_BUS : undefined,
    );
  } catch (error) {
    folder.remove();
    throw error;
  }
}

let version: readonly number[] | undefined;

/** Is the server that `startRedis` starts older than this version? (Every Valkey is 7.2 or newer.) */
export function serverIsBefore(major: number, minor = 0): boolean {
  if (version === undefined) {
    const said = execFileSync(program('redisServer'), ['--version'], { encoding: 'utf8' });
    const [, ...numbers] = /\bv=(\d+)\.(\d+)/.exec(said) ?? [];
    if (numbers.length === 0) throw new Error(`no version in: ${said}`);
    version = numbers.map(Number);
  }
  const [ownMajor = 0, ownMinor = 0] = version;
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

async function startOn(
  port: number,
  folder: TemporaryFolder,
  options: RedisOptions,
): Promise<RedisService> {
  const socket = join(folder.path, 'redis.sock');
  const file = join(folder.path, 'redis.conf');
  const config: RedisConfig = {
    bind: LOOPBACK,
    port,
    unixsocket: socket,
    dir: folder.path,
    daemonize: 'no',
    ...(options.sentinel ? {} : { save: '', appendonly: 'no' }),
    ...options.config,
  };
  writeFileSync(file, configText(config));
  const start = (): Promise<Service> =>
    startService({
      program: program('redisServer'),
      args: [file, ...(options.sentinel ? ['--sentinel'] : [])],
      cwd: folder.path,
      log: join(folder.path, 'redis.log'),
      ready: (service) =>
        /ready to accept connections|Sentinel ID is/i.test(service.output()) ||
        /mode=sentinel/.test(service.output()),
    });
  let service = await start();
  const password = typeof config['requirepass'] === 'string' ? config['requirepass'] : undefined;
  const connections = new Set<Redis>();
  const connect = (): Redis => {
    const client = new Redis({
      host: LOOPBACK,
      port,
      ...(password === undefined ? {} : { password }),
      // Its INFO would turn up among the commands that a test counts.
      enableReadyCheck: false,
      maxRetriesPerRequest: null,
      retryStrategy: (times) => Math.min(times * 20, 200),
    });
    // Without a listener ioredis prints every refused connection while the server is down.
    client.on('error', () => {});
    connections.add(client);
    return client;
  };
  let own: Redis | undefined;
  return {
    host: LOOPBACK,
    port,
    socket,
    folder: folder.path,
    get pid() {
      return service.pid;
    },
    get client() {
      own ??= connect();
      return own;
    },
    savePath: (parameters) => `tcp://${LOOPBACK}:${port}${parameters ? `?${parameters}` : ''}`,
    connect,
    output: () => service.output(),
    pause: () => service.signal('SIGSTOP'),
    resume: () => service.signal('SIGCONT'),
    kill: () => service.stop('SIGKILL'),
    async restart() {
      await service.stop();
      service = await start();
    },
    async stop() {
      for (const client of connections) client.disconnect();
      // A stopped process sees SIGTERM only after it runs again.
      service.signal('SIGCONT');
      await service.stop();
      folder.remove();
    },
  };
}

function configText(config: RedisConfig): string {
  return Object.entries(config)
    .flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((one) => [name, one]))
    .map(([name, value]) => `${name} ${value === '' ? '""' : value}\n`)
    .join('');
}
