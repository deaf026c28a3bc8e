import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { RedisService } from './redis.ts';

/** One command as MONITOR showed it. */
export interface MonitoredCommand {
  /** Upper case: `GET`, `SETEX`, … */
  readonly command: string;
  /** The first argument: for most commands the key, for EVALSHA the digest of the script. */
  readonly key: string;
  /** Address of the client, `lua` inside a script. */
  readonly client: string;
  readonly database: number;
  /** Seconds since 1970, by the server's clock. */
  readonly time: number;
  /**
   * All arguments as bytes in a latin1 string. Not enumerable: a failed comparison must not print the
   * values of sessions.
   */
  readonly args: readonly string[];
}

export interface RedisMonitor {
  /** Waits until everything that was sent so far has been seen, and answers what is new since the last take. */
  take(): Promise<MonitoredCommand[]>;
  /** The commands that the given work caused. */
  during(work: () => Promise<unknown>): Promise<MonitoredCommand[]>;
  stop(): void;
}

/**
 * Watches all commands of a Redis server except those of `redis.client`, which is the test's own.
 *
 * @example
 * const monitor = await redisMonitor(redis);
 * const seen = await monitor.during(() => pool.request('read.php', { jar }));
 * expect(seen.map(({ command }) => command)).toEqual(['GET', 'EXPIRE']);
 */
export async function redisMonitor(redis: RedisService): Promise<RedisMonitor> {
  await redis.client.ping();
  const { localAddress, localPort } = redis.client.stream as Socket;
  const own = `${localAddress}:${localPort}`;
  const socket = connect(redis.port, redis.host);
  let seen: MonitoredCommand[] = [];
  let pending = '';
  const marks = new Map<string, () => void>();
  const { password } = redis.client.options;
  // Each of AUTH and MONITOR is answered by one OK.
  let greetings = password ? 2 : 1;
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.on('data', (chunk) => {
      // latin1, because MONITOR escapes bytes above 127 and nothing else may touch the rest
      pending += chunk.toString('latin1');
      const lines = pending.split('\r\n');
      pending = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '+OK') {
          greetings -= 1;
          if (greetings === 0) resolve();
        } else if (line.startsWith('-')) reject(new Error(`MONITOR was refused: ${line.slice(1)}`));
        const command = parse(line);
        if (!command) continue;
        const mark = command.command === 'ECHO' ? marks.get(command.key) : undefined;
        if (mark) mark();
        else if (command.client !== own) seen.push(command);
      }
    });
    if (password) socket.write(`AUTH ${password}\r\n`);
    socket.write('MONITOR\r\n');
  });
  const take = async (): Promise<MonitoredCommand[]> => {
    const mark = randomUUID();
    const reached = new Promise<void>((resolve) => marks.set(mark, resolve));
    await redis.client.echo(mark);
    await reached;
    marks.delete(mark);
    const taken = seen;
    seen = [];
    return taken;
  };
  return {
    take,
    async during(work) {
      await take();
      await work();
      return take();
    },
    stop: () => void socket.destroy(),
  };
}

const LINE = /^\+(\d+\.\d+) \[(\d+) ([^\]]+)\] (.*)$/s;
const ARGUMENT = /"((?:[^"\\]|\\.)*)"/gs;

function parse(line: string): MonitoredCommand | undefined {
  const match = LINE.exec(line);
  if (!match) return undefined;
  const [, time, database, client = '', rest = ''] = match;
  const [command = '', ...args] = [...rest.matchAll(ARGUMENT)].map(([, text = '']) =>
    unescaped(text),
  );
  const entry = {
    command: command.toUpperCase(),
    key: args[0] ?? '',
    client,
    database: Number(database),
    time: Number(time),
  };
  return Object.defineProperty(entry, 'args', { value: args }) as MonitoredCommand;
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };

function unescaped(text: string): string {
  return text.replace(/\\(?:x([0-9a-f]{2})|(.))/gs, (_, hex?: string, char = '') =>
    hex === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
