import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastCgiAddress } from './fastcgi.ts';
import { temporaryFolder } from './folder.ts';
import { accepts, LOOPBACK, withFreePorts } from './port.ts';
import { startService } from './process.ts';
import { program } from './programs.ts';

/** Where the requests below a path go; several addresses are taken in turn, without stickiness. */
export type NginxLocation =
  | { php: FastCgiAddress | readonly FastCgiAddress[]; docroot: string }
  | { http: string | readonly string[] };

export interface NginxOptions {
  /**
   * By path prefix. The path reaches the service unchanged: `/user/a.php` is `<docroot>/user/a.php`,
   * and a path that ends in `/` its index.php.
   */
  locations?: Readonly<Record<string, NginxLocation>>;
  /** More text for the `http` block, given the port to listen on, in place of `locations`. */
  http?: (port: number) => string;
  /** File that receives one JSON line for each request: `{ end, took, method, uri }`, seconds. */
  accessLog?: string;
  /** Listen here if it is free, else on any free port. */
  port?: number;
}

export interface NginxService {
  readonly url: string;
  readonly port: number;
  output(): string;
  stop(): Promise<void>;
}

/**
 * Starts nginx as the one host in front of several services.
 *
 * @example
 * const nginx = await startNginx({
 *   locations: {
 *     '/user/': { php: php.pools.user, docroot },
 *     '/node/': { http: ['http://127.0.0.1:3001', 'http://127.0.0.1:3002'] },
 *   },
 * });
 * await fetchWith(jar, `${nginx.url}/user/`);
 */
export async function startNginx(options: NginxOptions): Promise<NginxService> {
  const folder = temporaryFolder('nginx');
  for (const name of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) {
    mkdirSync(join(folder.path, name));
  }
  try {
    return await withFreePorts(1, async ([free = 0]) => {
      const { port: wanted } = options;
      const port = wanted === undefined || (await accepts(wanted)) ? free : wanted;
      const http = options.http?.(port) ?? serverText(port, options.locations ?? {});
      const config = join(folder.path, 'nginx.conf');
      writeFileSync(config, configText(folder.path, http, options.accessLog));
      const service = await startService({
        program: program('nginx'),
        // Without -e, which nginx 1.18 (Debian 11, Ubuntu 22.04) does not know; the alert that it cannot open
        // its compiled-in log as an ordinary user is harmless.
        args: ['-p', folder.path, '-c', config],
        cwd: folder.path,
        log: join(folder.path, 'nginx.log'),
        ready: (running) => /start worker processes/.test(running.output()),
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

function configText(folder: string, http: string, accessLog = ''): string {
  return `${process.getuid?.() === 0 ? 'user root;\n' : ''}daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr notice;
events { worker_connections 512; }
http {
  log_format requests escape=json '{"end":"$msec","took":"$request_time","method":"$request_method","uri":"$uri"}';
  access_log ${accessLog === '' ? 'off' : `${accessLog} requests`};
  default_type text/plain;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
${http}
}
`;
}

function serverText(port: number, locations: Readonly<Record<string, NginxLocation>>): string {
  const upstreams: string[] = [];
  const blocks = Object.entries(locations).map(([path, location], at) => {
    const servers =
      'php' in location
        ? [location.php].flat().map((address) => `${address.host}:${address.port}`)
        : [location.http].flat().map((url) => new URL(url).host);
    upstreams.push(
      `upstream service_${at} { ${servers.map((server) => `server ${server};`).join(' ')} }`,
    );
    return `location ${path} {\n${
      'php' in location ? phpText(`service_${at}`, location.docroot) : proxyText(`service_${at}`)
    }}`;
  });
  return `${upstreams.join('\n')}\nserver {\nlisten ${LOOPBACK}:${port};\n${blocks.join('\n')}\n}`;
}

function proxyText(upstream: string): string {
  return `proxy_pass http://${upstream};
proxy_http_version 1.1;
proxy_buffering off;
proxy_set_header Host $http_host;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Proto $scheme;
`;
}

function phpText(upstream: string, docroot: string): string {
  const params = {
    SCRIPT_FILENAME: `${docroot}$fastcgi_script_name`,
    SCRIPT_NAME: '$fastcgi_script_name',
    DOCUMENT_ROOT: docroot,
    QUERY_STRING: '$query_string',
    REQUEST_METHOD: '$request_method',
    REQUEST_URI: '$request_uri',
    REQUEST_SCHEME: '$scheme',
    CONTENT_TYPE: '$content_type',
    CONTENT_LENGTH: '$content_length',
    SERVER_PROTOCOL: '$server_protocol',
    SERVER_NAME: '$server_name',
    SERVER_ADDR: '$server_addr',
    SERVER_PORT: '$server_port',
    REMOTE_ADDR: '$remote_addr',
    HTTPS: '$https if_not_empty',
  };
  return `fastcgi_pass ${upstream};
fastcgi_index index.php;
${Object.entries(params)
  .map(([name, value]) => `fastcgi_param ${name} ${value};\n`)
  .join('')}`;
}
