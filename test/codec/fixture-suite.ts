import { describe, expect, it } from 'vitest';
import {
  CodecError,
  decodeSession,
  encodeSession,
  PhpEnum,
  PhpFloat,
  PhpObject,
  serialize,
  unserialize,
} from '../../src/codec/index.ts';
import {
  bytesOf,
  type Family,
  type Handler,
  readFixtures,
  readOtherVersions,
} from '../fixtures/fixtures.ts';

const handlers: readonly string[] = ['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'];

interface Codec {
  decode(bytes: Buffer): unknown;
  encode(value: unknown): Buffer;
}

function valueCodec(format: 'php' | 'igbinary' | 'msgpack'): Codec {
  return {
    decode: (bytes) => unserialize(bytes, { format }),
    encode: (value) => serialize(value, { format }),
  };
}

function sessionCodec(handler: Handler): Codec {
  return {
    decode: (bytes) => decodeSession(bytes, { handler }),
    encode: (value) => encodeSession(value as Record<string, unknown>, { handler }),
  };
}

/** By the names the fixture files use: `igbinary` alone is a value in value rows. */
function codecOf(key: string, isValue: boolean): Codec {
  if (key === 'serialize') return valueCodec('php');
  if (key.endsWith('-value')) return valueCodec(key.slice(0, -6) as 'igbinary' | 'msgpack');
  if (key.endsWith(' session')) return sessionCodec(key.slice(0, -8) as Handler);
  if (isValue && (key === 'igbinary' || key === 'msgpack')) return valueCodec(key);
  return sessionCodec(key as Handler);
}

/** Long bytes shortened around the first difference, so that a failure can be read. */
function expectBytes(got: Buffer, expected: Buffer): void {
  if (got.equals(expected)) return;
  let at = 0;
  while (at < got.length && got[at] === expected[at]) at++;
  const around = (bytes: Buffer): string =>
    `@${at} of ${bytes.length}: ${bytes.toString('latin1', Math.max(0, at - 60), at + 60)}`;
  expect(around(got)).toBe(around(expected));
  expect(got).toEqual(expected);
}

interface Slot {
  readonly container: Record<string, unknown>;
  readonly key: string;
}

