import { reverse } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { AccessLog } from './page-access-log.ts';

/** Who sent a command, and how the page knows. */
export interface Writer {
  /** Which of the three services, where that could be told. */
  readonly service: 'user' | 'task' | 'node' | null;
  readonly language: 'PHP' | 'Node' | '';
  readonly label: string;
  readonly how: string;
}

/** How long a PHP request may take until the proxy's log has it. */
const LOG_PATIENCE = 400;
const SOMEBODY: Writer = {
  service: null,
  language: '',
  label: 'somebody',
  how: 'an unnamed connection',
};

/**
 * Tells who is behind an address that MONITOR shows. Node's connections have a name (CLIENT SETNAME).
 * phpredis gives its session connections none: in containers their address tells the service, and
 * where all of them come from loopback, the proxy's log of the requests that ran at that moment does.
 */
export class PageWriters {
  readonly #redis: Redis;
  readonly #log: AccessLog | undefined;
  readonly #names = new Map<string, string>();
  readonly #hosts = new Map<string, Promise<string>>();

  constructor(redis: Redis, log: AccessLog | undefined) {
    this.#redis = redis;
    this.#log = log;
  }

  async whoWrote(address: string, at: number): Promise<Writer> {
    const name = await this.#nameOf(address);
    if (name) return { service: 'node', language: 'Node', label: 'node', how: `named ${name}` };
    const host = await this.#hostOf(address);
    const service = /^(?:.*[-_])?(user|task)(?:[-_]|$)/.exec(host)?.[1];
    if (service) return php(service, `from ${host}`);
    return (await this.#fromLog(at)) ?? SOMEBODY;
  }

  async #nameOf(address: string): Promise<string | undefined> {
    const known = this.#names.get(address);
    if (known !== undefined) return known;
    const list = String(await this.#redis.client('LIST').catch(() => ''));
    this.#names.clear();
    for (const [, addr = '', name = ''] of list.matchAll(/ addr=(\S+) .*? name=(\S*) /g)) {
      if (name !== '') this.#names.set(addr, name);
    }
    return this.#names.get(address);
  }

  /** The name that the containers' DNS gives an address, else an empty text. */
  #hostOf(address: string): Promise<string> {
    const ip = address.slice(0, address.lastIndexOf(':'));
    if (ip === '127.0.0.1' || !/^\d+(\.\d+){3}$/.test(ip)) return Promise.resolve('');
    const host =
      this.#hosts.get(ip) ??
      reverse(ip)
        .then(([first = '']) => first.split('.')[0] ?? '')
        .catch(() => '');
    this.#hosts.set(ip, host);
    // A container that comes back may have another's address.
    setTimeout(() => this.#hosts.delete(ip), 10_000).unref();
    return host;
  }

  async #fromLog(at: number): Promise<Writer | undefined> {
    if (!this.#log) return undefined;
    for (let waited = 0; waited <= LOG_PATIENCE; waited += 25) {
      const requests = await this.#log.runningAt(at);
      const services = new Set(requests.map(({ service }) => service));
      const [service] = services;
      // Two services at the same moment: it was one of them, and nobody can tell which.
      if (services.size > 1) return php('PHP', 'the proxy’s log: one of two requests');
      if (service) return php(service, `log: ${requests[0]?.request}`);
      await sleep(25);
    }
    return undefined;
  }
}

function php(label: string, how: string): Writer {
  const service = label === 'user' || label === 'task' ? label : null;
  return { service, language: 'PHP', label, how };
}
