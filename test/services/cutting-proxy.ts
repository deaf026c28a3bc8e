import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { LOOPBACK } from './port.ts';

export interface CuttingProxy {
  readonly port: number;
  /** How many chunks (about: commands) clients have sent since the last `cutAt()`. */
  readonly seen: number;
  /**
   * Cuts all connections at the nth chunk that a client sends from now on: `before` the server gets
   * it, or `after` the server got it but before its reply is passed on.
   */
  cutAt(chunk: number, moment: 'before' | 'after'): void;
  /** Passes on what clients send, but none of the replies. */
  mute(on: boolean): void;
  stop(): Promise<void>;
}

/** A TCP proxy in front of a server, which can lose requests and replies at a chosen moment. */
export async function startCuttingProxy(target: {
  host: string;
  port: number;
}): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let seen = 0;
  let cut: { chunk: number; moment: 'before' | 'after' } | undefined;
  let muted = false;

  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  const server: Server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    let dying = false;
    client.on('data', (chunk) => {
      seen++;
      if (cut?.chunk !== seen) {
        upstream.write(chunk);
      } else if (cut.moment === 'before') {
        cutAll();
      } else {
        dying = true;
        upstream.write(chunk);
      }
    });
    upstream.on('data', (chunk) => {
      if (dying) cutAll();
      else if (!muted) client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get seen() {
      return seen;
    },
    cutAt(chunk, moment) {
      seen = 0;
      cut = { chunk, moment };
    },
    mute(on) {
      muted = on;
    },
    async stop() {
      cutAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
