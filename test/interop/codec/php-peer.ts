import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Handler } from '../../fixtures/fixtures.ts';

/** A value by itself, or a whole session under its handler. */
export type PeerFormat = Handler | 'serialize' | 'igbinary-value' | 'msgpack-value';

/** What PHP said: bytes, a refusal with its reason, or nothing any more. */
export type PeerAnswer =
  | { readonly bytes: Buffer }
  | { readonly refused: string; readonly crashed?: true };

const script = join(dirname(fileURLToPath(import.meta.url)), 'peer.php');

/**
 * One long-lived PHP process. Its extensions crash on some bytes: it is started anew then, and the
 * item that did it is answered with `crashed`.
 */
export class PhpPeer implements AsyncDisposable {
  #child: ChildProcessByStdio<Writable, Readable, null> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #crashes = 0;
  readonly #withClasses: boolean;

  /** Without the classes of the fixtures every class is unknown to PHP, as it is to the codec. */
  constructor({ classes = true }: { readonly classes?: boolean } = {}) {
    this.#withClasses = classes;
  }

  /** How often PHP died so far. */
  get crashes(): number {
    return this.#crashes;
  }

  /** Decodes and encodes again. */
  again(format: PeerFormat, items: readonly Uint8Array[]): Promise<PeerAnswer[]> {
    return this.#ask(`again ${format}`, items);
  }

  /** `json_encode` of serialized values. */
  json(items: readonly Uint8Array[]): Promise<PeerAnswer[]> {
    return this.#ask('json', items);
  }

  /** Random values, or sessions, from seeds. */
  random(format: PeerFormat, seeds: readonly number[], sharing = true): Promise<PeerAnswer[]> {
    const items = seeds.map((seed) => Buffer.from(`${seed} ${sharing ? 1 : 0}`));
    return this.#ask(`random ${format}`, items);
  }

  /** Decodes sessions, runs PHP statements on `$_SESSION`, encodes. */
  edit(
    handler: Handler,
    edits: readonly { readonly php: string; readonly bytes: Uint8Array }[],
  ): Promise<PeerAnswer[]> {
    const items = edits.map(({ php, bytes }) =>
      Buffer.concat([Buffer.from(`${php}\0\x01\x02`), bytes]),
    );
    return this.#ask(`edit ${handler}`, items);
  }

  /** Runs PHP statements that return a string. */
  async run(php: string): Promise<string> {
    const [answer] = await this.#ask('run', [Buffer.from(php)]);
    if (!answer || 'refused' in answer) throw new Error(`PHP: ${answer?.refused ?? 'no answer'}`);
    return answer.bytes.toString('latin1');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn.catch(() => undefined);
    this.#child?.stdin.end();
  }

  #ask(operation: string, items: readonly Uint8Array[]): Promise<PeerAnswer[]> {
    const answer = this.#turn.then(() => this.#exchange(operation, items));
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  async #exchange(operation: string, items: readonly Uint8Array[]): Promise<PeerAnswer[]> {
    const body = await this.#frame(frameOf([Buffer.from(operation), ...items]));
    if (body) return readAnswers(body);
    this.#crashes += 1;
    if (items.length === 1) return [{ refused: 'PHP crashed', crashed: true }];
    const answers: PeerAnswer[] = [];
    for (const item of items) answers.push(...(await this.#exchange(operation, [item])));
    return answers;
  }

  /** One frame out, one in; `undefined` when PHP died over it. */
  #frame(frame: Buffer): Promise<Buffer | undefined> {
    if (!this.#child) {
      this.#child = spawn('php', ['-d', 'memory_limit=1G', '-d', 'opcache.enable_cli=0', script], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, PEER_CLASSES: this.#withClasses ? '1' : '0' },
      });
      // A write to a PHP that just died: `close` tells it.
      this.#child.stdin.on('error', () => undefined);
    }
    const child = this.#child;
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const done = (body: Buffer | undefined): void => {
        child.stdout.off('data', onData);
        child.off('close', onClose);
        resolve(body);
      };
      const onData = (chunk: Buffer): void => {
        chunks.push(chunk);
        size += chunk.length;
        if (size < 4) return;
        const first = chunks.length > 1 ? Buffer.concat(chunks) : chunk;
        if (chunks.length > 1) chunks.splice(0, chunks.length, first);
        if (size - 4 >= first.readUInt32BE(0)) done(first.subarray(4));
      };
      const onClose = (): void => {
        this.#child = undefined;
        done(undefined);
      };
      child.stdout.on('data', onData);
      child.once('close', onClose);
      child.stdin.write(frame);
    });
  }
}

function frameOf(strings: readonly Uint8Array[]): Buffer {
  const length = strings.reduce((sum, part) => sum + 4 + part.length, 0);
  const frame = Buffer.alloc(4 + length);
  let at = frame.writeUInt32BE(length, 0);
  for (const part of strings) {
    at = frame.writeUInt32BE(part.length, at);
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

function readAnswers(body: Buffer): PeerAnswer[] {
  const answers: PeerAnswer[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 4 + body.readUInt32BE(at);
    const bytes = body.subarray(at + 5, end);
    answers.push(body[at + 4] === 0x2b ? { bytes } : { refused: bytes.toString() });
    at = end;
  }
  return answers;
}
