import { afterAll, beforeAll } from 'vitest';
import { describePhpredisCompression } from '../../codec/compression/phpredis.ts';
import { program } from '../../services/programs.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';

let redis: RedisService;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());

describePhpredisCompression(
  'compression, with the phpredis of this machine',
  () => [program('php'), '-r'],
  () => redis.socket,
);
