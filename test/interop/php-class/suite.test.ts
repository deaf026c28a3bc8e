/** The PHP package's own tests, by the PHP of this machine. `npm run test:matrix` runs them by 7.4, 8.2 and 8.4. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../../services/programs.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';

const SUITE = fileURLToPath(new URL('../../../php/tests/run.php', import.meta.url));

let redis: RedisService;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());

describe('the PHP package', () => {
  test('passes its tests', { timeout: 120_000 }, async () => {
    const { stdout } = await promisify(execFile)(program('php'), [SUITE], {
      env: { ...process.env, PSB_REDIS: `${redis.host}:${redis.port}` },
    });
    expect(stdout).toMatch(/^PHP \S+, phpredis \S+: \d{3,} tests, 0 failed\n$/);
  });
});
