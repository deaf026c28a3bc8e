/**
 * Compression with phpredis 6.2, the first series whose save handler compresses: in a container.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionManager } from '../../src/index.ts';
import { describePhpredisCompression } from '../codec/compression/phpredis.ts';
import { type RedisService, startRedis } from '../services/redis.ts';

const folder = fileURLToPath(new URL('../../docker/php', import.meta.url));
const docker = spawnSync('docker', ['version']).status === 0;
const title = 'compression, with phpredis 6.2 on PHP 8.4';

const CODECS = ['none', 'lzf', 'lz4', 'zstd'] as const;
const HANDLERS = ['php', 'php_serialize', 'igbinary', 'msgpack'] as const;

if (docker) {
  let image = '';
  let redis: RedisService;
  beforeAll(async () => {
    const build = spawnSync('docker', ['build', '-q', '--build-arg', 'SUITE=trixie', folder]);
    if (build.status !== 0) throw new Error(`docker build failed: ${build.stderr}`);
    image = String(build.stdout).trim();
    redis = await startRedis();
  }, 300_000);
  afterAll(() => redis?.stop());

  describePhpredisCompression(title, () => ['docker', 'run', '--rm', '-i', image, 'php', '-r']);

  /** Runs PHP over a session; its own settings are those of a web server. */
  const php = (id: string, settings: Record<string, string>, source: string): string => {
    const ini = {
      'session.save_handler': 'redis',
      'session.save_path': redis.savePath(),
      'session.use_cookies': '0',
      'session.use_only_cookies': '0',
      'session.cache_limiter': '',
      ...settings,
    };
    const flags = Object.entries(ini).flatMap(([name, value]) => ['-d', `${name}="${value}"`]);
    const code = `session_id('${id}'); session_start(); ${source}`;
    const args = ['run', '--rm', '--network', 'host', image, 'php', ...flags, '-r', code];
    const run = spawnSync('docker', args);
    expect(String(run.stderr)).toBe('');
    expect(run.status, String(run.stdout)).toBe(0);
    return String(run.stdout);
  };

  describe.each(CODECS)('sessions under redis.session.compression = %s', (compression) => {
    it.each(HANDLERS)('%s: both sides read what the other wrote', async (serializeHandler) => {
      const id = `${compression}${serializeHandler.replace('_', '')}`.padEnd(32, '0');
      const settings = {
        'redis.session.compression': compression,
        'session.serialize_handler': serializeHandler,
      };
      php(id, settings, `$_SESSION['userid'] = 7; $_SESSION['name'] = str_repeat('이다은', 40);`);
      const stored = await redis.client.getBuffer(`PHPREDIS_SESSION:${id}`);

      const sessions = new SessionManager({
        savePath: redis.savePath(),
        gcMaxlifetime: 1440,
        serializeHandler,
        compression,
      });
      try {
        await sessions.run(id, (session) => {
          expect(session.variables['userid']).toBe(7);
          expect(session.variables['name']).toBe('이다은'.repeat(40));
        });
        expect(await redis.client.getBuffer(`PHPREDIS_SESSION:${id}`)).toEqual(stored);
        await sessions.run(id, (session) => {
          session.variables['cart'] = ['사과', 'pear'];
        });
      } finally {
        await sessions.close();
      }
      const changed = await redis.client.getBuffer(`PHPREDIS_SESSION:${id}`);
      const seen = php(id, settings, `echo json_encode($_SESSION['cart'], 256);`);
      expect(seen).toBe('["사과","pear"]');
      // PHP found it as it would have written it, and left it alone.
      expect(await redis.client.getBuffer(`PHPREDIS_SESSION:${id}`)).toEqual(changed);
    });
  });
} else {
  describe.skip(`${title}: needs Docker, which does not answer`, () => {
    it('is skipped', () => {});
  });
}
