import { EventEmitter } from 'node:events';
import { type KeyCommand, keyCommands } from './page-commands.ts';
import { type MonitorLine, monitor } from './page-monitor.ts';
import type { PageWriters, Writer } from './page-writers.ts';
import type { DemoSettings } from './settings.ts';

/** Something that happened to a key, as Redis saw it. */
export interface Observed extends KeyCommand {
  /** Different for every observation, also after a restart: the page shows none of them twice. */
  readonly id: string;
  /** Milliseconds since 1970, by Redis's clock. */
  readonly at: number;
  readonly by: Writer;
  /** What lay under the key before: null if nothing did. */
  readonly before: Buffer | null;
}

const KEPT_PER_KEY = 40;
const KEPT_KEYS = 200;

/**
 * Watches the demo's own Redis with MONITOR and remembers for a while what happened to each session.
 * MONITOR shows every value to whoever may use it and costs half the throughput: for a demo only.
 */
export class PageObserver extends EventEmitter<{ observed: [Observed] }> {
  readonly #redis: DemoSettings['redis'];
  readonly #prefix: string;
  readonly #writers: PageWriters;
  readonly #byKey = new Map<string, Observed[]>();
  /** The last value seen under each key, null if it was deleted. */
  readonly #values = new Map<string, Buffer | null>();
  readonly #ignored = new Set<string>();
  readonly #epoch = Date.now().toString(36);
  #started: Promise<void> | undefined;
  #last = 0;
  /** Who ran the script whose commands come next: MONITOR calls all of those `lua`. */
  #script: { readonly command: string; readonly address: string } = { command: '', address: '' };
  #told: Promise<void> = Promise.resolve();

  constructor(redis: DemoSettings['redis'], prefix: string, writers: PageWriters) {
    super();
    // One listener for each open page.
    this.setMaxListeners(0);
    this.#redis = redis;
    this.#prefix = prefix;
    this.#writers = writers;
  }

  /** Begins to watch; until somebody looks at the page there is no MONITOR. */
  start(): Promise<void> {
    this.#started ??= monitor(this.#redis, (line) => this.#command(line)).catch((error) => {
      // The next visitor tries again.
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  /** What happened to this key lately, oldest first. */
  history(key: string): readonly Observed[] {
    return this.#byKey.get(key) ?? [];
  }

  /** Tells what lies under a key that was there before anybody watched. */
  learn(key: string, bytes: Buffer | null): void {
    if (!this.#values.has(key)) this.#keepValue(key, bytes);
  }

  /** The hundreds of writes of a burst are nobody's session. */
  ignore(key: string): void {
    this.#ignored.add(key);
    setTimeout(() => this.#ignored.delete(key), 60_000).unref();
  }

  #command({ at, args, source }: MonitorLine): void {
    const name = (args[0] ?? '').toUpperCase();
    if (name === 'EVALSHA' || name === 'EVAL') this.#script = { command: name, address: source };
    const inScript = source === 'lua';
    const address = inScript ? this.#script.address : source;
    for (const found of keyCommands(args)) {
      if (!this.#isSession(found.key)) continue;
      const command = inScript ? `${this.#script.command} › ${found.command}` : found.command;
      const before = this.#values.get(found.key) ?? null;
      if (found.kind !== 'touch') this.#keepValue(found.key, found.bytes ?? null);
      // One after the other, since finding out who it was takes a different time for each.
      const by = this.#writers.whoWrote(address, at);
      this.#told = this.#told.then(async () => {
        this.#remember({ ...found, command, at, before, by: await by });
      });
    }
  }

  #isSession(key: string): boolean {
    // phpredis: the lock key is the data key + "_LOCK".
    if (key.endsWith('_LOCK') || this.#ignored.has(key)) return false;
    return key.startsWith(this.#prefix);
  }

  #remember(seen: Omit<Observed, 'id'>): void {
    this.#last += 1;
    const observed = { ...seen, id: `${this.#epoch}-${this.#last}` };
    const events = this.#byKey.get(seen.key) ?? [];
    putLast(this.#byKey, seen.key, [...events, observed].slice(-KEPT_PER_KEY));
    this.emit('observed', observed);
  }

  #keepValue(key: string, bytes: Buffer | null): void {
    putLast(this.#values, key, bytes);
  }
}

/** The key that changed last stays longest. */
function putLast<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > KEPT_KEYS && !oldest.done) map.delete(oldest.value);
}
