/**
 * phpredis's LZ4 value: one byte CRC-8, four bytes original length (little endian), then one raw
 * LZ4 *block*. It is no LZ4 frame, so frame tools cannot read it.
 */

import { ownBytes } from './own-bytes.ts';

export const LZ4_HEADER = 5;

const MIN_MATCH = 4;
const MAX_DISTANCE = 65535;
/** LZ4's rules for the end of a block: the last 5 bytes are literals … */
const LAST_LITERALS = 5;
/** … and no match starts within the last 12 bytes. */
const MATCH_LIMIT = 12;
const HASH_BITS = 15;
/** Above it LZ4 itself (LZ4HC_CLEVEL_MAX) has no level: phpredis then takes the fast mode. */
const MAX_LEVEL = 12;
/** The largest input of LZ4 (LZ4_MAX_INPUT_SIZE). */
export const LZ4_MAX_INPUT = 0x7e000000;

/** Last position plus one of each hash; 0 is an empty slot. Shared: compression never yields. */
let heads: Int32Array | undefined;

/**
 * Compresses to phpredis's form.
 *
 * @param level As in `redis.session.compression_level`: 1–12 search as many earlier places as
 *   LZ4's high-compression mode does at that level, anything else only the latest.
 */
export function compressLz4(input: Uint8Array, level: number): Buffer {
  const length = input.length;
  if (length === 0) return Buffer.alloc(0);
  const attempts = level >= 1 && level <= MAX_LEVEL ? 1 << (level - 1) : 1;
  const output = Buffer.allocUnsafeSlow(LZ4_HEADER + length + Math.ceil(length / 255) + 16);
  output.writeUInt32LE(length, 1);
  output[0] = crc8(output, 1, LZ4_HEADER);
  return ownBytes(output, writeBlock(input, output, attempts));
}

function writeBlock(input: Uint8Array, output: Buffer, attempts: number): number {
  const end = input.length;
  heads ??= new Int32Array(1 << HASH_BITS);
  const head = heads.fill(0);
  // Earlier positions with the same hash, kept only where more than the latest is looked at.
  const chain = attempts > 1 ? new Int32Array(Math.min(end, MAX_DISTANCE + 1)) : undefined;
  const matchStop = end - MATCH_LIMIT;
  const matchEnd = end - LAST_LITERALS;
  let out = LZ4_HEADER;
  let anchor = 0;
  let at = 0;

  const remember = (position: number): number => {
    const slot = hash(input, position);
    const previous = head[slot]!;
    head[slot] = position + 1;
    if (chain !== undefined) chain[position & MAX_DISTANCE] = previous;
    return previous - 1;
  };

  while (at <= matchStop) {
    let candidate = remember(at);
    let best = 0;
    let bestAt = 0;
    for (let tries = attempts; tries > 0 && candidate >= 0; tries--) {
      if (at - candidate > MAX_DISTANCE) break;
      // A longer match must agree at the place where the best one so far ends.
      if (best === 0 || input[candidate + best] === input[at + best]) {
        let size = 0;
        while (at + size < matchEnd && input[candidate + size] === input[at + size]) size++;
        if (size >= MIN_MATCH && size > best) {
          best = size;
          bestAt = candidate;
        }
      }
      if (chain === undefined) break;
      const next = chain[candidate & MAX_DISTANCE]! - 1;
      // The chain is a ring: an entry that leads forward belongs to a newer position.
      if (next >= candidate) break;
      candidate = next;
    }
    if (best === 0) {
      at++;
      continue;
    }
    out = writeSequence(input, anchor, at, output, out, best);
    output[out++] = (at - bestAt) & 0xff;
    output[out++] = (at - bestAt) >> 8;
    out = writeLengthRest(output, out, best - MIN_MATCH);
    const stop = at + best;
    for (at++; at < stop; at++) if (at <= matchStop) remember(at);
    anchor = at;
  }
  return writeSequence(input, anchor, end, output, out, MIN_MATCH);
}

/** Token, literal length and literals; the match length goes into the token. */
function writeSequence(
  input: Uint8Array,
  from: number,
  to: number,
  output: Buffer,
  start: number,
  match: number,
): number {
  const literals = to - from;
  let out = start;
  output[out++] = (Math.min(literals, 15) << 4) | Math.min(match - MIN_MATCH, 15);
  out = writeLengthRest(output, out, literals);
  output.set(input.subarray(from, to), out);
  return out + literals;
}

function writeLengthRest(output: Buffer, start: number, length: number): number {
  let out = start;
  if (length < 15) return out;
  let rest = length - 15;
  for (; rest >= 255; rest -= 255) output[out++] = 255;
  output[out++] = rest;
  return out;
}

/** The original length that the header claims, or -1 if this is not phpredis's LZ4 value. */
export function lz4Length(input: Buffer): number {
  if (input.length < LZ4_HEADER || input[0] !== crc8(input, 1, LZ4_HEADER)) return -1;
  return input.readUInt32LE(1);
}

/**
 * Does the block behind the header unpack to exactly this length? Walks the tokens only: nothing
 * is allocated on the strength of the claim.
 */
export function isLz4Block(input: Buffer, length: number): boolean {
  const end = input.length;
  let at = LZ4_HEADER;
  let out = 0;
  while (at < end) {
    const token = input[at++]!;
    let literals = token >> 4;
    if (literals === 15) {
      let more: number;
      do {
        if (at >= end) return false;
        more = input[at++]!;
        literals += more;
      } while (more === 255);
    }
    at += literals;
    out += literals;
    if (at > end || out > length) return false;
    if (at === end) break;
    if (at + 2 > end) return false;
    const distance = input[at]! | (input[at + 1]! << 8);
    at += 2;
    if (distance === 0 || distance > out) return false;
    let match = token & 15;
    if (match === 15) {
      let more: number;
      do {
        if (at >= end) return false;
        more = input[at++]!;
        match += more;
      } while (more === 255);
    }
    out += match + MIN_MATCH;
    // A block ends with literals, so input must be left.
    if (out > length || at >= end) return false;
  }
  return out === length && length > 0;
}

/** Unpacks a block that {@link isLz4Block} has approved. */
export function decompressLz4(input: Buffer, length: number): Buffer {
  const output = Buffer.allocUnsafeSlow(length);
  const end = input.length;
  let at = LZ4_HEADER;
  let out = 0;
  for (;;) {
    const token = input[at++]!;
    let literals = token >> 4;
    if (literals === 15) {
      let more: number;
      do {
        more = input[at++]!;
        literals += more;
      } while (more === 255);
    }
    output.set(input.subarray(at, at + literals), out);
    at += literals;
    out += literals;
    if (at >= end) return output;
    let from = out - (input[at]! | (input[at + 1]! << 8));
    at += 2;
    let match = token & 15;
    if (match === 15) {
      let more: number;
      do {
        more = input[at++]!;
        match += more;
      } while (more === 255);
    }
    const stop = out + match + MIN_MATCH;
    // Byte by byte: a match may overlap what it is writing.
    while (out < stop) output[out++] = output[from++]!;
  }
}

/** phpredis: polynomial 0x31, start 0xff, most significant bit first, over the length bytes. */
export function crc8(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xff;
  for (let at = from; at < to; at++) {
    crc ^= bytes[at]!;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x31) & 0xff : crc << 1;
  }
  return crc;
}

function hash(input: Uint8Array, at: number): number {
  const value =
    input[at]! | (input[at + 1]! << 8) | (input[at + 2]! << 16) | (input[at + 3]! << 24);
  return Math.imul(value, 0x9e3779b1) >>> (32 - HASH_BITS);
}
