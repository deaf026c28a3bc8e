import { describe, expect, it } from 'vitest';
import {
  type CompressionName,
  compress,
  decompress,
} from '../../src/codec/compression/compression.ts';
import { IgbinaryOutput } from '../../src/codec/igbinary/output.ts';
import {
  decodeSession,
  encodeSession,
  type Format,
  PhpEnum,
  PhpObject,
  PhpSerializedObject,
  serialize,
  unserialize,
} from '../../src/codec/index.ts';
import { MsgpackOutput } from '../../src/codec/msgpack/output.ts';
import { CHUNK, type Output } from '../../src/codec/output.ts';
import { TextOutput } from '../../src/codec/php/output.ts';
import { saysTheSame } from '../../src/codec/same-values.ts';

const MAX_BYTES = 2 ** 29;

/** Letters of one, two, three and four bytes of UTF-8, and words that mix them. */
const letters = ['a', 'é', '이', '🙂', 'a이', 'é🙂', 'aaaaaaaa이'] as const;

/** Around the lengths and sizes where a header becomes wider in some format. */
const lengths = [
  ...range(1, 44),
  ...[64, 84, 85, 86, 87, 99, 100, 101, 127, 128, 129, 254, 255, 256, 257],
  ...[333, 334, 335, 999, 1000, 3333, 3334, 21_845, 21_846, 65_535, 65_536],
];

/** What stood in the memory before: a letter that no text here has. */
const FOREIGN = 0x53;

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function textOf(unit: string, length: number): string {
  const text = unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
  // A pair of surrogates may have been cut in two.
  return text.replace(/[\ud800-\udbff]$/, 'a');
}

function uint(value: number, width: 1 | 2 | 4): Buffer {
  const bytes = Buffer.alloc(width);
  bytes.writeUIntBE(value, 0, width);
  return bytes;
}

/** As `msgpack-c` packs a str: https://github.com/msgpack/msgpack/blob/master/spec.md#str-format-family */
function msgpackString(bytes: Buffer): Buffer {
  const { length } = bytes;
  if (length < 32) return Buffer.concat([Buffer.of(0xa0 | length), bytes]);
  if (length < 256) return Buffer.concat([Buffer.of(0xd9, length), bytes]);
  if (length < 65536) return Buffer.concat([Buffer.of(0xda), uint(length, 2), bytes]);
  return Buffer.concat([Buffer.of(0xdb), uint(length, 4), bytes]);
}

/** As igbinary_serialize_string() does, with the type of the narrowest length given. */
function igbinaryString(bytes: Buffer, type: number): Buffer {
  const { length } = bytes;
  if (length < 256) return Buffer.concat([Buffer.of(type, length), bytes]);
  if (length < 65536) return Buffer.concat([Buffer.of(type + 1), uint(length, 2), bytes]);
  return Buffer.concat([Buffer.of(type + 2), uint(length, 4), bytes]);
}

function phpString(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`s:${bytes.length}:"`), bytes, Buffer.from('";')]);
}

interface Row<Out extends Output> {
  readonly name: string;
  readonly make: () => Out;
  readonly write: (output: Out, text: string) => unknown;
  readonly expected: (bytes: Buffer) => Buffer;
}

function row<Out extends Output>(fields: Row<Out>): Row<Output> {
  return fields as unknown as Row<Output>;
}

const makeMsgpack = () => new MsgpackOutput(MAX_BYTES);
const makeIgbinary = () => new IgbinaryOutput(MAX_BYTES, true);
const makePhp = () => new TextOutput(MAX_BYTES);

/** A byte that is no UTF-8, behind the text: the name then takes the way of escaped names. */
const ODD = '\udcff';
function odd(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.of(0xff)]);
}

