/**
 * How a connection to one server comes about: dialled, its certificate checked as PHP checks it,
 * logged in, in its database. Only then ioredis is handed the socket, for a server as for every
 * node of a cluster: whoever is not the one we mean never sees the password.
 */
import { connect as connectSocket, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { StoreError } from '../../errors.ts';
import { authArguments, type Login } from './login.ts';
import type { StreamOptions } from './save-path-parameters.ts';
import { toStoreError } from './store-error.ts';
import { assertPeer, tlsOptions } from './tls-options.ts';

/** A server, and who we are to it. */
export interface Destination {
  readonly address:
    | { readonly host: string; readonly port: number }
    | { readonly socketPath: string };
  /** PHP's ssl context options; absent for a connection without TLS. */
  readonly tls?: StreamOptions | undefined;
  readonly login: Login;
  readonly database?: number | undefined;
  readonly clientName?: string | undefined;
  /** Milliseconds for all of it. */
  readonly timeout: number;
}

/** A command of the handshake, answered by one line. */
interface Step {
  readonly words: readonly string[];
  /** A name is a help in CLIENT LIST; a user who may not give one can still have sessions. */
  readonly optional?: true;
}

/**
 * @param signal ends it; it rejects with the signal's reason then
 * @throws StoreError: whatever happens here, no command of the caller's was sent
 * @throws SavePathError for a certificate file that cannot be read
 */
export async function dial(destination: Destination, signal: AbortSignal): Promise<Socket> {
  const { address, tls, timeout } = destination;
  const name = addressText(address);
  // Not a listener too many: without one, an error after the handshake would end the process.
  const socket = openSocket(destination).on('error', () => {});
  let asking = false;
  let timer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  let command = 'AUTH';
  const failure = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    timer = setTimeout(() => reject(tooLate(asking, name)), timeout);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('Connection is closed.')));
  });
  // It may come when nobody races with it any more.
  failure.catch(() => undefined);
  const unless = <T>(step: Promise<T>): Promise<T> => {
    step.catch(() => undefined);
    return Promise.race([step, failure]);
  };
  try {
    await unless(event(socket, tls === undefined ? 'connect' : 'secureConnect'));
    if (tls !== undefined) {
      assertPeer(socket as TLSSocket, tls, 'host' in address ? address.host : 'localhost');
    }
    asking = typeof destination.login === 'function';
    const auth = await unless(authArguments(destination.login, name));
    asking = false;
    for (const [step, reply] of await unless(exchange(socket, steps(destination, auth)))) {
      command = step.words[0] ?? command;
      if (reply.startsWith('+') || step.optional) continue;
      throw reply.startsWith('-') ? new Error(reply.slice(1)) : new TypeError('no status reply');
    }
    return socket;
  } catch (error) {
    socket.destroy();
    if (signal.aborted) throw signal.reason;
    throw toStoreError(error, { address: name, command, unsent: true });
  } finally {
    clearTimeout(timer);
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}

function openSocket({ address, tls }: Destination): Socket {
  if ('socketPath' in address) return connectSocket({ path: address.socketPath });
  const { host, port } = address;
  return tls === undefined
    ? connectSocket({ host, port })
    : connectTls({ host, port, ...tlsOptions(tls, host) });
}

function event(socket: Socket, name: string): Promise<void> {
  return new Promise((resolve) => socket.once(name, () => resolve()));
}

/** @param asking is it the application's function that we wait for? */
function tooLate(asking: boolean, address: string): Error {
  if (!asking) return new Error('connecting timed out');
  return new StoreError(
    'ERR_PSB_STORE_AUTH',
    `the credentials function for Redis at ${address} did not answer within the time limit`,
  );
}

/**
 * Sent by us and not by ioredis, which would go on where AUTH or SELECT failed (in database 0, say),
 * and prints what it sends where `DEBUG` asks for it.
 */
function steps({ database, clientName }: Destination, auth: readonly string[]): readonly Step[] {
  const made: Step[] = [];
  if (auth.length > 0) made.push({ words: ['AUTH', ...auth] });
  if (database !== undefined && database > 0) made.push({ words: ['SELECT', String(database)] });
  if (clientName !== undefined) {
    made.push({ words: ['CLIENT', 'SETNAME', clientName], optional: true });
  }
  return made;
}

/** Longer than any error reply of a Redis server. */
const LONGEST_ANSWER = 65_536;

function exchange(socket: Socket, sent: readonly Step[]): Promise<(readonly [Step, string])[]> {
  if (sent.length === 0) return Promise.resolve([]);
  return new Promise((resolve, reject) => {
    let text = '';
    const listen = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const lines = text.split('\r\n');
      // A server that refuses the connection itself says one line and closes.
      const refused = lines.length > 1 && lines[0]?.startsWith('-') === true;
      if (lines.length <= sent.length && !refused) {
        if (text.length > LONGEST_ANSWER) reject(new TypeError('no status reply'));
        return;
      }
      socket.off('data', listen);
      resolve(sent.slice(0, lines.length - 1).map((step, at) => [step, lines[at] ?? '']));
    };
    socket.on('data', listen);
    socket.write(Buffer.concat(sent.map(({ words }) => request(words))));
  });
}

/** One request of RESP. */
function request(words: readonly string[]): Buffer {
  const parts = words.map((word) => {
    const bytes = Buffer.from(word);
    return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]);
  });
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}

/** For messages. */
export function addressText(address: Destination['address']): string {
  if ('socketPath' in address) return address.socketPath;
  const { host, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
