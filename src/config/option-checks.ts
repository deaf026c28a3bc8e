/**
 * Options are checked at the start, by name and by range: a misspelt option that silently does
 * nothing shows only when a login is lost.
 */
import { OptionsError } from '../errors.ts';

type Check = (value: unknown) => string | undefined;

const text: Check = (value) => (typeof value === 'string' ? undefined : 'a text');
const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false');
const listener: Check = (value) => (typeof value === 'function' ? undefined : 'a function');
const anything: Check = () => undefined;

function whole(least: number, most = Number.MAX_SAFE_INTEGER): Check {
  const range =
    most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  return (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : `a whole number ${range}`;
}

function milliseconds(least: number): Check {
  // Node's timers end at 31 bits and fire at once beyond.
  return (value) =>
    typeof value === 'number' && value >= least && value <= 2_147_483_647
      ? undefined
      : `a number of milliseconds from ${least} to 2147483647`;
}

/** Every option there is. Those with `anything` are checked where they are used. */
const CHECKS: Readonly<Record<string, Check>> = {
  savePath: text,
  phpIni: anything,
  redis: anything,
  saveHandler: anything,
  prefix: text,
  connectTimeout: milliseconds(1),
  commandTimeout: milliseconds(1),
  clientName: text,
  autoPipelining: flag,
  credentials: listener,
  compression: anything,
  compressionLevel: whole(-2_147_483_648, 2_147_483_647),
  gcMaxlifetime: anything,
  keepLongerTtl: flag,
  lockingEnabled: flag,
  lockExpire: anything,
  lockRetries: anything,
  lockWaitTime: anything,
  revokedTtl: anything,
  sidLength: whole(22, 256),
  sidBitsPerCharacter: whole(4, 6),
  serializeHandler: anything,
  serializePrecision: whole(-1, 100),
  useStrictMode: flag,
  lazyWrite: flag,
  concurrency: anything,
  onLockFailure: anything,
  maxHold: milliseconds(1),
  onUnreadable: anything,
  identity: anything,
  refresh: anything,
  refreshAt: anything,
  maxBytes: whole(1),
  closeTimeout: milliseconds(0),
  onConflict: listener,
  onCommit: listener,
  onLost: listener,
  onWarning: listener,
  name: anything,
  cookieLifetime: anything,
  cookiePath: anything,
  cookieDomain: anything,
  cookieSecure: anything,
  cookieHttponly: anything,
  cookieSamesite: anything,
  partitioned: flag,
  cacheLimiter: anything,
  cacheExpire: anything,
  rolling: flag,
};

/** Names by which the same thing is known elsewhere. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  store: 'saveHandler',
  client: 'redis',
  url: 'savePath',
  host: 'savePath',
  ttl: 'gcMaxlifetime',
  maxage: 'gcMaxlifetime',
  key: 'name',
  keyprefix: 'prefix',
  serializer: 'serializeHandler',
  locking: 'concurrency',
  secure: 'cookieSecure',
  httponly: 'cookieHttponly',
  samesite: 'cookieSamesite',
  cookiepartitioned: 'partitioned',
  domain: 'cookieDomain',
  path: 'cookiePath',
};

/** @throws OptionsError `ERR_PSB_OPTIONS` */
export function checkOptions(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined;
    if (check === undefined) throw unknown(name);
    const wanted = value === undefined ? undefined : check(value);
    if (wanted !== undefined) throw new OptionsError(`${name} must be ${wanted}`);
  }
}

function unknown(name: string): OptionsError {
  const meant = closest(name);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return new OptionsError(`there is no option ${JSON.stringify(name)}${hint}`);
}

function closest(name: string): string | undefined {
  // session.gc_maxlifetime, gc_maxlifetime, gcMaxLifetime, redis.session.lock_expire …
  const bare = (text: string): string =>
    text
      .replace(/^(redis\.)?session\./, '')
      .replace(/[^A-Za-z]/g, '')
      .toLowerCase();
  const wanted = bare(name);
  if (Object.hasOwn(ELSEWHERE, wanted)) return ELSEWHERE[wanted];
  let best: string | undefined;
  let least = 3;
  for (const option of Object.keys(CHECKS)) {
    const distance = editDistance(wanted, option.toLowerCase());
    if (distance < least) {
      best = option;
      least = distance;
    }
  }
  return best;
}

/** Levenshtein. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let at = 1; at <= one.length; at++) {
    const next = [at];
    for (let to = 1; to <= other.length; to++) {
      const change = row[to - 1]! + (one[at - 1] === other[to - 1] ? 0 : 1);
      next.push(Math.min(row[to]! + 1, next[to - 1]! + 1, change));
    }
    row = next;
  }
  return row[other.length]!;
}
