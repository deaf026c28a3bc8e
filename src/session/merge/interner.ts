/**
 * Numbers for values: two values are the same if and only if they have the same number. What is
 * made of others (an array, an object) is numbered by the numbers of its parts, pair by pair, so
 * comparing two trees of any size is comparing two numbers.
 *
 * A table of its own instead of a `Map` from numbers: V8 hashes integers in a way that anybody can
 * compute, so a visitor could choose values that all fall into one bucket. Here the hash is keyed.
 */

/** Numbers below this one are tags: they say how a sequence begins, and name the constants. */
const FIRST_NUMBER = 32;

const TEXT = 1;
const BYTES = 2;
const INT = 3;
const WIDE_INT = 4;
const FLOAT = 5;
const BIG_INT = 6;
const UNIQUE = 7;

const odd = () => (Math.random() * 0x1_0000_0000) | 1;
const KEYS = [odd(), odd(), odd()] as const;

const floatValue = new Float64Array(1);
const floatWords = new Int32Array(floatValue.buffer);

/** The memory of an interner: pairs in the order in which they came, and where each is found. */
interface Memory {
  firsts: Int32Array;
  seconds: Int32Array;
  /** Hash to number; 0 where there is none. */
  table: Int32Array;
}

const SMALLEST = 256;
/** Larger memory is not kept for the next merge. */
const MOST_KEPT = 1 << 18;
/** Memory outside of V8's heap is dear: to the garbage collector each piece of it is a reason to run. */
let spare: Memory | undefined;

export class Interner {
  readonly #memory: Memory;
  #count = FIRST_NUMBER;
  #mask = SMALLEST - 1;
  readonly #texts = new Map<string, number>();

  constructor() {
    this.#memory = spare ?? {
      firsts: new Int32Array(SMALLEST),
      seconds: new Int32Array(SMALLEST),
      table: new Int32Array(SMALLEST),
    };
    spare = undefined;
    this.#memory.table.fill(0, 0, SMALLEST);
  }

  /** Gives its memory to the next one; this one is not to be used any more. */
  release(): void {
    if (this.#memory.table.length <= MOST_KEPT) spare = this.#memory;
  }

  /** All numbers are smaller. */
  get size(): number {
    return this.#count;
  }

  /** A number that nothing else has. */
  unique(): number {
    return this.pair(UNIQUE, this.#count);
  }

  /** The number of these two one after another: numbers of this interner, tags, or any 32 bits. */
  pair(first: number, second: number): number {
    const { firsts, seconds, table } = this.#memory;
    const mask = this.#mask;
    for (let at = hash(first, second) & mask; ; at = (at + 1) & mask) {
      const number = table[at] as number;
      if (number === 0) return this.#add(at, first, second);
      if (firsts[number] === first && seconds[number] === second) return number;
    }
  }

  /** A number for a name, to be used within pairs only. Negative, so that no tag or value has it. */
  text(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const number = -1 - this.#texts.size;
    this.#texts.set(text, number);
    return number;
  }

  string(text: string): number {
    return this.pair(TEXT, this.text(text));
  }

  bytes(bytes: Uint8Array): number {
    return this.pair(BYTES, this.text(Buffer.from(bytes).toString('latin1')));
  }

  /** A number that PHP holds as an integer. */
  int(value: number): number {
    if ((value | 0) === value) return this.pair(INT, value);
    return this.#double(WIDE_INT, value);
  }

  /** A float by its bits: -0.0 is not 0.0, and NAN is NAN. */
  float(value: number): number {
    return this.#double(FLOAT, Number.isNaN(value) ? Number.NaN : value);
  }

  bigint(value: bigint): number {
    const number = Number(value);
    // The same integer may be a number here and a bigint there.
    if (Number.isSafeInteger(number)) return this.int(number);
    return this.pair(BIG_INT, this.text(String(value)));
  }

  #double(tag: number, value: number): number {
    floatValue[0] = value;
    const [low, high] = [floatWords[0] as number, floatWords[1] as number];
    return this.pair(this.pair(tag, high), low);
  }

  #add(at: number, first: number, second: number): number {
    const memory = this.#memory;
    const number = this.#count++;
    if (number === memory.firsts.length) {
      memory.firsts = enlarged(memory.firsts);
      memory.seconds = enlarged(memory.seconds);
    }
    memory.firsts[number] = first;
    memory.seconds[number] = second;
    memory.table[at] = number;
    if (this.#count * 2 > this.#mask) this.#grow();
    return number;
  }

  #grow(): void {
    const memory = this.#memory;
    const size = (this.#mask + 1) * 4;
    if (memory.table.length < size) memory.table = new Int32Array(size);
    else memory.table.fill(0, 0, size);
    const { firsts, seconds, table } = memory;
    const mask = size - 1;
    for (let number = FIRST_NUMBER; number < this.#count; number++) {
      let at = hash(firsts[number] as number, seconds[number] as number) & mask;
      while (table[at] !== 0) at = (at + 1) & mask;
      table[at] = number;
    }
    this.#mask = mask;
  }
}

function enlarged(numbers: Int32Array): Int32Array {
  const larger = new Int32Array(numbers.length * 4);
  larger.set(numbers);
  return larger;
}

function hash(first: number, second: number): number {
  let h = Math.imul(first, KEYS[0]) + Math.imul(second ^ (second >>> 16), KEYS[1]);
  h = Math.imul(h ^ (h >>> 15), KEYS[2]);
  return h ^ (h >>> 13);
}
