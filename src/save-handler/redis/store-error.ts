/**
 * From what a client or the server says to an error that says what to do. Messages name address
 * and command; they never repeat arguments or a server text that may hold one.
 */
import { BridgeError, type BridgeErrorCode, StoreError } from '../../errors.ts';
import type { Script } from './scripts.ts';

export interface CommandContext {
  /** Host and port or socket. */
  readonly address: string;
  /** Name of the command, or the script that EVALSHA runs. */
  readonly command: string | Script;
  /** Was it surely not sent? Then even a write has a known outcome: nothing happened. */
  readonly unsent?: boolean;
}

/** Nothing is written by these: whatever happened to them, the store is what it was. */
const READING = new Set(['GET', 'EXISTS', 'TTL', 'PTTL', 'TYPE', 'STRLEN', 'PING', 'INFO', 'read']);

type Finding = readonly [code: BridgeErrorCode, sentence: string];

/** What the first word of an error reply means for a session store. */
const REPLIES: Readonly<Record<string, Finding>> = {
  NOAUTH: ['ERR_PSB_STORE_AUTH', 'wants a password and none was given'],
  WRONGPASS: ['ERR_PSB_STORE_AUTH', 'refused the user name or password'],
  WRONGTYPE: ['ERR_PSB_STORE_TYPE', 'holds something under this key that is not a string'],
  READONLY: ['ERR_PSB_STORE', 'is a read-only replica; sessions need the master'],
  LOADING: ['ERR_PSB_STORE', 'is still loading its data'],
  OOM: ['ERR_PSB_STORE', 'is out of memory (maxmemory) and refuses writes'],
  BUSY: ['ERR_PSB_STORE', 'is busy with another script'],
  MASTERDOWN: ['ERR_PSB_STORE', 'is a replica without a link to its master'],
  CLUSTERDOWN: ['ERR_PSB_STORE', 'reports that the cluster is down'],
  CROSSSLOT: ['ERR_PSB_STORE', 'refuses keys of different cluster slots'],
  MISCONF: ['ERR_PSB_STORE', 'refuses writes because it cannot save its data to disk'],
  NOREPLICAS: ['ERR_PSB_STORE', 'refuses writes because too few replicas are connected'],
};

/** Error codes of Node's sockets and resolver. */
const UNREACHABLE = /^(ECONN|EHOST|ENET|ENOTFOUND|EAI_|ENOENT|EPIPE|EADDR|EACCES|EPERM|ETIMEDOUT)/;

