/**
 * Our own connection to one server (or cluster): opened when it is first needed, opened again when
 * it is next needed after it broke, and nothing queued or sent twice in between.
 */
import { type BridgeError, StoreError } from '../../errors.ts';
import { Backoff } from './backoff.ts';
import type { RedisArgument, RedisClient, RedisReply } from './client.ts';
import { normaliseReply } from './client.ts';
import { callBuffer, type IoredisLike } from './ioredis-client.ts';
import { callScript } from './script-call.ts';
import type { Script } from './scripts.ts';
import { blamesConnection, isClosed, isRefusal, isTimeout, toStoreError } from './store-error.ts';

/** An opened ioredis client, authenticated and in its database. */
export interface OpenedClient extends IoredisLike {
  on(event: 'error' | 'node error', listener: (error: Error) => void): unknown;
  off(event: 'node error', listener: (error: Error) => void): unknown;
  once(event: 'close' | 'end', listener: () => void): unknown;
  quit(): Promise<unknown>;
  disconnect(): void;
}

/** How a connection comes about; rejects with what the socket or the server said. */
export interface Opener {
  /** For messages. */
  readonly address: string;
  readonly cluster: boolean;
  open(): Promise<OpenedClient>;
}

/** Milliseconds: a connection that served so long was a good one, whatever came before it. */
const HELD = 10_000;

export class Connection implements RedisClient {
  readonly borrowed = false;
  readonly keyPrefix = '';
  readonly address: string;
  readonly cluster: boolean;
  readonly #opener: Opener;
  #link: Link | undefined;
  #opening: Promise<Link> | undefined;
  #closed = false;
  /** After attempts that made no connection. */
  readonly #unreached = new Backoff();
  /** After connections that were refused soon after they were made. */
  readonly #refused = new Backoff();

  constructor(opener: Opener) {
    this.#opener = opener;
    this.address = opener.address;
    this.cluster = opener.cluster;
  }

  command(name: string, args: readonly RedisArgument[]): Promise<RedisReply> {
    return this.#send(name, (client) => callBuffer(client, name, args));
  }

  script(
    script: Script,
    keys: readonly (string | Buffer)[],
    args: readonly RedisArgument[],
  ): Promise<RedisReply> {
    return this.#send(script, (client) =>
      callScript(
        async (name, all) => normaliseReply(await callBuffer(client, name, all)),
        script,
        keys,
        args,
      ),
    );
  }

  /** Lets commands that are under way finish, within the time limit of a command. */
  async close(): Promise<void> {
    this.#closed = true;
    const links = [this.#link];
    this.#link = undefined;
    links.push(await this.#opening?.catch(() => undefined));
    this.#link = undefined;
    await Promise.all(links.map((link) => link?.close()));
  }

  async #send(
    command: string | Script,
    send: (client: OpenedClient) => Promise<unknown>,
  ): Promise<RedisReply> {
    const name = typeof command === 'string' ? command : command.name;
    let link = this.#link?.suspect === false ? this.#link : undefined;
    // One that was given up while we waited for it is closed: what it is sent would be lost.
    while (link === undefined || link.left) link = await this.#ready(name);
    link.begin();
    try {
      const reply = normaliseReply(await send(link.client));
      link.served.add(name);
      return reply;
    } catch (error) {
      throw this.#failed(link, error, command, name);
    } finally {
      link.end();
    }
  }

  async #ready(command: string): Promise<Link> {
    const link = this.#link;
    if (link === undefined) return this.#open(command);
    if (!link.suspect || this.#refused.resting || this.#unreached.resting) return link;
    const opening = this.#reopen();
    if (this.cluster) {
      // The other nodes are well: nobody waits for a new client because of one.
      opening.catch(() => undefined);
      return link;
    }
    try {
      return await opening;
    } catch {
      // Refused by the server is still more than not connected, unless that has ended as well.
      return this.#link ?? this.#open(command);
    }
  }

  async #open(command: string): Promise<Link> {
    const { address } = this;
    if (this.#closed) {
      const message = `the connection to Redis at ${address} was closed`;
      throw new StoreError('ERR_PSB_STORE_UNREACHABLE', message);
    }
    if (this.#opening === undefined && this.#unreached.resting) {
      throw anew(toStoreError(this.#unreached.failure, { address, command, unsent: true }));
    }
    try {
      return await this.#reopen();
    } catch (error) {
      throw anew(toStoreError(error, { address, command, unsent: true }));
    }
  }

  /** One attempt at a time, for all who wait. */
  #reopen(): Promise<Link> {
    this.#opening ??= this.#attempt().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #attempt(): Promise<Link> {
    try {
      const link = new Link(await this.#opener.open());
      this.#unreached.reset();
      this.#link?.leave();
      this.#link = link;
      const forget = (): void => {
        if (this.#link === link) this.#link = undefined;
      };
      link.client.once('close', forget);
      link.client.once('end', forget);
      return link;
    } catch (error) {
      this.#unreached.failed(error);
      throw error;
    }
  }

  #failed(link: Link, error: unknown, command: string | Script, name: string): Error {
    if (error instanceof StoreError) return anew(error);
    if (isTimeout(error)) {
      // A server that does not answer may be gone without a word (no reset, no close): the next
      // command tries a new connection, while those under way keep the rest of their time here.
      if (this.#link === link) this.#link = undefined;
      link.leave();
    } else if (blamesConnection(error) || (isRefusal(error) && link.served.has(name))) {
      this.#suspect(link);
    }
    // ioredis tells the command "Connection is closed." only; a server that misses a client
    // certificate says so behind the handshake, when TLS 1.3 has let the first command go. A
    // cluster has many connections, and what one of them said is not about another.
    const why = isClosed(error) && !this.cluster ? (link.said ?? error) : error;
    return toStoreError(why, { address: this.address, command });
  }

  /**
   * The server answers, and yet not as ours: a master that became a replica keeps its sockets, and
   * so does one that takes other passwords now. The next command tries a new connection, which may
   * lead elsewhere; if it does not, further ones come at growing intervals, and until then the
   * server's own answer stands.
   */
  #suspect(link: Link): void {
    if (link.suspect || this.#link !== link) return;
    link.suspect = true;
    if (performance.now() - link.since > HELD) this.#refused.reset();
    else this.#refused.failed(undefined);
  }
}

/** An error of its own for everyone who waited for the same connection. */
function anew(error: BridgeError): BridgeError {
  if (!(error instanceof StoreError)) return error;
  return new StoreError(error.code, error.message, { cause: error.cause });
}

/** An opened client, and what is known of it. */
class Link {
  readonly client: OpenedClient;
  readonly since = performance.now();
  /** Commands and scripts that were carried out: if one is refused later, we are another user now. */
  readonly served = new Set<string>();
  suspect = false;
  /** What the client said last of its connection. */
  said: Error | undefined;
  /** Given up: it ends with the last command that is under way. */
  left = false;
  #underWay = 0;

  constructor(client: OpenedClient) {
    this.client = client;
    client.on('error', (error) => {
      this.said = error;
    });
  }

  /** A command is under way, until `end()`. */
  begin(): void {
    this.#underWay++;
  }

  end(): void {
    this.#underWay--;
    if (this.left) this.#finish();
  }

  async close(): Promise<void> {
    // QUIT is answered behind everything that was sent before it.
    await this.client.quit().catch(() => undefined);
    this.client.disconnect();
  }

  /** Disconnects as soon as what is under way has its outcome; every command has a time limit. */
  leave(): void {
    this.left = true;
    this.#finish();
  }

  #finish(): void {
    if (this.#underWay === 0) this.client.disconnect();
  }
}
