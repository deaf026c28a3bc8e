/**
 * The compose file as a user brings it up, played through its proxy: every PHP, every Node, every
 * serialize handler, both prefixes, with two instances of PHP and of Node and no stickiness.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  DockerComposeEnvironment,
  type StartedDockerComposeEnvironment,
  Wait,
} from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DemoHandler,
  type DemoSettings,
  prefixOf,
} from '../../docker/demo/service/settings.ts';
import { countAcrossInstances, PEOPLE, playStory } from '../../docker/demo/story.ts';
import { cookieJar, fetchWith } from '../services/cookie-jar.ts';
import { freePort } from '../services/port.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const project = 'psb-matrix';

interface Row {
  readonly suite: 'bullseye' | 'bookworm' | 'trixie';
  readonly node: 20 | 22 | 24;
  readonly handler: DemoHandler;
  readonly serializeHandler: DemoSettings['serializeHandler'];
  readonly compression?: DemoSettings['compression'];
}

const PHP = { bullseye: '7.4', bookworm: '8.2', trixie: '8.4' } as const;
const PAIRS = [
  ['bullseye', 20],
  ['bookworm', 22],
  ['trixie', 24],
] as const;
const SERIALIZE_HANDLERS = ['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'] as const;

/** What PHP and Node are told: formats go through phpredis and through the class that reads them. */
const SETTINGS: readonly Omit<Row, 'suite' | 'node'>[] = [
  ...(['phpredis', 'merging'] as const).flatMap((handler) =>
    SERIALIZE_HANDLERS.map((serializeHandler) => ({ handler, serializeHandler })),
  ),
  { handler: 'class', serializeHandler: 'php' },
];

/** phpredis compresses sessions since 6.1, which PHP 8.4 has here. */
const COMPRESSED: readonly Omit<Row, 'suite' | 'node'>[] = (['lzf', 'lz4', 'zstd'] as const).map(
  (compression) => ({ handler: 'phpredis', serializeHandler: 'php', compression }),
);

/** Every PHP with all of it and one Node; then every other pair of PHP and Node. */
const ROWS: readonly Row[] = PAIRS.flatMap(([suite, own]) => [
  ...[...SETTINGS, ...(suite === 'trixie' ? COMPRESSED : [])].map((settings) => ({
    suite,
    node: own,
    ...settings,
  })),
  ...([20, 22, 24] as const)
    .filter((node) => node !== own)
    .map((node) => ({ suite, node, handler: 'phpredis', serializeHandler: 'php' }) as const),
]);

function title(row: Row): string {
  const { suite, node, handler, serializeHandler, compression = 'not compressed' } = row;
  return `PHP ${PHP[suite]}, Node ${node}, ${handler}, ${serializeHandler}, ${compression}`;
}

const REAPER = 'testcontainers/ryuk:0.14.0';
const docker = run('version');
// The reaper removes what a killed run leaves behind. Where its image cannot be had (no registry),
// the tests run all the same and clean up themselves.
if (docker && !run('image', 'inspect', REAPER) && !run('pull', REAPER)) {
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
}

function run(...args: string[]): boolean {
  return spawnSync('docker', args, { stdio: 'ignore', timeout: 60_000 }).status === 0;
}

describe.skipIf(!docker)(
  `the compose file${docker ? '' : ': skipped, no Docker engine answers'}`,
  () => {
    let environment: StartedDockerComposeEnvironment | undefined;
    let port: number;
    const built = new Set<string>();
    const url = (): string => `http://127.0.0.1:${port}`;

    const up = async (row: Row): Promise<void> => {
      const images = `${row.suite} ${row.node}`;
      const compose = new DockerComposeEnvironment(root, 'docker-compose.yml');
      environment = await (built.has(images) ? compose : compose.withBuild())
        .withProjectName(project)
        .withProfiles('scale')
        .withEnvironment({
          SUITE: row.suite,
          NODE_MAJOR: String(row.node),
          SESSION_HANDLER: row.handler,
          SESSION_SERIALIZE_HANDLER: row.serializeHandler,
          SESSION_COMPRESSION: row.compression ?? 'none',
          DEMO_PORT: String(port),
        })
        .withDefaultWaitStrategy(Wait.forHealthCheck())
        .up();
      built.add(images);
    };

    beforeAll(async () => {
      port = await freePort();
    });
    afterAll(async () => {
      await environment?.down({ removeVolumes: true, timeout: 2000 });
    }, 60_000);

    it.each(ROWS.map((row) => [title(row), row] as const))('%s', async (_, row) => {
      await up(row);
      for (const person of PEOPLE) {
        const seen: string[] = [];
        await playStory({
          url: url(),
          person,
          prefix: prefixOf(row.handler),
          print: (line) => seen.push(line),
        });
        expect(seen.join('\n')).toContain(`PHP ${PHP[row.suite]}.`);
        expect(seen.join('\n')).toContain(`Node ${row.node}.`);
      }
      const { counts, instances } = await countAcrossInstances(url(), 16);
      expect(counts).toEqual(Array.from({ length: 16 }, (_, at) => at + 1));
      expect(instances.size).toBeGreaterThan(2);
    });

    it("runs the source documents' own files, unchanged, and shares their sessions with Koa", async () => {
      await up({ suite: 'trixie', node: 24, handler: 'class', serializeHandler: 'php' });
      const jar = cookieJar();
      const page = async (path: string): Promise<string> =>
        (await fetchWith(jar, `${url()}${path}`)).text();
      const shown = '사용자 이름 : 이다은oooaa<br>사용자 아이디 : lde<br>';
      expect(await page('/source-documents/user/redis_session_set.php')).toBe(shown);
      const cart = await fetchWith(jar, `${url()}/node/cart`, {
        method: 'POST',
        body: new URLSearchParams({ item: 'coffee' }),
      });
      expect(await cart.json()).toMatchObject({
        user: { userid: 'lde', username: '이다은oooaa' },
        cart: [{ item: 'coffee', by: 'Node' }],
      });
      expect(await page('/source-documents/task/redis_session_get.php')).toBe(shown);
      expect(await page('/node/')).toContain('coffee');
    });

    it('loses nothing when an instance is stopped and another one killed', async () => {
      await up({ suite: 'trixie', node: 24, handler: 'phpredis', serializeHandler: 'php' });
      const { counts, instances } = await countAcrossInstances(url(), 40, async (visit) => {
        if (visit === 10) end('stop', 'node');
        if (visit === 20) end('kill', 'task-2');
      });
      expect(counts).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
      expect(instances.size).toBe(4);
    });
  },
);

/** By label, because the two versions of Compose name their containers differently. */
function end(how: 'stop' | 'kill', service: string): void {
  const { stdout } = spawnSync(
    'docker',
    [
      'ps',
      '--quiet',
      `--filter=label=com.docker.compose.project=${project}`,
      `--filter=label=com.docker.compose.service=${service}`,
    ],
    { encoding: 'utf8' },
  );
  expect(run(how, stdout.trim())).toBe(true);
}
