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
  /**
   * May the client have sent it once already, on a connection that was lost, before it said what it
   * says now? Then no text of the client's own is proof that nothing happened.
   */
  readonly resent?: boolean;
}

/**
 * No session and no lock is another after these, whatever happened to them: GETEX and the scripts
 * `read` and `touch` only give a session its own lifetime once more, and no life to one that was
 * logged out. (PEXPIRE may also shorten one.)
 */
const READING = new Set([
  'GET',
  'GETEX',
  'EXISTS',
  'TTL',
  'PTTL',
  'TYPE',
  'STRLEN',
  'PING',
  'INFO',
  'read',
  'touch',
]);

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

const INNER_WORD = new RegExp(
  `(?:@user_script:|script: ?\\d+:|Error running script).*?\\b(NOPERM|${Object.keys(REPLIES).join('|')})\\b`,
  's',
);

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

/**
 * Does the server say that this connection is of no use: as a replica, or as one to which we are
 * nobody? Another connection to the same address may lead to the master.
 */
export function blamesConnection(error: unknown): boolean {
  const word = error instanceof Error ? replyWord(error.message) : undefined;
  return word !== undefined && BLAMES_CONNECTION.has(word);
}

const BLAMES_CONNECTION = new Set(['READONLY', 'MASTERDOWN', 'LOADING', 'NOAUTH', 'WRONGPASS']);

/** Does the ACL refuse the command, or something in the script? */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && replyWord(error.message) === 'NOPERM';
}

/**
 * The word by which a reply says what kind of error it is, `WRONGTYPE` say. What a script ran into
 * stands behind "ERR Error running script …" on servers before Redis 7.
 */
function replyWord(text: string): string | undefined {
  const first = /^[A-Z]{2,}(?= |$)/.exec(text)?.[0];
  if (first !== undefined && (first === 'NOPERM' || Object.hasOwn(REPLIES, first))) return first;
  const inner = INNER_WORD.exec(text)?.[1];
  if (inner !== undefined) return inner;
  if (/can't run this command|has no permissions|ACL failure/.test(text)) return 'NOPERM';
  if (/-READONLY|read only replica/.test(text)) return 'READONLY';
  return first;
}

function findingOf(error: unknown, text: string, context: CommandContext): Finding {
  const command = nameOf(context.command);
  const reply = replyWord(text);
  if (reply === 'NOPERM') return permission(text, context.command);
  if (reply !== undefined && Object.hasOwn(REPLIES, reply)) return REPLIES[reply] as Finding;
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
  const { unsent = false, resent = false } = context;
  const command = nameOf(context.command);
  const code = (error as { code?: unknown } | null)?.code;
  const timedOut = /timed? ?out/i.test(text) || code === 'ETIMEDOUT';
  const unwritten = unsent || (!resent && NOT_SENT.test(text)) || refusedHandshake(code);
  const known = unwritten || READING.has(command);
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
    return unwritten
      ? ['ERR_PSB_STORE_UNREACHABLE', 'could not be reached in time']
      : ['ERR_PSB_STORE_TIMEOUT', `did not answer ${command} in time`];
  }
  if (error instanceof TypeError) return ['ERR_PSB_STORE', `answered ${command} unintelligibly`];
  return ['ERR_PSB_STORE_UNREACHABLE', `is not connected (${command} was not answered)`];
}

/**
 * Texts by which clients refuse a command that they have not sent, or that a node of the cluster
 * has sent on to another one without doing anything. Not among them: what clients say both of
 * commands that wait to be sent and of those that wait for an answer, such as "Connection is
 * closed.", "Disconnects client" and "Socket closed unexpectedly".
 */
const NOT_SENT = new RegExp(
  [
    // ioredis: a connection, a cluster, a pipeline, a client in the wrong mode.
    "Stream isn't writeable",
    "Cluster isn't ready",
    '^Cluster is ended',
    '^None of startup nodes is available',
    '^Too many Cluster redirections',
    'belong to the same slot',
    '^Connection in subscriber mode',
    '^Connection is in monitoring mode',
    // node-redis: closed or not yet open, a full queue, a limit that ends with the writing.
    '^The client is (?:offline|closed)',
    'queue is full',
    '^The command was aborted',
    '^Timeout waiting for a client',
    '^Command timeout during maintenance',
    // node-redis: a cluster after MOVED or ASK.
    '^All the root nodes are unavailable',
    '^Cannot find node ',
    '^Cluster closed',
  ].join('|'),
);

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
