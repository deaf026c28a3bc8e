import { connect } from 'node:net';
import type { DemoSettings } from './settings.ts';

/** One line of MONITOR. */
export interface MonitorLine {
  /** Milliseconds since 1970, by the server's clock. */
  readonly at: number;
  /** The address of the client, `lua` for a command of a script. */
  readonly source: string;
  /** The command and its arguments, escaped as MONITOR writes them. */
  readonly args: readonly string[];
}

const AGAIN_AFTER = 1000;
const LINE = /^\+(\d+\.\d+) \[\d+ ([^\]]+)\] (.*)$/;
const ARGUMENT = /"((?:[^"\\]|\\.)*)"/g;

/**
 * Watches a Redis server for as long as the process lives, over a connection of its own: ioredis
 * takes a command that comes in one packet with MONITOR's own OK for an answer, and fails.
 *
 * Resolves when it watches; rejects if Redis refuses that.
 */
export function monitor(
  redis: DemoSettings['redis'],
  told: (line: MonitorLine) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const { host, port, username = 'default', password } = redis;
    const socket = connect(port, host);
    const commands = [...(password ? [`AUTH ${username} ${password}`] : []), 'MONITOR'];
    let unanswered = commands.length;
    let pending = '';
    socket.on('connect', () => socket.write(commands.map((command) => `${command}\r\n`).join('')));
    socket.on('data', (chunk) => {
      // MONITOR escapes every byte that is not ASCII.
      const lines = (pending + chunk.toString('latin1')).split('\r\n');
      pending = lines.pop() ?? '';
      for (const line of lines) {
        if (unanswered > 0) {
          if (line !== '+OK') reject(new Error(`MONITOR was refused: ${line.slice(1)}`));
          unanswered -= 1;
          if (unanswered === 0) resolve();
        } else {
          const parsed = parse(line);
          if (parsed) told(parsed);
        }
      }
    });
    socket.on('error', reject);
    socket.on('close', () => {
      reject(new Error('the connection that watches Redis was closed'));
      if (unanswered === 0) again(redis, told);
    });
  });
}

/** Redis was restarted, say: what happens until it answers again is not seen. */
function again(redis: DemoSettings['redis'], told: (line: MonitorLine) => void): void {
  setTimeout(() => monitor(redis, told).catch(() => again(redis, told)), AGAIN_AFTER).unref();
}

function parse(text: string): MonitorLine | undefined {
  const [, time, source = '', rest = ''] = LINE.exec(text) ?? [];
  if (time === undefined) return undefined;
  const args = [...rest.matchAll(ARGUMENT)].map(([, argument = '']) => argument);
  return { at: Number(time) * 1000, source, args };
}