const rows: readonly Row<Output>[] = [
  row({
    name: 'msgpack string',
    make: makeMsgpack,
    write: (output, text) => output.string(text),
    expected: msgpackString,
  }),
  row({
    name: 'msgpack name',
    make: makeMsgpack,
    write: (output, text) => output.name(text + ODD),
    expected: (bytes) => msgpackString(odd(bytes)),
  }),
  row({
    name: 'msgpack bytes',
    make: makeMsgpack,
    write: (output, text) => output.buffer(Buffer.from(text)),
    expected: msgpackString,
  }),
  row({
    name: 'igbinary string',
    make: makeIgbinary,
    write: (output, text) => output.string(text),
    expected: (bytes) => igbinaryString(bytes, 0x11),
  }),
  row({
    name: 'igbinary name',
    make: makeIgbinary,
    write: (output, text) => output.name(text + ODD),
    expected: (bytes) => igbinaryString(odd(bytes), 0x11),
  }),
  row({
    name: 'igbinary class name',
    make: makeIgbinary,
    write: (output, text) => output.className(text),
    expected: (bytes) => igbinaryString(bytes, 0x17),
  }),
  row({
    name: 'igbinary bytes',
    make: makeIgbinary,
    write: (output, text) => output.buffer(Buffer.from(text)),
    expected: (bytes) => igbinaryString(bytes, 0x11),
  }),
  row({
    name: 'php string',
    make: makePhp,
    write: (output, text) => output.string(text),
    expected: phpString,
  }),
  row({
    name: 'php name',
    make: makePhp,
    write: (output, text) => output.name(text + ODD),
    expected: (bytes) => phpString(odd(bytes)),
  }),
  row({
    name: 'php bytes',
    make: makePhp,
    write: (output, text) => output.buffer(Buffer.from(text)),
    expected: phpString,
  }),
];

/** Distances to the end of the memory at which something ends there, or would have to be wider. */
function distances(units: number, size: number): Set<number> {
  const near = new Set<number>();
  const [least, most] = units < 300 ? [-4, 10] : [-1, 6];
  for (const place of [0, size, units * 3]) {
    for (let by = least; by <= most; by++) if (place + by >= 0) near.add(place + by);
  }
  return near;
}

