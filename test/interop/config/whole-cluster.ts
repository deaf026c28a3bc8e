import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../services/port.ts';
import {
  type RedisConfig,
  type RedisService,
  serverIsBefore,
  startRedis,
} from '../../services/redis.ts';

const SLOTS = 16_384;

/** Gives one node the whole cluster and waits until it serves; works before Redis 7 as well. */
export async function ownAllSlots(node: RedisService): Promise<void> {
  await shareSlots([node]);
}

/** Makes one cluster of these nodes, each with an equal share of the slots, and waits for it. */
export async function shareSlots(nodes: readonly RedisService[]): Promise<void> {
  const [first, ...others] = nodes;
  if (first === undefined) return;
  await Promise.all(
    nodes.map(({ client }, at) => {
      const slots = Array.from({ length: SLOTS }, (_, slot) => slot);
      const own = slots.filter((slot) => Math.floor((slot * nodes.length) / SLOTS) === at);
      return client.call('cluster', 'addslots', ...own);
    }),
  );
  for (const { client } of others) {
    const [port, bus] = [first.port, await busPort(first)];
    await client.call('cluster', 'meet', '127.0.0.1', port, bus);
  }
  for (const { client } of nodes) await untilServed(client, nodes.length);
}

/** A node whose bus has a free port of its own, if the server lets it be chosen (Redis 7). */
export async function startNode(config: RedisConfig = {}): Promise<RedisService> {
  return startRedis({
    config: {
      'cluster-enabled': 'yes',
      'cluster-announce-ip': '127.0.0.1',
      ...(serverIsBefore(7) ? {} : { 'cluster-port': await freePort() }),
      ...config,
    },
  });
}

/**
 * The node names this port, a proxy's say, instead of its own. To be called before it gets slots:
 * servers before Redis 7 take it up at their start only.
 */
export async function announcePort(node: RedisService, port: number): Promise<void> {
  await node.client.config('SET', 'cluster-announce-port', port);
  if (!serverIsBefore(7)) return;
  await node.client.config('REWRITE');
  await node.restart();
}

async function busPort({ client, port }: RedisService): Promise<number> {
  const get = async (name: string) => ((await client.config('GET', name)) as string[])[1];
  const bus = Number(await get('cluster-port'));
  if (bus) return bus;
  const tls = (await get('tls-cluster')) === 'yes';
  return (tls ? Number(await get('tls-port')) : port) + 10_000;
}

async function untilServed(client: RedisService['client'], nodes: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const info = String(await client.call('cluster', 'info'));
    const known = Number(/cluster_known_nodes:(\d+)/.exec(info)?.[1]);
    if (info.includes('cluster_state:ok') && known === nodes) return;
    await sleep(50);
  }
  throw new Error('the cluster does not come up');
}
