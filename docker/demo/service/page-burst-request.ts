import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type Koa from 'koa';
import { BridgeError, isSessionId, SessionManager } from 'php-session-bridge';
import {
  type CompressionName,
  compress,
  decodeSession,
  decompress,
  encodeSession,
} from 'php-session-bridge/codec';
import { readForm } from './form.ts';
import { type DemoSettings, prefixOf } from './settings.ts';

export const BURST_MODES = ['naive', 'phpredis', 'merging'] as const;
export type BurstMode = (typeof BURST_MODES)[number];

/** Milliseconds that a request works between reading and writing its session, as pages do. */
const WORK = 5;

/** The class has the prefix of the source documents, as in the rest of the demo. */
export function burstPrefix(mode: BurstMode): string {
  return prefixOf(mode === 'merging' ? 'merging' : 'phpredis');
}

/** phpredis compresses, the class does not. */
function compressionOf(mode: BurstMode, settings: DemoSettings): CompressionName {
  return mode === 'merging' ? 'none' : settings.compression;
}

export function readBurst(bytes: Buffer | null, mode: BurstMode, settings: DemoSettings) {
  if (bytes === null) return {};
  const plain = decompress(bytes, compressionOf(mode, settings));
  return decodeSession(plain, { handler: settings.serializeHandler });
}

export function burstBytes(variables: object, mode: BurstMode, settings: DemoSettings): Buffer {
  const plain = encodeSession(variables, { handler: settings.serializeHandler });
  return compress(plain, compressionOf(mode, settings));
}

/** Each request stores a variable of its own, so that every loss has a name. */
export function slotName(side: 'php' | 'node', number: number): string {
  return `${side}_${number}`;
}

/** Node's side of a burst: one request that stores one variable, by the bridge or naively. */
export class BurstRequest {
  readonly #settings: DemoSettings;
  readonly #redis: Redis;
  readonly #sessions: Readonly<Record<Exclude<BurstMode, 'naive'>, SessionManager>>;

  constructor(settings: DemoSettings, redis: Redis) {
    this.#settings = settings;
    this.#redis = redis;
    const manager = (mode: BurstMode) =>
      new SessionManager({
        redis,
        prefix: burstPrefix(mode),
        serializeHandler: settings.serializeHandler,
        compression: compressionOf(mode, settings),
      });
    this.#sessions = { phpredis: manager('phpredis'), merging: manager('merging') };
  }

  async answer(ctx: Koa.Context): Promise<void> {
    const form = await readForm(ctx.req);
    const mode = BURST_MODES.find((one) => one === form.get('mode'));
    const id = ctx.cookies.get('PHPSESSID');
    if (!mode || !isSessionId(id)) return ctx.throw(400);
    const name = slotName('node', Number(form.get('number')));
    try {
      const merged =
        mode === 'naive' ? await this.#naively(id, name) : await this.#bridged(mode, id, name);
      ctx.body = { stored: true, merged };
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      ctx.body = { stored: false, warnings: [`${error.code}: ${error.message}`] };
    }
  }

  async #bridged(mode: Exclude<BurstMode, 'naive'>, id: string, name: string): Promise<boolean> {
    const session = await this.#sessions[mode].open(id);
    session.variables[name] = true;
    await sleep(WORK);
    const { outcome } = await session.commit();
    return outcome === 'merged';
  }

  /** What an ordinary session store does: read all, change, write all. The last one wins. */
  async #naively(id: string, name: string): Promise<false> {
    const key = burstPrefix('naive') + id;
    const variables = readBurst(await this.#redis.getBuffer(key), 'naive', this.#settings);
    variables[name] = true;
    await sleep(WORK);
    await this.#redis.setex(key, 60, burstBytes(variables, 'naive', this.#settings));
    return false;
  }
}
