/** Passing over values without making them: the grammar is checked, ids are counted, no more. */
import { CodecError } from '../../errors.ts';
import * as F from './format.ts';

/** How many bytes follow a type byte, for all that is no container and says its width itself. */
const OTHER = 255;
const BEYOND = 256;
const widths = new Uint8Array(BEYOND + 1).fill(OTHER);
widths.fill(0, 0, 0x80);
for (let length = 0; length < 32; length++) widths[0xa0 + length] = length;
for (const type of [F.NIL, F.FALSE, F.TRUE]) widths[type] = 0;
for (let i = 0; i < 4; i++) widths[F.UINT8 + i] = widths[F.INT8 + i] = 1 << i;
widths[F.FLOAT32] = 4;
widths[F.FLOAT64] = 8;
widths.fill(0, 0xe0, BEYOND);

/** For each open container twice what is still to come, plus 1 for a map. */
let stack = new Int32Array(256);

/** How many ids the last value took that was passed over. */
export const taken = { ids: 0 };

/**
 * Passes over the value at `start`.
 * @param levels How deep the value may be nested.
 * @returns the position after it; −1 if it holds a mark, and must be read to be understood
 */
export function skipMsgpack(b: Buffer, start: number, levels: number): number {
  const end = b.length;
  let p = start;
  let depth = 0;
  let left = 0;
  let isMap = false;
  let ids = 0;

  for (;;) {
    const from = p;
    let count = -1;
    let opensMap = false;
    const type = b[p++] ?? BEYOND;
    const width = widths[type]!;
    if (width !== OTHER) {
      p += width;
    } else if (type < 0x90) {
      count = type & 15;
      opensMap = true;
    } else if (type < 0xa0) {
      count = type & 15;
    } else if (type >= F.ARRAY16 && type <= F.MAP32) {
      const size = (type & 1) === 0 ? 2 : 4;
      count = numberAt(b, p, size);
      p += size;
      opensMap = type >= F.MAP16;
    } else {
      p = skipRare(b, from);
    }
    if (!(p <= end)) throw fault(from);

    left--;
    if (count >= 0) {
      ids++;
      if (opensMap && count > 0 && b[p] === F.NIL) {
        // An object with its class first; whatever else begins with nil is a mark.
        if (!isName(b[p + 1] ?? 0)) return -1;
        p = skipKey(b, p + 1);
        count--;
        // What `__serialize` returned takes an id of its own.
        if (count === 1 && b[p] === F.NIL) return -1;
      }
      if (count > (opensMap ? (end - p) / 2 : end - p)) throw fault(from);
      if (depth >= levels) {
        throw new CodecError('ERR_PSB_CODEC_LIMIT', 'msgpack: nested too deeply', { offset: from });
      }
      if (count > 0) {
        if (depth >= stack.length) {
          const larger = new Int32Array(stack.length * 2);
          larger.set(stack);
          stack = larger;
        }
        stack[depth++] = left * 2 + (isMap ? 1 : 0);
        left = count;
        isMap = opensMap;
      }
    }
    while (left <= 0) {
      if (depth === 0) {
        taken.ids = ids;
        return p;
      }
      const around = stack[--depth]!;
      left = around >> 1;
      isMap = (around & 1) === 1;
    }
    if (depth === 0) {
      taken.ids = ids;
      return p;
    }
    if (isMap) {
      const key = b[p]!;
      if (key < 0x80) p++;
      else if (key >= 0xa0 && key < 0xc0) p += 1 + (key & 31);
      else p = skipKey(b, p);
      if (!(p <= end)) throw fault(from);
    }
  }
}

function isName(type: number): boolean {
  return (
    (type >= 0xa0 && type < 0xc0) ||
    (type >= F.STR8 && type <= F.STR32) ||
    (type >= F.BIN8 && type <= F.BIN32)
  );
}

/** A key: an integer or a string. */
function skipKey(b: Buffer, at: number): number {
  const type = b[at] ?? F.NIL;
  if (type < 0x80 || type >= 0xe0 || (type >= F.UINT8 && type <= F.INT64)) {
    return at + 1 + widths[type]!;
  }
  if (type >= 0xa0 && type < 0xc0) return at + 1 + (type & 31);
  if (!isName(type)) throw fault(at);
  return skipRare(b, at);
}

/** Long strings, binaries and extension types. */
function skipRare(b: Buffer, at: number): number {
  const type = b[at] ?? F.NIL;
  if (type >= F.STR8 && type <= F.STR32) {
    const width = 1 << (type - F.STR8);
    return at + 1 + width + numberAt(b, at + 1, width);
  }
  if (type >= F.BIN8 && type <= F.BIN32) {
    const width = 1 << (type - F.BIN8);
    return at + 1 + width + numberAt(b, at + 1, width);
  }
  if (type >= F.FIXEXT1 && type <= F.FIXEXT16) return at + 2 + (1 << (type - F.FIXEXT1));
  if (type >= F.EXT8 && type <= F.EXT32) {
    const width = 1 << (type - F.EXT8);
    return at + 2 + width + numberAt(b, at + 1, width);
  }
  throw fault(at);
}

function numberAt(b: Buffer, at: number, width: number): number {
  // Beyond the end: a number that no blob can hold.
  return at + width > b.length ? Number.MAX_SAFE_INTEGER : b.readUIntBE(at, width);
}

function fault(at: number): CodecError {
  const message = `msgpack: no value at byte ${at}`;
  return new CodecError('ERR_PSB_CODEC_SYNTAX', message, { offset: at });
}
