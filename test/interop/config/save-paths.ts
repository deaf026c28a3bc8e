/**
 * Save paths that are given both to phpredis and to the bridge. `{A}` … are ports, `{sock}` a
 * socket of server A, `{bare}` an address with Redis on port 6379. `{T}`, `{M}`, `{F}` and `{Y}` are
 * ports with TLS: signed by `{ca}`, the same with client certificates, self-signed, and of a cluster.
 */
export interface SavePathRow {
  readonly path: string;
  /** Key prefix, database and server where PHP's session is found; `refused`: PHP has no session. */
  readonly lies: string | 'refused';
  /** What phpredis 5.3 does, where 6.x does something else. */
  readonly before6?: string;
  /** The bridge refuses on purpose what phpredis accepts. */
  readonly bridge?: 'refused';
  /** phpredis dials something that is no host and may hang in it. */
  readonly alone?: true;
  /** The same, but only for a phpredis older than this. */
  readonly hangsBefore?: string;
}

const rows = (list: Readonly<Record<string, string>>): SavePathRow[] =>
  Object.entries(list).map(([path, lies]) => ({ path, lies }));

const S = 'PHPREDIS_SESSION:';

export const SAVE_PATHS: readonly SavePathRow[] = [
  // Addresses.
  ...rows({
    'tcp://127.0.0.1:{A}': `A/0/${S}`,
    '127.0.0.1:{A}': `A/0/${S}`,
    '{bare}': `D/0/${S}`,
    'tcp://{bare}': `D/0/${S}`,
    'tcp://{bare}:0': `D/0/${S}`,
    '{bare}?database=5': `D/5/${S}`,
    '127.0.0.1:{A}/?database=5': `A/5/${S}`,
    '127.0.0.1:{A}/x/y?database=1': `A/1/${S}`,
    'tcp://127.0.0.1:{A}/': `A/0/${S}`,
    'tcp://127.0.0.1:{A}/x?database=1': `A/1/${S}`,
    '//127.0.0.1:{A}': `A/0/${S}`,
    '//127.0.0.1:{A}?database=1': `A/1/${S}`,
    'localhost:{A}': `A/0/${S}`,
    'unix://{sock}': `A/0/${S}`,
    'unix:{sock}': `A/0/${S}`,
    '{sock}': `A/0/${S}`,
    '{sock}?database=2': `A/2/${S}`,
    'unix://{sock}?database=2&prefix=x_': 'A/2/x_',
    'file://{sock}': `A/0/${S}`,
    'tcp:{sock}': `A/0/${S}`,
    'redis:{sock}?database=1': `A/1/${S}`,
    'tcp://::1:{A}': `A/0/${S}`,
    'tcp://user:pass@127.0.0.1:{A}/4': `A/0/${S}`,
    'tcp://@127.0.0.1:{A}': `A/0/${S}`,
    'tcp://127.0.0.1:{A},': `A/0/${S}`,
    '  tcp://127.0.0.1:{A} , ': `A/0/${S}`,
    'tcp://127.0.0.1:{A}\ttcp://127.0.0.1:{A}': `A/0/${S}`,
    'redis://127.0.0.1:{A}': 'refused',
    'TCP://127.0.0.1:{A}': 'refused',
    'http://127.0.0.1:{A}': 'refused',
    'tcp://127.0.0.1:99999': 'refused',
    'tcp://127.0.0.1:+{A}': 'refused',
    'tcp://127.0.0.1:{A}a': 'refused',
    'tcp://127.0.0.1:{A};weight=1': 'refused',
    'tcp://127.0.0.1:1': 'refused',
    'unix:///nowhere/redis.sock': 'refused',
    'unix://tmp/redis.sock': 'refused',
    '': 'refused',
    ' , ': 'refused',
    '?database=1': 'refused',
    '#x': 'refused',
    'tcp://': 'refused',
    'tcp://127.0.0.1:{A}\ttcp://127.0.0.1:{A}?weight=0': 'refused',
    'tcp://127.0.0.1:{A}\u00a0': 'refused',
    '{sock}:80?database=2': 'refused',
    'tcp://127.0.0.1\u0001:{A}': 'refused',
  }),
  { path: 'tcp://[::1]:{A}', lies: `A/0/${S}`, before6: 'refused' },
  { path: '[::1]:{A}', lies: `A/0/${S}`, before6: 'refused' },
  { path: '{bare}/', lies: 'refused', alone: true },
  { path: '127.0.0.1:{A}?database=5', lies: 'refused', alone: true },
  { path: 'tcp:127.0.0.1:{A}', lies: 'refused', alone: true },
  { path: 'tcp:/127.0.0.1:{A}', lies: 'refused', alone: true },
  { path: 'udp://127.0.0.1:{A}', lies: 'refused', alone: true },
  { path: 'tls://127.0.0.1:{A}?timeout=0.5', lies: 'refused', alone: true },

  // Database.
  ...rows({
    'tcp://127.0.0.1:{A}?database=3': `A/3/${S}`,
    'tcp://127.0.0.1:{A}?database=-1': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?database=': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?database=abc': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?database=3abc': `A/3/${S}`,
    'tcp://127.0.0.1:{A}?database=1e1': `A/10/${S}`,
    'tcp://127.0.0.1:{A}?database=2.9': `A/2/${S}`,
    'tcp://127.0.0.1:{A}?database=+3': `A/3/${S}`,
    'tcp://127.0.0.1:{A}?database=%2B3': `A/3/${S}`,
    'tcp://127.0.0.1:{A}?database=0x3': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?database=4294967297': `A/1/${S}`,
    'tcp://127.0.0.1:{A}?database[]=7': `A/1/${S}`,
    'tcp://127.0.0.1:{A}/?database=1#frag': `A/1/${S}`,
  }),
  {
    path: 'tcp://127.0.0.1:{A}?database=99',
    lies: 'refused',
    // Seen: phpredis 5.3 goes on in database 0, where nobody looks for the session.
    before6: `A/0/${S}`,
    bridge: 'refused',
  },

  // Time limits and weights.
  ...rows({
    'tcp://127.0.0.1:{A}?timeout=2.5&read_timeout=1.5': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?timeout=.5': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?timeout=1e1': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?timeout=+1': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?timeout[]=1': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?read_timeout=-1': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?timeout=0': 'refused',
    'tcp://127.0.0.1:{A}?timeout=-1': 'refused',
    'tcp://127.0.0.1:{A}?timeout=abc': 'refused',
    'tcp://127.0.0.1:{A}?timeout=0x5': 'refused',
    'tcp://127.0.0.1:{A}?timeout=inf': 'refused',
    'tcp://127.0.0.1:{A}?timeout= 1': 'refused',
    'tcp://127.0.0.1:{A}?weight=2x': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?weight[]=2': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?weight=4294967297': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?weight=0': 'refused',
    'tcp://127.0.0.1:{A}?weight=abc': 'refused',
    'tcp://127.0.0.1:{A}?weight=-2': 'refused',
    'tcp://127.0.0.1:{A}?weight=2147483648': 'refused',
  }),

  // Prefix and the query's own grammar.
  ...rows({
    'tcp://127.0.0.1:{A}?prefix=': 'A/0/',
    'tcp://127.0.0.1:{A}?prefix': 'A/0/',
    'tcp://127.0.0.1:{A}?prefix=phpSession_': 'A/0/phpSession_',
    'tcp://127.0.0.1:{A}?prefix=a%20b%3A': 'A/0/a b:',
    'tcp://127.0.0.1:{A}?prefix=a+b:': 'A/0/a b:',
    'tcp://127.0.0.1:{A}?prefix=%ED%99%8D:': 'A/0/홍:',
    'tcp://127.0.0.1:{A}?prefix=홍:': 'A/0/홍:',
    'tcp://127.0.0.1:{A}?prefix=one:&prefix=two:': 'A/0/two:',
    'tcp://127.0.0.1:{A}?prefix[]=x': 'A/0/Array',
    'tcp://127.0.0.1:{A}?prefix[a][b]=c&prefix=z': 'A/0/z',
    'tcp://127.0.0.1:{A}?pre.fix=x': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?PREFIX=x': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?+prefix=z': 'A/0/z',
    'tcp://127.0.0.1:{A}?&&prefix=z&': 'A/0/z',
    'tcp://127.0.0.1:{A}?%70refix=q': 'A/0/q',
    'tcp://127.0.0.1:{A}?prefix=q%': 'A/0/q%',
    'tcp://127.0.0.1:{A}?prefix=q%zz': 'A/0/q%zz',
    'tcp://127.0.0.1:{A}?prefix=a;database=3': 'A/0/a;database=3',
    'tcp://127.0.0.1:{A}?prefix=a#b&database=2': 'A/2/a#b',
    'tcp://127.0.0.1:{A}#prefix=a': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?pre[fix=1&prefix[=x': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?prefix=\u0001a': 'A/0/_a',
    'tcp://127.0.0.1:{A}?failover=error&name=X': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?persistent=yes&persistent_id=x': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?persistent[]=1': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?retry_interval=5': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?stream[verify_peer]=0': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?stream=1': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?prefix=my app:': 'refused',
  }),
  { path: 'tcp://127.0.0.1:{A}?prefix=%ff', lies: 'A/0/\ufffd', bridge: 'refused' },

  // Passwords. Server C has the password `p@ss&w+d` and the user app with `u,s#r`.
  ...rows({
    'tcp://127.0.0.1:{C}?auth=p%40ss%26w%2Bd': `C/0/${S}`,
    'tcp://127.0.0.1:{C}?auth=p@ss%26w%2bd': `C/0/${S}`,
    'tcp://127.0.0.1:{C}?auth[]=p%40ss%26w%2Bd': `C/0/${S}`,
    'tcp://127.0.0.1:{C}?auth[pass]=p%40ss%26w%2Bd': `C/0/${S}`,
    'tcp://127.0.0.1:{C}?auth[]=app&auth[]=u%2Cs%23r': `C/0/${S}`,
    'tcp://127.0.0.1:{C}?auth[]=app&auth[]=u%2Cs#r': `C/0/${S}`,
    'tcp://127.0.0.1:{C}?auth[user]=app&auth[pass]=u%2Cs%23r': `C/0/${S}`,
    'tcp://127.0.0.1:{C}?auth[user]=app&auth[1]=u%2Cs%23r': `C/0/${S}`,
    'tcp://127.0.0.1:{A}?auth[]=a&auth[]=b&auth[]=c': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?auth[user]=a&auth[x]=b': `A/0/${S}`,
    'tcp://127.0.0.1:{A}?auth[a]=a&auth[b]=b': `A/0/${S}`,
    'tcp://127.0.0.1:{C}': 'refused',
    'tcp://127.0.0.1:{C}?auth=wrong': 'refused',
    'tcp://127.0.0.1:{C}?auth=p@ss&w+d': 'refused',
    'tcp://127.0.0.1:{C}?auth[user]=app&auth[]=u%2Cs%23r': 'refused',
    'tcp://127.0.0.1:{C}?auth[user]=p%40ss%26w%2Bd': 'refused',
    'tcp://127.0.0.1:{C}?auth[][]=a': 'refused',
    'tcp://127.0.0.1:{A}?auth=': 'refused',
    'tcp://127.0.0.1:{A}?auth=sesame': 'refused',
  }),
];

/** phpredis 5.3 does not hand `stream[…]` on and knows only the authorities of the machine. */
const since6 = (list: Readonly<Record<string, string>>): SavePathRow[] =>
  rows(list).map((row) => ({ ...row, before6: 'refused' }));

const GUEST = 'stream[local_cert]={cert}&stream[local_pk]={key}';

export const TLS_SAVE_PATHS: readonly SavePathRow[] = [
  ...since6({
    'tls://127.0.0.1:{T}?stream[cafile]={ca}': `T/0/${S}`,
    'ssl://127.0.0.1:{T}?stream[cafile]={ca}': `T/0/${S}`,
    'tls://127.0.0.1:{T}?stream[cafile]={ca}&database=3&prefix=x_': 'T/3/x_',
    'tls://127.0.0.1:{T}?stream[cafile]={ca}&stream[peer_name]=localhost': `T/0/${S}`,
    'tls://127.0.0.1:{T}?stream[verify_peer]=0&stream[verify_peer_name]=0': `T/0/${S}`,
    'tls://127.0.0.1:{T}?stream[verify_peer]=0': `T/0/${S}`,
    'tls://127.0.0.1:{T}?stream[verify_peer]=&stream[verify_peer_name]=': `T/0/${S}`,
    [`tls://127.0.0.1:{M}?stream[cafile]={ca}&${GUEST}`]: `M/0/${S}`,
    'tls://127.0.0.1:{F}?stream[allow_self_signed]=1': `F/0/${S}`,
  }),
  ...rows({
    'tls://127.0.0.1:{T}': 'refused',
    'tls://127.0.0.1:{T}?stream[cafile]={other}': 'refused',
    'tls://127.0.0.1:{T}?stream[cafile]=/nowhere/ca.pem': 'refused',
    'tls://127.0.0.1:{T}?stream[cafile]={ca}&stream[peer_name]=elsewhere': 'refused',
    'tls://127.0.0.1:{T}?stream[verify_peer]=0&stream[peer_name]=elsewhere': 'refused',
    'tls://127.0.0.1:{T}?stream[verify_peer]=false&stream[verify_peer_name]=false': 'refused',
    'tls://127.0.0.1:{T}?stream[allow_self_signed]=1': 'refused',
    'tls://127.0.0.1:{M}?stream[cafile]={ca}': 'refused',
    'tls://127.0.0.1:{F}': 'refused',
    'tcp://127.0.0.1:{T}': 'refused',
    'tcp://127.0.0.1:{T}?stream[cafile]={ca}': 'refused',
  }),
];

const K = 'PHPREDIS_CLUSTER_SESSION:';

/** For the handler `rediscluster`; `{K}` is the port of a cluster's node. */
export const CLUSTER_SAVE_PATHS: readonly SavePathRow[] = [
  ...rows({
    'seed[]=127.0.0.1:{K}': `K/0/${K}`,
    'seed[]=127.0.0.1:{K}&prefix={app}:': 'K/0/{app}:',
    'seed[]=127.0.0.1:{K}&prefix=': 'K/0/',
    'seed[]=127.0.0.1&seed[]=127.0.0.1:{K}': `K/0/${K}`,
    'seed[]=127.0.0.1:1&seed[]=127.0.0.1:{K}': `K/0/${K}`,
    'seed[x]=127.0.0.1:{K}': `K/0/${K}`,
    'seed[]=tcp://127.0.0.1:{K}': `K/0/${K}`,
    'seed[]=127.0.0.1:{K}x': `K/0/${K}`,
    'seed[]=localhost:{K}': `K/0/${K}`,
    'seed[]=127.0.0.1:{K}&timeout=0&read_timeout=0': `K/0/${K}`,
    'seed[]=127.0.0.1:{K}&timeout=abc': `K/0/${K}`,
    'seed[]=127.0.0.1:{K}&failover=ERROR': `K/0/${K}`,
    'seed[]=127.0.0.1:{K}&distribute=1': `K/0/${K}`,
    'seed[]=127.0.0.1:{K} &prefix=a': 'K/0/a',
    '': 'refused',
    'seed=127.0.0.1:{K}': 'refused',
    'seed[]=127.0.0.1': 'refused',
    'seed[]=127.0.0.1:0': 'refused',
    'seed[]=127.0.0.1:abc': 'refused',
    'seed[]=127.0.0.1:99999': 'refused',
    'seed[]=:{K}': 'refused',
    'seed[][]=1': 'refused',
    'tcp://127.0.0.1:{K}': 'refused',
    'seed[]=127.0.0.1:{K}&timeout=-1': 'refused',
    'seed[]=127.0.0.1:{K}&read_timeout=-1': 'refused',
    'seed[]=127.0.0.1:{K}&auth=x': 'refused',
    'seed[]=127.0.0.1:{K}&auth[]=a&auth[]=b': 'refused',
    'seed[]=127.0.0.1:1': 'refused',
    'seed[]=127.0.0.1:{K}, 127.0.0.1:1': 'refused',
    'seed[]=127.0.0.1:{K}&persistent=1': `K/0/${K}`,
    'seed[]=127.0.0.1:{L}&auth=p%40ss%26w%2Bd': `L/0/${K}`,
    'seed[]=127.0.0.1:{L}&auth[]=p%40ss%26w%2Bd': `L/0/${K}`,
    'seed[]=127.0.0.1:{L}&auth[]=app&auth[]=u%2Cs%23r': `L/0/${K}`,
    'seed[]=127.0.0.1:{L}&auth[user]=app&auth[pass]=u%2Cs%23r&prefix=x_': 'L/0/x_',
    'seed[]=127.0.0.1:{L}': 'refused',
    'seed[]=127.0.0.1:{L}&auth=wrong': 'refused',
  }),
  // phpredis 5.3.2 waited minutes for a node with TLS.
  ...rows({
    'seed[]=127.0.0.1:{Y}&stream[cafile]={ca}': `Y/0/${K}`,
    'seed[]=127.0.0.1:{Y}&stream[verify_peer]=0&stream[verify_peer_name]=0': `Y/0/${K}`,
    'seed[]=127.0.0.1:{Y}&stream[cafile]={other}': 'refused',
    'seed[]=127.0.0.1:{Y}': 'refused',
  }).map((row) => ({ ...row, hangsBefore: '5.3.7' })),
  { path: 'seed[]=[::1]:{K}', lies: `K/0/${K}`, before6: 'refused' },
  { path: 'seed[]=127.0.0.1:{K}&stream[verify_peer]=0', lies: 'refused', alone: true },
];
