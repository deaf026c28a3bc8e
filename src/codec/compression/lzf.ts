/**
 * LZF as LibLZF writes it: a bare stream, without magic, header or length. phpredis stores the
 * stream as it is.
 *
 * A control byte below 32 announces that many plus one literal bytes. Any other is a match: three
 * bits of length (7: one more length byte follows) and thirteen bits of distance.
 */

import { ownBytes } from './own-bytes.ts';

const MAX_LITERALS = 32;
const MAX_DISTANCE = 1 << 13;
const MAX_MATCH = (1 << 8) + (1 << 3);
const HASH_BITS = 16;

/** Positions plus one, so that 0 is an empty slot. Shared: compression never yields. */
let positions: Int32Array | undefined;

/**
 * Compresses with LibLZF's own greedy search and hash (its "very fast" mode), so that the bytes
 * are the ones PHP would store. The result may be larger than the input by one byte in 32.
 */
export function compressLzf(input: Uint8Array): Buffer {
  const end = input.length;
  if (end === 0) return Buffer.alloc(0);
  const output = Buffer.allocUnsafeSlow(end + Math.ceil(end / MAX_LITERALS) + 4);
  positions ??= new Int32Array(1 << HASH_BITS);
  const table = positions.fill(0);
  let at = 0;
  let out = 1;
  let literals = 0;

  while (at < end - 2) {
    const slot = hash(input, at);
    const match = table[slot]! - 1;
    table[slot] = at + 1;
    const distance = at - match - 1;
    // LibLZF never refers to the very first byte.
    if (match > 0 && distance < MAX_DISTANCE && startsAlike(input, match, at)) {
      const length = matchLength(input, match, at);

      if (literals === 0) out--;
      else output[out - literals - 1] = literals - 1;
      const coded = length - 2;
      if (coded < 7) {
        output[out++] = (distance >> 8) + (coded << 5);
      } else {
        output[out++] = (distance >> 8) + (7 << 5);
        output[out++] = coded - 7;
      }
      output[out++] = distance & 0xff;
      literals = 0;
      out++;

      at += length;
      if (at >= end - 2) break;
      table[hash(input, at - 2)] = at - 1;
      table[hash(input, at - 1)] = at;
    } else {
      output[out++] = input[at++]!;
      if (++literals === MAX_LITERALS) {
        output[out - literals - 1] = literals - 1;
        literals = 0;
        out++;
      }
    }
  }
  while (at < end) {
    output[out++] = input[at++]!;
    if (++literals === MAX_LITERALS) {
      output[out - literals - 1] = literals - 1;
      literals = 0;
      out++;
    }
  }
  if (literals === 0) out--;
  else output[out - literals - 1] = literals - 1;
  return ownBytes(output, out);
}

/**
 * The length that a stream would decompress to, or -1 if it is no LZF stream. Nothing is
 * allocated for it: the caller decides about the length before a byte is unpacked.
 */
export function lzfLength(input: Uint8Array): number {
  const end = input.length;
  let at = 0;
  let length = 0;
  while (at < end) {
    const control = input[at++]!;
    if (control < MAX_LITERALS) {
      at += control + 1;
      if (at > end) return -1;
      length += control + 1;
    } else {
      let size = control >> 5;
      if (size === 7) {
        if (at >= end) return -1;
        size += input[at++]!;
      }
      if (at >= end) return -1;
      const distance = ((control & 0x1f) << 8) + input[at++]! + 1;
      if (distance > length) return -1;
      length += size + 2;
    }
  }
  return length;
}

/** Unpacks a stream of which {@link lzfLength} has told the length. */
export function decompressLzf(input: Uint8Array, length: number): Buffer {
  const output = Buffer.allocUnsafeSlow(length);
  const end = input.length;
  let at = 0;
  let out = 0;
  while (at < end) {
    const control = input[at++]!;
    if (control < MAX_LITERALS) {
      const stop = at + control + 1;
      while (at < stop) output[out++] = input[at++]!;
    } else {
      let size = control >> 5;
      if (size === 7) size += input[at++]!;
      let from = out - ((control & 0x1f) << 8) - input[at++]! - 1;
      const stop = out + size + 2;
      // Byte by byte: a match may overlap what it is writing.
      while (out < stop) output[out++] = output[from++]!;
    }
  }
  return output;
}

function hash(input: Uint8Array, at: number): number {
  const value = (input[at]! << 16) | (input[at + 1]! << 8) | input[at + 2]!;
  return ((value >> (24 - HASH_BITS)) - value * 5) & ((1 << HASH_BITS) - 1);
}

/**
 * LibLZF stops two bytes before the end, but compares its first sixteen bytes unrolled, and so a
 * match may reach the end after all: without that the bytes would differ from PHP's.
 */
function matchLength(input: Uint8Array, match: number, at: number): number {
  const longest = Math.min(input.length - at - 2, MAX_MATCH);
  let length = 2;
  if (longest > 16) {
    do {
      length++;
      if (input[match + length] !== input[at + length]) return length;
    } while (length < 18);
  }
  do length++;
  while (length < longest && input[match + length] === input[at + length]);
  return length;
}

function startsAlike(input: Uint8Array, a: number, b: number): boolean {
  return input[a] === input[b] && input[a + 1] === input[b + 1] && input[a + 2] === input[b + 2];
}
