import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MonitorLine, monitor } from '../../../docker/demo/service/page-monitor.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';

let redis: RedisService;
beforeAll(async () => {
  redis = await startRedis({ config: { requirepass: 'secret' } });
});
afterAll(() => redis.stop());

it('watches a Redis that is busy at that moment, with its password', async () => {
  let busy = true;
  const work = (async () => {
    while (busy) await redis.client.ping();
  })();
  const seen: MonitorLine[] = [];
  await Promise.all(
    Array.from({ length: 20 }, () =>
      monitor({ host: redis.host, port: redis.port, password: 'secret' }, (line) => {
        seen.push(line);
      }),
    ),
  );
  await redis.client.set('session:x', 'a|s:1:"\n";');
  await redis.client.eval("return redis.call('DEL', KEYS[1])", 1, 'session:x');
  await expect.poll(() => seen.filter(({ args }) => args[0] === 'DEL').length).toBe(20);
  busy = false;
  await work;
  const [set] = seen.filter(({ args }) => args[0] === 'set');
  expect(set?.args).toEqual(['set', 'session:x', 'a|s:1:\\"\\n\\";']);
  expect(set?.source).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(Math.abs(Date.now() - (set?.at ?? 0))).toBeLessThan(60_000);
  expect(seen.find(({ args }) => args[0] === 'DEL')?.source).toBe('lua');
});

it('says what Redis refused', async () => {
  const wrong = monitor({ host: redis.host, port: redis.port, password: 'wrong' }, () => {});
  await expect(wrong).rejects.toThrow(/WRONGPASS/);
});
