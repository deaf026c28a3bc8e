import { readFileSync } from 'node:fs';

/** How the demo's sessions are kept; the PHP services read the same environment. */
export type DemoHandler = 'phpredis' | 'class' | 'merging';

export interface DemoSettings {
  readonly host: string;
  readonly port: number;
  /** Which of several instances behind the proxy this is. */
  readonly instance: string;
  readonly redis: {
    readonly host: string;
    readonly port: number;
    readonly username?: string;
    readonly password?: string;
  };
  /** What PHP keeps its sessions with: phpredis, or one of the classes in php/src. */
  readonly handler: DemoHandler;
  readonly prefix: string;
  readonly serializeHandler: 'php' | 'php_binary' | 'php_serialize' | 'igbinary' | 'msgpack';
  readonly compression: 'none' | 'lzf' | 'lz4' | 'zstd';
  /** Where this service finds the proxy, if not under the browser's own address. */
  readonly proxy?: string;
  /** File with the proxy's log, which tells the page which PHP service wrote. */
  readonly accessLog?: string;
}

/** phpredis's default, and the prefix of the source documents' own handler. */
export function prefixOf(handler: DemoHandler): string {
  return handler === 'phpredis' ? 'PHPREDIS_SESSION:' : 'session:';
}

export function settingsFromEnvironment(env: NodeJS.ProcessEnv = process.env): DemoSettings {
  const handler = (env['SESSION_HANDLER'] || 'phpredis') as DemoHandler;
  const password = env['REDIS_PASSWORD_FILE']
    ? readFileSync(env['REDIS_PASSWORD_FILE'], 'utf8').trim()
    : env['REDIS_PASSWORD'];
  return {
    host: env['HOST'] || '0.0.0.0',
    port: Number(env['PORT'] || 3000),
    instance: env['INSTANCE'] || `node@${env['HOSTNAME'] || 'localhost'}`,
    redis: {
      host: env['REDIS_HOST'] || 'myredis',
      port: Number(env['REDIS_PORT'] || 6379),
      ...(env['REDIS_USER'] ? { username: env['REDIS_USER'] } : {}),
      ...(password ? { password } : {}),
    },
    handler,
    prefix: env['SESSION_PREFIX'] || prefixOf(handler),
    serializeHandler: (env['SESSION_SERIALIZE_HANDLER'] ||
      'php') as DemoSettings['serializeHandler'],
    compression: (env['SESSION_COMPRESSION'] || 'none') as DemoSettings['compression'],
    ...(env['PROXY_URL'] ? { proxy: env['PROXY_URL'] } : {}),
    ...(env['ACCESS_LOG'] ? { accessLog: env['ACCESS_LOG'] } : {}),
  };
}