/** Every slot of everything reachable, containers before their contents. */
function slotsOf(root: unknown): Slot[] {
  const slots: Slot[] = [];
  const seen = new Set<unknown>();
  const todo = [root];
  while (todo.length > 0) {
    const value = todo.pop();
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    if (Buffer.isBuffer(value) || value instanceof PhpFloat || value instanceof PhpEnum) continue;
    if (!Array.isArray(value) && !(value instanceof PhpObject) && !isPlain(value)) continue;
    seen.add(value);
    const container = value as Record<string, unknown>;
    for (const key of Object.keys(container)) {
      slots.push({ container, key });
      todo.push(container[key]);
    }
  }
  return slots;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function assign({ container, key }: Slot, value: unknown): void {
  if (key === '__proto__') {
    const attributes = { enumerable: true, configurable: true, writable: true };
    Object.defineProperty(container, key, { value, ...attributes });
  } else {
    container[key] = value;
  }
}

function roundTrips(codec: Codec, bytes: Buffer, touch: (value: unknown) => unknown): void {
  // The caller's buffer may be reused for something else: nothing may depend on it.
  const input = Buffer.from(bytes);
  const value = codec.decode(input);
  input.fill(0x21);
  // A number by itself has no container that could remember that it was a float.
  if (typeof value === 'number') return;
  expectBytes(codec.encode(touch(value)), bytes);
}

/** What every row must survive under one codec. */
function expectLossless(codec: Codec, bytes: Buffer): void {
  roundTrips(codec, bytes, (value) => value);
  roundTrips(codec, bytes, (value) => {
    for (const slot of slotsOf(value)) assign(slot, slot.container[slot.key]);
    return value;
  });
  // Changed, written, changed back and written: no writing may leave a trace of itself.
  roundTrips(codec, bytes, (value) => {
    const slots = slotsOf(value);
    const step = Math.ceil(slots.length / 8);
    for (let at = 0; at < slots.length; at += step) {
      const slot = slots[at] as Slot;
      const before = slot.container[slot.key];
      if (typeof before === 'object' && before !== null) continue;
      assign(slot, 'changed');
      if (!codec.encode(value).includes('changed')) throw new Error(`lost a change of ${slot.key}`);
      assign(slot, before);
      expectBytes(codec.encode(value), bytes);
    }
    return value;
  });
  roundTrips(codec, bytes, (value) => {
    codec.encode(value);
    return value;
  });
}

function jsonView(value: unknown): unknown {
  const plain = (_: string, inner: unknown): unknown =>
    typeof inner === 'bigint' ? Number(inner) : inner;
  return JSON.parse(JSON.stringify(value, plain)) as unknown;
}

function canHold(handler: Handler, names: readonly string[]): boolean {
  if (handler !== 'php' && handler !== 'php_binary') return true;
  return names.every((name) => {
    const isInt = /^(0|-?[1-9]\d*)$/.test(name) && BigInt.asIntN(64, BigInt(name)) === BigInt(name);
    const length = Buffer.byteLength(name.replace(/[\udc80-\udcff]/g, 'x'));
    return !isInt && (handler === 'php' ? !name.includes('|') : length <= 127);
  });
}

function runEdit(js: string, session: Record<string, unknown>): void {
  const edit = new Function('s', 'PhpObject', 'PhpEnum', 'PhpFloat', `'use strict'; ${js}`);
  edit(session, PhpObject, PhpEnum, PhpFloat);
}

/** One row through every function in every direction, for every row of a fixture file. */
export function describeFixtures(family: Family): void {
  const { values, sessions, inputs, edits } = readFixtures(family);

  describe(`${family}: values that PHP wrote`, () => {
    for (const row of values) {
      it(row.name, () => {
        for (const [key, latin1] of Object.entries(row.bytes)) {
          if (latin1 === false || latin1 === '') continue;
          const bytes = bytesOf(latin1);
          const codec = codecOf(key, true);
          expectLossless(codec, bytes);
          if (row.json !== undefined && key === 'serialize') {
            expect(jsonView(codec.decode(bytes))).toEqual(jsonView(JSON.parse(row.json)));
          }
        }
      });
    }
  });

  describe(`${family}: sessions that PHP wrote`, () => {
    for (const row of sessions) {
      it(row.name, () => {
        for (const [handler, latin1] of Object.entries(row.bytes)) {
          if (latin1 === false) continue;
          const codec = sessionCodec(handler as Handler);
          if (handler === 'msgpack' && row.name === 'an empty __sleep') {
            // The extension writes no byte at all for such an object: nobody can read the rest.
            expect(() => codec.decode(bytesOf(latin1))).toThrow(CodecError);
            continue;
          }
          expectLossless(codec, bytesOf(latin1));
        }
      });
    }
  });

  for (const { php, values: otherValues, sessions: otherSessions } of readOtherVersions(family)) {
    if (otherValues.length === 0) continue;
    describe(`${family}: what PHP ${php} writes otherwise`, () => {
      for (const row of otherValues) {
        it(row.name, () => {
          for (const [key, latin1] of Object.entries(row.bytes)) {
            if (latin1) expectLossless(codecOf(key, true), bytesOf(latin1));
          }
        });
      }
      for (const row of otherSessions) {
        it(row.name, () => {
          for (const [handler, latin1] of Object.entries(row.bytes)) {
            if (latin1) expectLossless(sessionCodec(handler as Handler), bytesOf(latin1));
          }
        });
      }
    });
  }

  if (family === 'php') {
    describe('sessions carried from handler to handler', () => {
      for (const row of sessions) {
        const { php_serialize: whole, php, php_binary: binary } = row.bytes;
        // A session that holds itself is unrolled once by php_serialize alone.
        if (typeof whole !== 'string' || row.name.includes('the session itself')) continue;
        it(row.name, () => {
          const variables = (): Record<string, unknown> =>
            decodeSession(bytesOf(whole), { handler: 'php_serialize' });
          const names = Object.keys(variables());
          for (const [handler, expected] of [
            ['php', php],
            ['php_binary', binary],
          ] as const) {
            const encode = (): Buffer => encodeSession(variables(), { handler });
            if (!canHold(handler, names)) {
              // PHP drops the variable, or saves nothing at all: here it is an error.
              expect(encode, handler).toThrow(CodecError);
              continue;
            }
            const bytes = bytesOf(expected === undefined || expected === false ? '' : expected);
            expectBytes(encode(), bytes);
            const back = decodeSession(bytes, { handler });
            expectBytes(encodeSession(back, { handler: 'php_serialize' }), bytesOf(whole));
          }
        });
      }
    });
  }

  describe(`${family}: bytes that PHP did not write`, () => {
    for (const row of inputs) {
      it(`${row.format}: ${row.name}`, () => {
        const codec = codecOf(row.format, handlers.includes(row.format) === false);
        const bytes = bytesOf(row.bytes);
        const isAccepted = 'again' in row.php;
        const wanted = row.codec ?? (isAccepted ? 'accepts' : 'refuses');
        let value: unknown;
        try {
          value = codec.decode(Buffer.from(bytes));
        } catch (error) {
          if (!(error instanceof CodecError)) throw error;
          expect(error.code).toMatch(/^ERR_PSB_CODEC_/);
          expect(error.offset).toBeTypeOf('number');
          if (wanted === 'accepts') throw error;
          return;
        }
        expect(wanted, 'accepted').not.toBe('refuses');
        if (!('again' in row.php) || row.codec === 'either') return void codec.encode(value);
        if (typeof value === 'number') {
          expect(`${value}`).toBe(`${codec.decode(bytesOf(row.php.again)) as number}`);
          return;
        }
        const again = codec.encode(value);
        if (row.again === 'as read') return;
        if (row.again === 'either' && again.equals(bytes)) return;
        expectBytes(again, bytesOf(row.php.again));
      });
    }
  });

  describe(`${family}: the same edit in PHP and in JavaScript`, () => {
    for (const row of edits) {
      if (Object.keys(row.bytes).length === 0) continue;
      it(row.name, () => {
        for (const [key, { before, after }] of Object.entries(row.bytes)) {
          const handler = key as Handler;
          const variables = decodeSession(bytesOf(before), { handler });
          runEdit(row.js, variables);
          const bytes = encodeSession(variables, { handler });
          expectBytes(bytes, bytesOf(after));
          expectBytes(encodeSession(decodeSession(bytes, { handler }), { handler }), bytes);
          // The session goes on after it was saved once.
          expectBytes(encodeSession(variables, { handler }), bytesOf(after));
        }
      });
    }
  });
}
