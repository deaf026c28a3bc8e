import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { accepts, freePort, LOOPBACK } from '../../test/services/port.ts';
import { type DemoSettings, prefixOf } from './service/settings.ts';
import type { Demo, DemoOptions } from './services.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const PROJECT = 'php-session-bridge-demo';

/** The demo in containers, by `docker compose` or the older `docker-compose`. */
export async function startComposeDemo(
  options: DemoOptions & { readonly compression?: DemoSettings['compression'] },
): Promise<Demo> {
  const compose = findCompose();
  const wanted = options.port ?? 8080;
  const port = (await accepts(wanted)) ? await freePort() : wanted;
  const env = {
    ...process.env,
    COMPOSE_PROJECT_NAME: PROJECT,
    SESSION_HANDLER: options.handler,
    SESSION_SERIALIZE_HANDLER: options.serializeHandler ?? 'php',
    SESSION_COMPRESSION: options.compression ?? 'none',
    DEMO_PORT: String(port),
  };
  const scale = (options.instances ?? 1) > 1 ? ['--profile', 'scale'] : [];
  const run = (args: readonly string[], quiet = false): number | null =>
    spawnSync(compose[0] as string, [...compose.slice(1), ...args], {
      cwd: root,
      env,
      stdio: quiet ? 'ignore' : 'inherit',
    }).status;
  const stop = async (): Promise<void> => {
    run(['--profile', 'scale', 'down', '--volumes', '--timeout', '3'], true);
  };
  // What an interrupted run left behind would keep its port and its settings.
  await stop();
  if (run([...scale, 'up', '--build', '--detach']) !== 0) {
    run(['logs', '--tail', '20']);
    await stop();
    throw new Error('the containers did not come up; see the output above');
  }
  const url = `http://${LOOPBACK}:${port}`;
  await untilHealthy(`${url}/node/health`);
  return { url, prefix: prefixOf(options.handler), stop };
}

function findCompose(): string[] {
  if (spawnSync('docker', ['version'], { stdio: 'ignore' }).status !== 0) {
    throw new Error('Docker does not answer: start its daemon, or run the demo without --docker');
  }
  if (spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' }).status === 0) {
    return ['docker', 'compose'];
  }
  if (spawnSync('docker-compose', ['version'], { stdio: 'ignore' }).status === 0) {
    return ['docker-compose'];
  }
  throw new Error('Docker Compose is missing: install docker-compose-plugin (or docker-compose)');
}

/** `up` returns when the proxy is started, a moment before it answers. */
async function untilHealthy(url: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const healthy = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (healthy) return;
    if (Date.now() > deadline) throw new Error(`${url} did not answer within a minute`);
    await sleep(100);
  }
}
