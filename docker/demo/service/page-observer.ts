import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { type KeyCommand, keyCommands } from './page-commands.ts';
import type { PageWriters, Writer } from './page-writers.ts';

/** Something that happened to a key, as Redis saw it. */
export interface Observed extends KeyCommand {
  /** Different for every observation, also after a restart: the page shows none of them twice. */
  readonly id: string;
  /** Milliseconds since 1970, by Redis's clock. */
  readonly at: number;
  readonly by: Writer;
}

const KEPT_PER_KEY = 40;
const KEPT_KEYS = 200;

/**
 * Watches the demo's own Redis with MONITOR and remembers for a while what happened to each session.
 * MONITOR shows every value to whoever may use it and costs half the throughput: for a demo only.
 */
export class PageObserver extends EventEmitter<{ observed: [Observed] }> {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #writers: PageWriters;
  readonly #byKey = new Map<string, Observed[]>();
  readonly #ignored = new Set<string>();
  readonly #epoch = Date.now().toString(36);
  #started: Promise<void> | undefined;
  #last = 0;
  /** Who ran the script whose commands come next: MONITOR calls all of those `lua`. */
  #script: { readonly command: string; readonly address: string } = { command: '', address: '' };
  #told: Promise<void> = Promise.resolve();

  constructor(redis: Redis, prefix: string, writers: PageWriters) {
    super();
    // One listener for each open page.
    this.setMaxListeners(0);
    this.#redis = redis;
    this.#prefix = prefix;
    this.#writers = writers;
  }

  /** Begins to watch; until somebody looks at the page there is no MONITOR. */
  start(): Promise<void> {
    this.#started ??= this.#watch();
    return this.#started;
  }

  /** What happened to this key lately, oldest first. */
  history(key: string): readonly Observed[] {
    return this.#byKey.get(key) ?? [];
  }

  /** The hundreds of writes of a burst are nobody's session. */
  ignore(key: string): void {
    this.#ignored.add(key);
    setTimeout(() => this.#ignored.delete(key), 60_000).unref();
  }

  async #watch(): Promise<void> {
    const monitor = await this.#redis.monitor();
    // The client connects and watches again by itself; without a listener it would print.
    monitor.on('error', () => {});
    monitor.on('monitor', (time: string, args: string[], source: string) => {
      this.#command(Number(time) * 1000, args, source);
    });
  }

  #command(at: number, args: string[], source: string): void {
    const name = (args[0] ?? '').toUpperCase();
    if (name === 'EVALSHA' || name === 'EVAL') this.#script = { command: name, address: source };
    const inScript = source === 'lua';
    const address = inScript ? this.#script.address : source;
    for (const found of keyCommands(args)) {
      if (!this.#isSession(found.key)) continue;
      const command = inScript ? `${this.#script.command} › ${found.command}` : found.command;
      // One after the other, since finding out who it was takes a different time for each.
      const by = this.#writers.whoWrote(address, at);
      this.#told = this.#told.then(async () => this.#remember({ ...found, command }, at, await by));
    }
  }

  #isSession(key: string): boolean {
    // phpredis: the lock key is the data key + "_LOCK".
    if (key.endsWith('_LOCK') || this.#ignored.has(key)) return false;
    return key.startsWith(this.#prefix);
  }

  #remember(command: KeyCommand, at: number, by: Writer): void {
    this.#last += 1;
    const observed = { ...command, id: `${this.#epoch}-${this.#last}`, at, by };
    const { key } = command;
    const events = this.#byKey.get(key) ?? [];
    // The key that changed last stays longest.
    this.#byKey.delete(key);
    this.#byKey.set(key, [...events, observed].slice(-KEPT_PER_KEY));
    const oldest = this.#byKey.keys().next();
    if (this.#byKey.size > KEPT_KEYS && !oldest.done) this.#byKey.delete(oldest.value);
    this.emit('observed', observed);
  }
}
