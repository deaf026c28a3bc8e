/**
 * Our own connection to one server (or cluster): opened when it is first needed, opened again when
 * it is next needed after it broke, and nothing queued or sent twice in between.
 */
import { StoreError } from '../../errors.ts';
import type { RedisArgument, RedisClient, RedisReply } from './client.ts';
import { normaliseReply } from './client.ts';
import { callBuffer, type IoredisLike } from './ioredis-client.ts';
import { callScript } from './script-call.ts';
import type { Script } from './scripts.ts';
import { isClosed, isTimeout, toStoreError } from './store-error.ts';

/** An opened ioredis client, authenticated and in its database. */
export interface OpenedClient extends IoredisLike {
  on(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'close' | 'end', listener: () => void): unknown;
  quit(): Promise<unknown>;
  disconnect(): void;
}

/** How a connection comes about; rejects with what the socket or the server said. */
export interface Opener {
  /** For messages. */
  readonly address: string;
  readonly cluster: boolean;
  /** Milliseconds for one command. */
  readonly commandTimeout: number;
  open(): Promise<OpenedClient>;
}

/** After failures the server is left alone for a while: doubled each time, up to two seconds. */
const BACKOFF = { first: 50, longest: 2000 };

export class Connection implements RedisClient {
  readonly borrowed = false;
  readonly keyPrefix = '';
  readonly address: string;
  readonly cluster: boolean;
  readonly #opener: Opener;
  /** What a client said last of its connection. */
  readonly #said = new WeakMap<OpenedClient, Error>();
  #client: OpenedClient | undefined;
  #opening: Promise<OpenedClient> | undefined;
  #closed = false;
  #failures = 0;
  #notBefore = 0;
  #failure: unknown;

  constructor(opener: Opener) {
    this.#opener = opener;
    this.address = opener.address;
    this.cluster = opener.cluster;
  }

  async command(name: string, args: readonly RedisArgument[]): Promise<RedisReply> {
    const client = this.#client ?? (await this.#open(name));
    try {
      return normaliseReply(await callBuffer(client, name, args));
    } catch (error) {
      throw this.#failed(client, error, name);
    }
  }

  async script(
    script: Script,
    keys: readonly (string | Buffer)[],
    args: readonly RedisArgument[],
  ): Promise<RedisReply> {
    const client = this.#client ?? (await this.#open(script.name));
    try {
      return await callScript(
        async (name, all) => normaliseReply(await callBuffer(client, name, all)),
        script,
        keys,
        args,
      );
    } catch (error) {
      throw this.#failed(client, error, script);
    }
  }

  /** Lets commands that are under way finish, within the time limit of a command. */
  async close(): Promise<void> {
    this.#closed = true;
    const client = this.#client ?? (await this.#opening?.catch(() => undefined));
    this.#client = undefined;
    if (client === undefined) return;
    // QUIT is answered behind everything that was sent before it.
    await client.quit().catch(() => undefined);
    client.disconnect();
  }

  async #open(command: string): Promise<OpenedClient> {
    const { address } = this;
    if (this.#closed) {
      const message = `the connection to Redis at ${address} was closed`;
      throw new StoreError('ERR_PSB_STORE_UNREACHABLE', message);
    }
    if (this.#opening === undefined) {
      if (performance.now() < this.#notBefore) {
        throw toStoreError(this.#failure, { address, command, unsent: true });
      }
      this.#opening = this.#attempt().finally(() => {
        this.#opening = undefined;
      });
    }
    try {
      return await this.#opening;
    } catch (error) {
      throw toStoreError(error, { address, command, unsent: true });
    }
  }

  async #attempt(): Promise<OpenedClient> {
    try {
      const client = await this.#opener.open();
      this.#failures = 0;
      this.#client = client;
      const forget = (): void => {
        if (this.#client === client) this.#client = undefined;
      };
      client.on('error', (error) => this.#said.set(client, error));
      client.once('close', forget);
      client.once('end', forget);
      return client;
    } catch (error) {
      const pause = Math.min(BACKOFF.first * 2 ** this.#failures, BACKOFF.longest);
      this.#failures++;
      // Jitter, or many processes would come back to a restarted server in step.
      this.#notBefore = performance.now() + pause * (0.5 + Math.random() / 2);
      this.#failure = error;
      throw error;
    }
  }

  #failed(client: OpenedClient, error: unknown, command: string | Script): Error {
    if (isTimeout(error) && this.#client === client) {
      // A server that does not answer may be gone without a word (no reset, no close): the next
      // command tries a new connection, while those under way keep the rest of their time here.
      this.#client = undefined;
      setTimeout(() => client.disconnect(), this.#opener.commandTimeout).unref();
    }
    // ioredis tells the command "Connection is closed." only; a server that misses a client
    // certificate says so behind the handshake, when TLS 1.3 has let the first command go.
    const why = isClosed(error) ? (this.#said.get(client) ?? error) : error;
    return toStoreError(why, { address: this.address, command });
  }
}
