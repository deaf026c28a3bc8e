/** What a Redis command does to a session's key. */
export interface KeyCommand {
  readonly key: string;
  readonly kind: 'write' | 'touch' | 'destroy';
  /** The command as MONITOR named it. */
  readonly command: string;
  /** Seconds, where the command sets them. */
  readonly ttl?: number;
  /** The new value. */
  readonly bytes?: Buffer;
}

/**
 * The changes of keys among one line of MONITOR; none for commands that only read.
 *
 * @param args the command and its arguments, escaped as MONITOR writes them
 */
export function keyCommands(args: readonly string[]): KeyCommand[] {
  const command = (args[0] ?? '').toUpperCase();
  const key = unescaped(args[1] ?? '').toString('utf8');
  const number = (at: number): number => Number(args[at] ?? 0);
  switch (command) {
    case 'SETEX':
      return [{ kind: 'write', command, key, ttl: number(2), bytes: unescaped(args[3] ?? '') }];
    case 'PSETEX':
      return [
        { kind: 'write', command, key, ttl: number(2) / 1000, bytes: unescaped(args[3] ?? '') },
      ];
    case 'SET':
      return [{ kind: 'write', command, key, bytes: unescaped(args[2] ?? ''), ...expiry(args, 3) }];
    case 'EXPIRE':
      return [{ kind: 'touch', command, key, ttl: number(2) }];
    case 'PEXPIRE':
      return [{ kind: 'touch', command, key, ttl: number(2) / 1000 }];
    case 'GETEX':
      // Without EX or PX it is a plain read.
      return args.length > 2 ? [{ kind: 'touch', command, key, ...expiry(args, 2) }] : [];
    case 'DEL':
    case 'UNLINK':
      return args.slice(1).map((name) => ({
        kind: 'destroy',
        command,
        key: unescaped(name).toString('utf8'),
      }));
    default:
      return [];
  }
}

function expiry(args: readonly string[], from: number): { ttl?: number } {
  for (let at = from; at < args.length - 1; at += 1) {
    const unit = args[at]?.toUpperCase();
    if (unit === 'EX') return { ttl: Number(args[at + 1]) };
    if (unit === 'PX') return { ttl: Number(args[at + 1]) / 1000 };
  }
  return {};
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  b: '\b',
};

/** MONITOR writes bytes as C would: `\n`, `\x00`, `\"`, `\\`. */
function unescaped(text: string): Buffer {
  const bytes = text.replace(/\\(?:x([0-9a-f]{2})|(.))/gs, (_, hex?: string, char = '') =>
    hex === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1');
}
