import { fileURLToPath } from 'node:url';
import type { Handler } from '../fixtures/fixtures.ts';
import { PhpPeer } from '../interop/codec/php-peer.ts';
import type { Clock } from './measure.ts';

export type ValueFormat = 'serialize' | 'igbinary' | 'msgpack';

const profiles = fileURLToPath(new URL('profiles.php', import.meta.url));

/** The PHP process that writes the blobs and is itself timed, between the rounds of Node. */
export class BenchPhp implements AsyncDisposable {
  readonly #peer = new PhpPeer();
  readonly #variants: number;

  readonly #clock: Clock;

  constructor(variants: number, clock: Clock) {
    this.#clock = clock;
    this.#variants = variants;
  }

  /** One variant of a profile: a whole `$_SESSION` as a plain value, or its JSON. */
  async blob(format: ValueFormat | 'json', profile: string, variant: number): Promise<Buffer> {
    const call = `\\Bench\\encode('${format}', \\Bench\\variables('${profile}', ${variant}))`;
    return Buffer.from(await this.#run(call), 'latin1');
  }

  async session(handler: Handler, profile: string, variant: number): Promise<Buffer> {
    return Buffer.from(
      await this.#run(`\\Bench\\sessionBytes('${handler}', '${profile}', ${variant})`),
      'latin1',
    );
  }

  async time(
    what: 'decode' | 'encode',
    format: ValueFormat,
    profile: string,
    milliseconds: number,
  ): Promise<number> {
    return Number(
      await this.#run(
        `\\Bench\\timeOf('${what}', '${format}', '${profile}', ${this.#variants}, ${milliseconds}, '${this.#clock}')`,
      ),
    );
  }

  async timeOpening(handler: Handler, profile: string, milliseconds: number): Promise<number> {
    return Number(
      await this.#run(
        `\\Bench\\timeOfOpening('${handler}', '${profile}', ${milliseconds}, '${this.#clock}')`,
      ),
    );
  }

  version(): Promise<string> {
    return this.#run('PHP_VERSION');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer[Symbol.asyncDispose]();
  }

  #run(call: string): Promise<string> {
    return this.#peer.run(`require_once '${profiles}'; return ${call};`);
  }
}
