import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisService } from '../../services/redis.ts';

/** Gives one node the whole cluster and waits until it serves; works before Redis 7 as well. */
export async function ownAllSlots({ client }: RedisService): Promise<void> {
  await client.call('cluster', 'addslots', ...Array.from({ length: 16_384 }, (_, slot) => slot));
  for (let tries = 0; tries < 200; tries++) {
    if (String(await client.call('cluster', 'info')).includes('cluster_state:ok')) return;
    await sleep(50);
  }
  throw new Error('the cluster does not come up');
}
