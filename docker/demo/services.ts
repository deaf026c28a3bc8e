import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../test/services/folder.ts';
import { startNginx } from '../../test/services/nginx.ts';
import { startPhp } from '../../test/services/php.ts';
import type { PhpIni } from '../../test/services/php-ini.ts';
import { LOOPBACK, withFreePorts } from '../../test/services/port.ts';
import { type Service, startService } from '../../test/services/process.ts';
import { startRedis } from '../../test/services/redis.ts';
import { type DemoHandler, type DemoSettings, prefixOf } from './service/settings.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const docroot = `${root}php/demo`;

export interface DemoOptions {
  readonly handler: DemoHandler;
  readonly serializeHandler?: DemoSettings['serializeHandler'];
  /** How many of each service stand behind the proxy, without stickiness (1). */
  readonly instances?: number;
  /** Where nginx listens; a free port unless given. */
  readonly port?: number;
}

export interface Demo {
  readonly url: string;
  readonly prefix: string;
  stop(): Promise<void>;
}

/** The whole demo as plain processes on loopback ports: Redis, two PHP services, Koa, nginx. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { handler, serializeHandler = 'php', instances = 1 } = options;
  const started: { stop(): Promise<void> }[] = [];
  const keep = <T extends { stop(): Promise<void> }>(service: T): T => {
    started.push(service);
    return service;
  };
  const stop = async (): Promise<void> => {
    for (const service of started.reverse()) await service.stop();
  };
  try {
    const logs = temporaryFolder('demo');
    keep({ stop: async () => logs.remove() });
    const accessLog = `${logs.path}/access.log`;
    const redis = keep(await startRedis());
    const ini: PhpIni = {
      'session.save_handler': 'redis',
      'session.save_path': redis.savePath(),
      'redis.session.locking_enabled': true,
      'session.serialize_handler': serializeHandler,
      'session.use_strict_mode': true,
      'session.cookie_httponly': true,
      'session.cookie_samesite': 'Lax',
    };
    const env = {
      SESSION_HANDLER: handler,
      SESSION_SERIALIZE_HANDLER: serializeHandler,
      REDIS_HOST: redis.host,
      REDIS_PORT: String(redis.port),
      // All come from 127.0.0.1: the log of the proxy tells which PHP service was at work.
      ACCESS_LOG: accessLog,
    };
    const numbers = Array.from({ length: instances }, (_, at) => at + 1);
    const [php, ...nodes] = await Promise.all([
      startPhp({
        pools: Object.fromEntries(
          ['user', 'task'].flatMap((service) =>
            numbers.map((number) => {
              const name = `${service}-${number}`;
              return [name, { ini, docroot, env: { ...env, INSTANCE: name } }];
            }),
          ),
        ),
      }).then(keep),
      ...numbers.map((number) => startKoa(`node-${number}`, env).then(keep)),
    ]);
    const upstream = (name: string, addresses: readonly { host: string; port: number }[]) =>
      `upstream ${name} {\n${addresses.map(({ host, port }) => `  server ${host}:${port};\n`).join('')}}`;
    const pools = (service: string) => numbers.map((number) => php.pools[`${service}-${number}`]!);
    const nginx = keep(
      await startNginx({
        accessLog,
        ...(options.port === undefined ? {} : { port: options.port }),
        http: (port) =>
          fill(readFileSync(`${root}docker/nginx/default.conf.template`, 'utf8'), {
            UPSTREAMS: [
              upstream('user', pools('user')),
              upstream('task', pools('task')),
              upstream('node', nodes),
            ].join('\n'),
            LISTEN: `${LOOPBACK}:${port}`,
            DOCROOT: docroot,
            USER_BACKEND: 'user',
            TASK_BACKEND: 'task',
            NODE_BACKEND: 'node',
          }),
      }),
    );
    return {
      url: nginx.url,
      prefix: prefixOf(handler),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface KoaService extends Service {
  readonly host: string;
  readonly port: number;
}

function startKoa(name: string, env: Readonly<Record<string, string>>): Promise<KoaService> {
  const folder = temporaryFolder('koa');
  return withFreePorts(1, async ([port = 0]) => {
    const service = await startService({
      program: process.execPath,
      args: ['--import', 'tsx', `${root}docker/demo/service/main.ts`],
      cwd: root,
      log: `${folder.path}/koa.log`,
      env: { ...process.env, ...env, HOST: LOOPBACK, PORT: String(port), INSTANCE: name },
      ready: (running) => running.output().includes(' listening on '),
    });
    const { stop } = service;
    return Object.assign(service, {
      host: LOOPBACK,
      port,
      async stop() {
        await stop();
        folder.remove();
      },
    });
  });
}

/** What the entrypoint of nginx's image does: `${NAME}` becomes the value, `$name` stays nginx's. */
function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\$\{([A-Z_]+)\}/g, (whole, name: string) => values[name] ?? whole);
}
