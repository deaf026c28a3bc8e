/** A small seeded generator: a finding can be repeated by its seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  below(limit: number): number {
    return limit <= 0 ? 0 : this.next() % limit;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

const numbers = [
  '0',
  '1',
  '2',
  '3',
  '4',
  '5',
  '9',
  '00',
  '-1',
  '+1',
  '10',
  '127',
  '128',
  '255',
  '65536',
  '2147483648',
  '999999999',
  '9223372036854775807',
  '9223372036854775808',
  '18446744073709551617',
];
const tokens = [
  'R:1;',
  'R:2;',
  'R:3;',
  'r:1;',
  'r:2;',
  'r:3;',
  'i:0;',
  'i:1;',
  'N;',
  'b:1;',
  'd:1;',
  'd:0.1;',
  's:1:"a";',
  's:0:"";',
  'a:0:{}',
  'a:1:{i:0;N;}',
  'O:8:"stdClass":0:{}',
  'i:0;R:2;',
  'S:1:"\\61";',
  '}',
  '{',
  ';',
  ':',
  '"',
  '|',
  '!',
  '\0',
];
const binaryTokens = [
  '\x00',
  '\x01\x00',
  '\x01\x01',
  '\x22\x01',
  '\x25',
  '\x25\x01\x00',
  '\x0d',
  '\x0e\x00',
  '\x14\x00',
  '\x14\x01\x06\x00\x06\x01',
  '\x05',
  '\x06\x05',
  '\x11\x01a',
  '\x17\x01A\x14\x00',
  '\x1a\x00\x14\x00',
  '\xc0',
  '\xc0\x01',
  '\x80',
  '\x90',
  '\x82\xc0\x02\x00\x01',
  '\x82\xc0\x04\x00\x02',
  '\x82\xc0\x05\x00\x01',
  '\x81\xc0\xa1A',
  '\xa1a',
  '\xca',
  '\xcb',
  '\xdf\xff\xff\xff\xff',
  '\xdd\xff\xff\xff\xff',
  '\xd9\xff',
];

/** One to four changes: of a byte, a number, a token, or a piece of another blob. */
export function mutate(random: Random, blob: Buffer, other: Buffer, isBinary: boolean): Buffer {
  let bytes = blob.toString('latin1');
  for (let n = 1 + random.below(random.below(4) === 0 ? 4 : 2); n > 0; n--) {
    bytes = change(random, bytes, other.toString('latin1'), isBinary);
  }
  return Buffer.from(bytes, 'latin1');
}

/** As the text reader keeps what it expects only for larger blobs, something to make them large. */
const padding = `s:1100:"${'p'.repeat(1100)}";`;

/** The same in a blob of more than a kilobyte. */
export function padded(format: 'serialize' | 'php' | 'php_binary', bytes: Buffer): Buffer {
  if (format === 'php') return Buffer.concat([Buffer.from(`pad|${padding}`), bytes]);
  if (format === 'php_binary') return Buffer.concat([Buffer.from(`\x03pad${padding}`), bytes]);
  return Buffer.concat([Buffer.from(`a:2:{s:3:"pad";${padding}s:1:"v";`), bytes, Buffer.from('}')]);
}

const keys = ['id', 'name', 'x', '-5', '5', '-0', '05', '__proto__', 'Öl', 'key_10', 'key_11'];
const longKey = 'a key that is longer than those that any cache of keys keeps';

/**
 * A value made of arrays and objects that have few different keys, some of them twice, and of
 * references to what came before: what PHP never writes, and reads by rules of its own. Nothing
 * holds itself: a repeated key would leave a ring behind that PHP counts until it is collected.
 */
export function repeating(random: Random): Buffer {
  let slots = 0;
  const objects: number[] = [];
  const open = new Set<number>();
  const key = (): string => {
    const name = random.below(12) === 0 ? longKey : random.of(keys);
    return `s:${Buffer.byteLength(name)}:"${name}";`;
  };
  // Records mostly have the keys of the one before.
  let usual: string[] = [key(), key(), key()];
  const container = (depth: number): string => {
    const kind = random.below(5);
    const own = slots;
    open.add(own);
    const names =
      random.below(3) > 0 ? usual : Array.from({ length: random.below(6) }, () => key());
    usual = names.length > 0 ? names : usual;
    const pairs = names.map((name, i) => {
      if (kind === 0) return `i:${i};${value(depth - 1)}`;
      // In an object it would be for __unserialize() to say what integer keys mean.
      const integer = kind > 1 && random.below(6) === 0;
      return (integer ? `i:${random.below(12) - 6};` : name) + value(depth - 1);
    });
    const head = kind === 1 ? 'O:8:"stdClass"' : 'a';
    open.delete(own);
    if (kind === 1) objects.push(own);
    return `${head}:${pairs.length}:{${pairs.join('')}}`;
  };
  const value = (depth: number): string => {
    const what = random.below(depth > 0 ? 12 : 8);
    const target = 1 + random.below(slots + 1);
    if (what === 0 && !open.has(target)) return `R:${target};`;
    slots++;
    if (what === 1 && objects.length > 0) return `r:${random.of(objects)};`;
    if (what === 2) return 'd:0.5;';
    if (what === 3) return 'd:1;';
    if (what === 4) return 's:2:"ab";';
    if (what < 8) return `i:${random.below(30)};`;
    return container(depth);
  };
  slots++;
  return Buffer.from(container(3));
}

function change(random: Random, bytes: string, other: string, isBinary: boolean): string {
  const at = random.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + random.below(random.below(3) === 0 ? 30 : 4));
  const cut = (piece: string, to = at): string => bytes.slice(0, at) + piece + bytes.slice(to);
  switch (random.below(isBinary ? 8 : 10)) {
    case 0:
      return cut(String.fromCharCode(random.below(256)), at + 1);
    case 1:
      return cut('', end);
    case 2:
      return bytes.slice(0, at);
    case 3:
      return cut(bytes.slice(at, end) + bytes.slice(at, end));
    case 4:
      return cut(random.of(isBinary ? binaryTokens : tokens));
    case 5:
      return cut(random.of(isBinary ? binaryTokens : tokens), end);
    case 6: {
      const from = random.below(other.length);
      return cut(other.slice(from, from + random.below(20)), end);
    }
    case 7:
      return cut(String.fromCharCode((bytes.charCodeAt(at) || 0) ^ (1 << random.below(8))), at + 1);
    default: {
      const found = [...bytes.matchAll(/\d+/g)];
      if (found.length === 0) return bytes;
      const { 0: digits, index } = random.of(found);
      const number =
        random.below(2) === 0 ? random.of(numbers) : `${Number(digits) + random.below(5) - 2}`;
      return bytes.slice(0, index) + number + bytes.slice(index + digits.length);
    }
  }
}
