/**
 * igbinary's string table: every string of a blob, be it a value, a key, a property name or the
 * name of a class or an enum case, gets the next id when it is written in full.
 */
import { CodecError } from '../../errors.ts';
import { BlobText } from '../blob-text.ts';
import { isPerilous } from '../define.ts';
import { internalised, keySlot, keyTexts } from '../key-cache.ts';
import { decodeText, ownCopy } from '../text.ts';

/** What a string is as the key of an array. */
export const PLAIN_KEY = 1;
/** JavaScript sorts it as a number. */
export const INDEX_KEY = 2;
/** PHP would have made an integer of it, JavaScript keeps it a name. */
export const INTEGER_KEY = 3;
/** Every object has it: see define.ts. */
const PROTO_KEY = 4;
/** A name that was not asked for as a key yet. */
const NAME = 5;

/** What the string of an id is as a key: 0 as long as nobody has asked. One table uses it at a time. */
let kinds = new Uint8Array(1024);

/** How many bytes the copies of shared byte strings may take in even the smallest blob. */
const COPIED = 16 * 1024 * 1024;

const OWNERS = 4096;
/** Which string of the blob at hand had this hash last: its id plus `epoch`. */
const owners = new Int32Array(OWNERS);
let epoch = 1;

export class StringTable {
  readonly #bytes: Buffer;
  /** Texts by id; the position of its type byte for a string that was passed over. */
  readonly texts: (string | Buffer | number)[] = [];
  /** A string was written in full twice: `igbinary.compact_strings` was off. */
  repeated = false;
  /**
   * No string was pointed at yet. As soon as one is, it is known that the others would be, too, and
   * nobody has to watch for repetitions.
   */
  isWatching = true;
  readonly #epoch: number;
  #others: Set<string> | null = null;
  #copied = 0;
  readonly #text: BlobText;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#text = new BlobText(bytes);
    // Every blob can hold at most one string for each byte.
    if (epoch + bytes.length > 0x7fffffff) {
      owners.fill(0);
      epoch = 1;
    }
    this.#epoch = epoch;
  }

  /** Makes room for the next blob. Called when this one is read or given up. */
  free(): void {
    epoch = this.#epoch + this.texts.length;
    kinds.fill(0, 0, this.texts.length);
  }

  /** A string in full, as a value. */
  addValue(start: number, length: number): string | Buffer {
    const text = this.#text.at(start, length);
    const id = this.texts.push(text) - 1;
    if (this.isWatching && length > 0) this.#watch(id, start, length, text);
    return text;
  }

  /** A string in full, as the name of a class, a property or an enum case; returns its id. */
  addName(start: number, length: number): number {
    const text = keyTexts[keySlot(this.#bytes, start, length)]!;
    const id = this.texts.push(text) - 1;
    if (this.isWatching && length > 0) this.#watch(id, start, length, text);
    if (id >= kinds.length) growKinds(id);
    kinds[id] = NAME;
    return id;
  }

  /** A string in full, as a key. */
  addKey(start: number, length: number): string {
    const id = this.addName(start, length);
    const text = this.texts[id] as string;
    kinds[id] = kindOf(text);
    return text;
  }

  /** Is this string known to be a key that is nothing but text? */
  isPlainKey(id: number): boolean {
    return kinds[id] === PLAIN_KEY;
  }

  /** The kind of a key by its id. */
  keyKind(id: number): number {
    const kind = storedKind(id);
    return kind === 0 || kind === NAME ? this.#findKind(id) : kind;
  }

  #findKind(id: number): number {
    const text = this.key(id);
    const kind = kindOf(text);
    // Bytes that are text only as a key stay what they are as a value.
    if (typeof this.texts[id] !== 'string') return kind;
    // A text that came as a value is not yet one that V8 finds properties by.
    if (kind === PLAIN_KEY) this.texts[id] = internalised(text);
    if (id >= kinds.length) growKinds(id);
    kinds[id] = kind;
    return kind;
  }

  /** A string by its id, as a key or a name. */
  key(id: number): string {
    const text = this.texts[id]!;
    if (typeof text === 'string') return text;
    if (typeof text === 'number') return this.key(this.#load(id, text));
    // As a value these bytes are no text, as a key they must be.
    return keyTexts[keySlot(text, 0, text.length)]!;
  }

  /** A string by its id, as a value. */
  value(id: number): string | Buffer {
    const text = this.texts[id]!;
    if (typeof text === 'number') return this.value(this.#load(id, text));
    if (typeof text !== 'string') return this.#copy(text);
    // A name with odd bytes is text only as a name.
    return storedKind(id) !== 0 && HAS_ODD.test(text) ? this.#reread(text) : text;
  }

  /** Bytes are a Buffer of its own in every place, where PHP has one string for all of them. */
  #copy(bytes: Buffer): Buffer {
    this.#copied += bytes.length;
    if (this.#copied > COPIED + 16 * this.#bytes.length) {
      throw new CodecError(
        'ERR_PSB_CODEC_LIMIT',
        'byte strings that are shared would take far more room than their bytes',
      );
    }
    return ownCopy(bytes);
  }

  #load(id: number, at: number): number {
    const bytes = this.#bytes;
    const type = bytes[at]!;
    const width = type === 0x11 || type === 0x17 ? 1 : type === 0x12 || type === 0x18 ? 2 : 4;
    const wide = type === 0x26 ? 8 : width;
    const length = wide === 8 ? bytes.readUInt32BE(at + 5) : bytes.readUIntBE(at + 1, wide);
    this.texts[id] = decodeText(bytes, at + 1 + wide, at + 1 + wide + length);
    return id;
  }

  #reread(name: string): string | Buffer {
    const units: number[] = [];
    for (const character of name) {
      const code = character.codePointAt(0)!;
      if (code >= 0xdc80 && code <= 0xdcff) units.push(code & 0xff);
      else units.push(...Buffer.from(character));
    }
    return decodeText(Buffer.from(units), 0, units.length);
  }

  /** Watches for a string that is written in full again. */
  #watch(id: number, start: number, length: number, text: string | Buffer): void {
    const b = this.#bytes;
    const last = start + length - 1;
    const sum =
      Math.imul(b[start]!, 0x9e35) +
      Math.imul(b[start + (length >> 1)]!, 0x51) +
      Math.imul(b[last]!, 0x1f3) +
      Math.imul(b[length > 1 ? last - 1 : last]!, 0x2c5) +
      Math.imul(length, 0x6d1);
    const slot = (sum ^ (sum >> 7)) & (OWNERS - 1);
    const owner = owners[slot]! - this.#epoch;
    if (owner < 0) {
      owners[slot] = id + this.#epoch;
      return;
    }
    const bytes = typeof text === 'string' ? text : text.toString('latin1');
    const other = this.texts[owner]!;
    if (other === text || (typeof other === 'object' && other.toString('latin1') === bytes)) {
      this.#isRepeated();
      return;
    }
    // Exact also where hashes collide.
    this.#others ??= new Set();
    if (this.#others.has(bytes)) this.#isRepeated();
    else this.#others.add(bytes);
  }

  #isRepeated(): void {
    this.repeated = true;
    this.isWatching = false;
  }
}

/** Strings that came as values have no place in the table yet. */
function storedKind(id: number): number {
  return id < kinds.length ? kinds[id]! : 0;
}

function growKinds(id: number): void {
  const larger = new Uint8Array(Math.max(kinds.length * 2, id + 1));
  larger.set(kinds);
  kinds = larger;
}

const HAS_ODD = /[\udc80-\udcff]/;
const DECIMAL = /^(?:0|-?[1-9]\d{0,18})$/;

function kindOf(text: string): number {
  const first = text.charCodeAt(0);
  if (!(first <= 57 && (first >= 48 || first === 45)) || !DECIMAL.test(text)) {
    return isPerilous(text) ? PROTO_KEY : PLAIN_KEY;
  }
  if (first !== 45 && Number(text) < 4294967295) return INDEX_KEY;
  const number = BigInt(text);
  return BigInt.asIntN(64, number) === number ? INTEGER_KEY : PLAIN_KEY;
}
