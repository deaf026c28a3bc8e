import { type FileHandle, open } from 'node:fs/promises';

export interface LoggedRequest {
  readonly service: 'user' | 'task';
  /** `POST /user/login.php` */
  readonly request: string;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
}

const KEPT = 400;
/** nginx rounds to milliseconds, and PHP may answer before it has closed its session. */
const SLACK = 4;

/** The proxy's log of the requests to PHP, one JSON line each, read on as it grows. */
export class AccessLog {
  readonly #path: string;
  #file: Promise<FileHandle> | undefined;
  #position = 0;
  #rest = '';
  #requests: LoggedRequest[] = [];
  #reading: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** The PHP requests that ran at this moment and are over. */
  async runningAt(at: number): Promise<LoggedRequest[]> {
    this.#reading = this.#reading.then(() => this.#readOn().catch(() => {}));
    await this.#reading;
    return this.#requests.filter(({ from, to }) => from - SLACK <= at && at <= to + SLACK);
  }

  async #readOn(): Promise<void> {
    this.#file ??= open(this.#path);
    this.#file.catch(() => {
      this.#file = undefined;
    });
    const file = await this.#file;
    const buffer = Buffer.alloc(65_536);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      const lines = (this.#rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
      this.#rest = lines.pop() ?? '';
      this.#requests = [...this.#requests, ...lines.flatMap(parse)].slice(-KEPT);
    }
  }
}

function parse(line: string): LoggedRequest[] {
  const { end, took, method, uri } = JSON.parse(line) as Record<string, string>;
  const service = /\/(user|task)\//.exec(uri ?? '')?.[1] as LoggedRequest['service'] | undefined;
  // The page itself asks who is logged in, without writing anything.
  if (!service || /\/(whoami|source|burst)\.php$/.test(uri ?? '')) return [];
  const to = Number(end) * 1000;
  return [{ service, request: `${method} ${uri}`, from: to - Number(took) * 1000, to }];
}
