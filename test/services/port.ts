import { connect, createServer } from 'node:net';

/** Everything listens on this address and no other. */
export const LOOPBACK = '127.0.0.1';

/** Above it a port has no room for the bus of a cluster, which is 10000 higher if it is not named. */
export const HIGHEST_WITH_BUS = 55_535;

/**
 * A loopback port that is free now, `highest` or below. Between this answer and the service's own
 * bind another process can take it: start the service with `withFreePorts`, which tries again.
 */
export async function freePort(highest = 65_535): Promise<number> {
  for (;;) {
    const port = await anyPort();
    if (port <= highest) return port;
  }
}

function anyPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, LOOPBACK, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Runs `start` with free ports, and again with others if the service could not begin. */
export async function withFreePorts<T>(
  count: number,
  start: (ports: readonly number[]) => Promise<T>,
  highest?: number,
): Promise<T> {
  let failure: unknown;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const ports = new Set<number>();
    while (ports.size < count) ports.add(await freePort(highest));
    try {
      return await start([...ports]);
    } catch (error) {
      failure = error;
      if (!/in ?use|bind/i.test(String(error))) break;
    }
  }
  throw failure;
}

/** Is somebody listening on this port? */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
