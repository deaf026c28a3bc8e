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
