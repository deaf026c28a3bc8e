/**
 * igbinary's string table: every string of a blob, be it a value, a key, a property name or the
 * name of a class or an enum case, gets the next id when it is written in full.
 */
import { BlobText } from '../blob-text.ts';
import { keyIsIndex, keySlot, keyTexts } from '../key-cache.ts';
import { decodeText } from '../text.ts';

/** What a string is as the key of an array. */
export const PLAIN_KEY = 1;
/** JavaScript sorts it as a number. */
export const INDEX_KEY = 2;
/** PHP would have made an integer of it, JavaScript keeps it a name. */
export const INTEGER_KEY = 3;

const OWNERS = 4096;
/** Which string of the blob at hand had this hash last: its id plus `epoch`. */
const owners = new Int32Array(OWNERS);
let epoch = 1;

export class StringTable {
  readonly #bytes: Buffer;
  /** Texts by id; the position of its type byte for a string that was passed over. */
  readonly texts: (string | Buffer | number)[] = [];
  readonly #keyKinds: number[] = [];
  /** A string was written in full twice: `igbinary.compact_strings` was off. */
  repeated = false;
  readonly #epoch: number;
  #others: Set<string> | null = null;
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

  /** Makes room for the ids of the next blob. Called when this one is read. */
  done(): void {
    epoch = this.#epoch + this.texts.length;
  }

  /** A string in full, as a value. */
  addValue(start: number, length: number): string | Buffer {
    const text = this.#text.at(start, length);
    this.#keyKinds.push(0);
    this.#remember(start, length, text);
    return text;
  }

  /** A string in full, as a key or a name. */
  addKey(start: number, length: number): string {
    const slot = keySlot(this.#bytes, start, length);
    const text = keyTexts[slot]!;
    this.#keyKinds.push(
      length > 20 ? PLAIN_KEY : keyIsIndex[slot] === 1 ? INDEX_KEY : kindOf(text),
    );
    this.#remember(start, length, text);
    return text;
  }

  /** The kind of a key by its id. */
  keyKind(id: number): number {
    let kind = this.#keyKinds[id]!;
    if (kind === 0) {
      kind = kindOf(this.key(id));
      this.#keyKinds[id] = kind;
    }
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
    if (typeof text !== 'string') return Buffer.from(text);
    // A name with odd bytes is text only as a name.
    return this.#keyKinds[id] !== 0 && HAS_ODD.test(text) ? this.#reread(text) : text;
  }

  /** A string that nobody has asked for yet. */
  addSkipped(at: number): void {
    this.texts.push(at);
    this.#keyKinds.push(0);
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

  /** Gives a string its id, and watches for one that is written in full again. */
  #remember(start: number, length: number, text: string | Buffer): void {
    const id = this.texts.push(text) - 1;
    if (this.repeated || length === 0) return;
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
      this.repeated = true;
      return;
    }
    // Exact also where hashes collide.
    this.#others ??= new Set();
    if (this.#others.has(bytes)) this.repeated = true;
    else this.#others.add(bytes);
  }
}

const HAS_ODD = /[\udc80-\udcff]/;
const DECIMAL = /^(?:0|-?[1-9]\d{0,18})$/;

function kindOf(text: string): number {
  const first = text.charCodeAt(0);
  if (!(first <= 57 && (first >= 48 || first === 45)) || !DECIMAL.test(text)) return PLAIN_KEY;
  if (first !== 45 && Number(text) < 4294967295) return INDEX_KEY;
  const number = BigInt(text);
  return BigInt.asIntN(64, number) === number ? INTEGER_KEY : PLAIN_KEY;
}
