import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { LOOPBACK } from './port.ts';

export interface MovingAddress {
  readonly port: number;
  /** How many connections have been made through it. */
  readonly connections: number;
  /** New connections lead to this port; those that exist stay where they are, as behind a VIP. */
  moveTo(port: number): void;
  /**
   * Existing connections go on with this port as well, and their clients notice nothing, as behind
   * a proxy that speaks Redis. Nothing may be under way.
   */
  divertTo(port: number): Promise<void>;
  stop(): Promise<void>;
}

/** One loopback address behind which servers change places. */
export async function startMovingAddress(first: number): Promise<MovingAddress> {
  let target = first;
  let connections = 0;
  /** The server's end by the client's. */
  const pairs = new Map<Socket, Socket>();

  const join = (client: Socket): Socket => {
    const upstream = connect(target, LOOPBACK);
    pairs.set(client, upstream);
    upstream.on('error', () => {});
    upstream.on('data', (chunk) => {
      if (pairs.get(client) === upstream) client.write(chunk);
    });
    upstream.on('close', () => {
      if (pairs.get(client) === upstream) client.destroy();
    });
    return upstream;
  };
  const server = createServer((client) => {
    connections++;
    join(client);
    client.on('error', () => {});
    client.on('data', (chunk) => pairs.get(client)?.write(chunk));
    client.on('close', () => {
      pairs.get(client)?.destroy();
      pairs.delete(client);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    moveTo(port) {
      target = port;
    },
    async divertTo(port) {
      target = port;
      await Promise.all(
        [...pairs].map(async ([client, before]) => {
          const upstream = join(client);
          before.destroy();
          await new Promise((resolve) => upstream.once('connect', resolve));
        }),
      );
    },
    async stop() {
      for (const client of pairs.keys()) client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