describe.each(rows)('$name at the end of the memory', ({ make, write, expected }) => {
  it.each(letters)('of letters like %s', (unit) => {
    const wrong: string[] = [];
    for (const length of lengths) {
      const text = textOf(unit, length);
      const encoded = expected(Buffer.from(text));
      for (const distance of distances(length, encoded.length)) {
        const output = make();
        output.reserve(distance);
        const end = output.bytes.length;
        const before = end - distance - output.pos;
        output.bytes.fill(FOREIGN);
        output.bytes.fill(0x62, output.pos, output.pos + before);
        output.pos += before;
        write(output, text);
        output.byte(0x7a);
        const result = output.take();
        output.release();
        const right =
          result.length === before + encoded.length + 1 &&
          result.subarray(before, -1).equals(encoded) &&
          result.at(-1) === 0x7a &&
          !result.subarray(0, before).includes(FOREIGN);
        if (!right) wrong.push(`${length} letters ${distance} bytes before the end`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

/** Enough for whole values: the tests above have all lengths. */
const texts = [textOf('이', 11), textOf('이', 31), textOf('이', 86), textOf('é🙂', 86)] as const;

type Shape = (text: string) => unknown;

/** Every place in which a text can stand, and what counts entries before it. */
const shapes: Readonly<Record<string, Shape>> = {
  value: (text) => text,
  'last value': (text) => [text],
  key: (text) => ({ [text]: 1 }),
  'key of an odd byte': (text) => ({ [text + ODD]: 1 }),
  'property name': (text) => new PhpObject('A', { [text]: 1 }),
  'private property name': (text) =>
    new PhpObject('A', { [text]: 1 }, { visibility: { [text]: 'private' } }),
  'property value': (text) => new PhpObject('A', { a: text, b: text }),
  'class name': (text) => new PhpObject(`K${text}`, { a: 1 }),
  'enum case': (text) => new PhpEnum(`K${text}`, `K${text}`),
  payload: (text) => new PhpSerializedObject(`K${text}`, Buffer.from(text)),
  bytes: (text) => Buffer.concat([Buffer.from(text), Buffer.of(0xff)]),
  'map of left out entries': (text) =>
    Object.fromEntries([...range(1, 20).map((i) => [`k${i}`, undefined]), ['a', text]]),
  list: (text) => range(1, 20).map(() => text),
};

const formats: readonly Format[] = ['php', 'igbinary', 'msgpack'];

function sameAs(written: unknown, read: unknown): boolean {
  if (written instanceof PhpSerializedObject && read instanceof PhpSerializedObject) {
    if (!written.data.equals(read.data)) return false;
  }
  return saysTheSame({ value: written }, { value: read }, false);
}

/** The same for a text somewhere inside of a value: what stands before it is up to so many bytes. */
function edges(units: number, size: number): Set<number> {
  const near = new Set<number>();
  for (let by = 0; by <= 6; by++) near.add(by);
  for (const place of [size, units * 3]) {
    for (let by = -2; by <= 26; by++) near.add(place + by);
  }
  return near;
}

type Encode = (filler: readonly string[]) => Buffer;

const big = range(1, 430).map((i) => `${i}`.padStart(150, 'f'));
const small = range(1, 900).map((i) => i.toString(36).padStart(3, 'g'));

/**
 * Lists of texts after which so many bytes are left in the first chunk, or a few less. They are
 * short, since room for a long one is made at once, and differ, since igbinary writes a text once.
 */
function fillers(encode: Encode): (left: number) => string[] {
  let count = big.length;
  while (encode(big.slice(0, count)).length > CHUNK - 2200) count -= 2;
  const first = big.slice(0, count);
  const size = encode(first).length;
  const step = (encode([...first, ...small.slice(0, 100)]).length - size) / 100;
  const make = (left: number): string[] => {
    const items = Math.floor((CHUNK - left - size) / step);
    const rest = CHUNK - left - size - Math.ceil(items * step);
    const last = `${small[items]}`.padEnd(3 + Math.max(rest, 0), 'h');
    return [...first, ...small.slice(0, items - 1), last];
  };
  // The keys of a list grow with it.
  const missed = CHUNK - encode(make(0)).length;
  return (left) => make(left - missed);
}

/** Fills the memory that the next encoders use with a letter that no text here has. */
function overwriteMemory(): void {
  serialize('S'.repeat(CHUNK * 1.5));
}

describe.each(formats)('%s across the end of a chunk', (format) => {
  it.each(Object.entries(shapes))('%s', (name, shape) => {
    // PHP's msgpack extension cannot read an enum case.
    if (format === 'msgpack' && name === 'enum case') return;
    const wrong: string[] = [];
    const fillerFor = fillers((filler) => serialize([filler], { format }));
    for (const text of texts) {
      const value = shape(text);
      const size = serialize(['', value], { format }).length;
      for (const distance of edges(text.length, size)) {
        const filler = fillerFor(distance);
        const written = [filler, value, 'z'];
        overwriteMemory();
        const [first, second, third] = unserialize<unknown[]>(serialize(written, { format }), {
          format,
        }) as [string[], unknown, unknown];
        if (first.length !== filler.length || !sameAs(value, second) || third !== 'z') {
          wrong.push(`${text.length} letters like ${text[0]}, ${distance} bytes before the end`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe.each(['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'] as const)(
  'sessions under %s',
  (handler) => {
    it.each(['none', 'lzf', 'lz4', 'zstd'] as const)('with %s', (compression: CompressionName) => {
      const wrong: string[] = [];
      const fillerFor = fillers((filler) => encodeSession({ filler }, { handler }));
      for (const text of texts) {
        const name = text.slice(0, handler === 'php_binary' ? 21 : 86);
        const written = { filler: [] as string[], [name]: text, z: [text] };
        const size = encodeSession(written, { handler }).length;
        // PHP's own algorithms take a millisecond for so many bytes.
        const every = compression === 'none' ? 1 : 16;
        for (const distance of [...edges(text.length, size)].filter((_, i) => i % every === 0)) {
          written.filler = fillerFor(distance);
          overwriteMemory();
          const stored = compress(encodeSession(written, { handler }), compression);
          const read = decodeSession(decompress(stored, compression), { handler });
          if (!sameAs(written, read)) {
            wrong.push(`${text.length} letters like ${text[0]}, ${distance} bytes before the end`);
          }
        }
      }
      expect(wrong).toEqual([]);
    });
  },
);