/** The StoreError for what went wrong with a command; a BridgeError passes through unchanged. */
export function toStoreError(error: unknown, context: CommandContext): BridgeError {
  if (error instanceof BridgeError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const [code, sentence] = findingOf(error, text, context);
  return new StoreError(code, `Redis at ${context.address} ${sentence}`, { cause: redact(error) });
}

export function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** ioredis, of a command whose connection ended. */
export function isClosed(error: unknown): boolean {
  return error instanceof Error && /^Connection is closed/.test(error.message);
}

export function isTimeout(error: unknown): boolean {
  return error instanceof Error && /timed? ?out/i.test(error.message);
}

function findingOf(error: unknown, text: string, context: CommandContext): Finding {
  const command = nameOf(context.command);
  if (text.startsWith('NOPERM')) return permission(text, context.command);
  // Inside a script the first word comes behind "ERR Error running script …" on older servers.
  const reply = /^[A-Z]{2,}(?= |$)/.exec(text)?.[0];
  if (reply !== undefined && Object.hasOwn(REPLIES, reply)) return REPLIES[reply] as Finding;
  const inner =
    /(?:@user_script:|script: ?\d+:|Error running script).*?\b(NOPERM|WRONGTYPE|OOM|READONLY)\b/s.exec(
      text,
    )?.[1];
  if (inner === 'NOPERM') return permission(text, context.command);
  if (inner !== undefined) return REPLIES[inner] as Finding;
  if (/can't run this command|has no permissions|ACL failure/.test(text))
    return permission(text, context.command);
  if (/-READONLY|read only replica/.test(text)) return REPLIES['READONLY'] as Finding;
  if (/WRONGTYPE|wrong kind of value/.test(text)) return REPLIES['WRONGTYPE'] as Finding;
  if (/invalid password|without any password configured/i.test(text)) {
    return text.includes('without any')
      ? ['ERR_PSB_STORE_AUTH', 'has no password, but one was given']
      : ['ERR_PSB_STORE_AUTH', 'refused the password'];
  }
  if (/DB index is out of range|invalid DB index/i.test(text)) {
    return ['ERR_PSB_STORE', 'does not have the database that the save path names'];
  }
  if (reply !== undefined) return ['ERR_PSB_STORE', `refused ${command} (${reply})`];
  return transport(error, text, context);
}

function nameOf(command: string | Script): string {
  return typeof command === 'string' ? command : command.name;
}

function permission(text: string, command: string | Script): Finding {
  const name = nameOf(command);
  if (/access (?:a key|one of the keys)/i.test(text)) {
    return [
      'ERR_PSB_STORE_PERMISSION',
      `does not let this user touch the session keys (${name}): its ACL needs their pattern`,
    ];
  }
  // Only the name of a command is taken over from the server's sentence.
  const refused = /run the '([\w|]+)' command/.exec(text)?.[1]?.toUpperCase().replace('|', ' ');
  if (refused !== undefined || typeof command === 'string') {
    return [
      'ERR_PSB_STORE_PERMISSION',
      `does not let this user run ${refused ?? name}: its ACL needs ${refused ?? name}`,
    ];
  }
  // Redis before 7.2 says of a script only that something in it was refused.
  return [
    'ERR_PSB_STORE_PERMISSION',
    `does not let this user run the script ${name}: its ACL needs ${command.commands.join(', ')}`,
  ];
}

function transport(error: unknown, text: string, context: CommandContext): Finding {
  const { unsent = false } = context;
  const command = nameOf(context.command);
  const code = (error as { code?: unknown } | null)?.code;
  const timedOut = /timed? ?out/i.test(text) || code === 'ETIMEDOUT';
  const known = unsent || READING.has(command) || notSent(text) || refusedHandshake(code);
  if (!known) {
    return [
      'ERR_PSB_STORE_UNKNOWN_OUTCOME',
      `${timedOut ? `did not answer ${command} in time` : `lost the connection during ${command}`}; whether it was carried out is not known`,
    ];
  }
  if (tlsProblem(error, text)) {
    return ['ERR_PSB_STORE_UNREACHABLE', `could not be reached by TLS (${describe(code, text)})`];
  }
  if (typeof code === 'string' && UNREACHABLE.test(code)) {
    return ['ERR_PSB_STORE_UNREACHABLE', `could not be reached (${code})`];
  }
  if (timedOut) {
    return unsent
      ? ['ERR_PSB_STORE_UNREACHABLE', 'could not be reached in time']
      : ['ERR_PSB_STORE_TIMEOUT', `did not answer ${command} in time`];
  }
  if (error instanceof TypeError) return ['ERR_PSB_STORE', `answered ${command} unintelligibly`];
  return ['ERR_PSB_STORE_UNREACHABLE', `is not connected (${command} was not answered)`];
}

/** Texts by which ioredis and node-redis refuse a command without having sent it. */
function notSent(text: string): boolean {
  return /isn't writeable|client is (offline|closed)|queue is full/i.test(text);
}

function tlsProblem(error: unknown, text: string): boolean {
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  return (
    /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO|HOSTNAME_MISMATCH)/.test(
      code,
    ) || /\b(SSL|TLS)\b/.test(text)
  );
}

/** The server refused us by an alert of its handshake: no command got as far as Redis. */
function refusedHandshake(code: unknown): boolean {
  return /^ERR_SSL_\w*ALERT_\w*(CERTIFICATE|UNKNOWN_CA|HANDSHAKE)/.test(String(code));
}

/** OpenSSL's and Node's own codes are words to look up; their texts are long and change. */
function describe(code: unknown, text: string): string {
  if (typeof code === 'string' && code !== '') return code;
  return /alert [a-z ]+/.exec(text)?.[0] ?? 'handshake failed';
}

/**
 * ioredis hangs the command with its arguments on the error it throws: a password of AUTH, a
 * whole session of SET. The cause keeps class, text and code, and nothing else; and a text of the
 * server that quotes arguments is cut before them.
 */
function redact(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  const message = error.message.replace(/,? with args beginning with:.*$/s, '');
  const cause = new Error(message);
  cause.name = error.name;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? Object.assign(cause, { code }) : cause;
}
