/**
 * Cuts igbinary and msgpack into pieces by type. Both say before each value what it is and how long,
 * so one walk from the front is enough; nesting does not matter for the colour.
 */

/**
 * @param {Uint8Array} bytes
 * @param {string} handler session.serialize_handler
 * @returns {{ type: string, length: number }[] | undefined} undefined for a text format
 */
export function binaryPieces(bytes, handler) {
  const next = { igbinary, msgpack }[handler];
  if (!next) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces = [];
  let at = 0;
  if (handler === 'igbinary') {
    at = Math.min(4, bytes.length);
    pieces.push({ type: 'mark', length: at });
  }
  while (at < bytes.length) {
    let piece;
    try {
      piece = next(view, at);
    } catch {
      // A length beyond the end: the codec says what is wrong, here the rest is just shown.
    }
    const { type, length } = piece ?? { type: 'mark', length: 1 };
    pieces.push({ type, length: Math.min(length, bytes.length - at) });
    at += length;
  }
  return pieces;
}

const sizes = {
  1: (view, at) => view.getUint8(at),
  2: (view, at) => view.getUint16(at),
  4: (view, at) => view.getUint32(at),
};

/** A value of the given type whose length or count stands in `width` bytes after the first. */
function sized(type, width, counted) {
  return (view, at) => ({
    type,
    length: 1 + width + (counted ? sizes[width](view, at + 1) : 0),
  });
}

const fixed = (type, length) => () => ({ type, length });

// igbinary.c, enum igbinary_type
const IGBINARY = {
  0: fixed('null', 1),
  1: fixed('reference', 2),
  2: fixed('reference', 3),
  3: fixed('reference', 5),
  4: fixed('bool', 1),
  5: fixed('bool', 1),
  6: fixed('int', 2),
  7: fixed('int', 2),
  8: fixed('int', 3),
  9: fixed('int', 3),
  10: fixed('int', 5),
  11: fixed('int', 5),
  12: fixed('float', 9),
  13: fixed('string', 1),
  14: fixed('string', 2),
  15: fixed('string', 3),
  16: fixed('string', 5),
  17: sized('string', 1, true),
  18: sized('string', 2, true),
  19: sized('string', 4, true),
  20: fixed('array', 2),
  21: fixed('array', 3),
  22: fixed('array', 5),
  23: sized('object', 1, true),
  24: sized('object', 2, true),
  25: sized('object', 4, true),
  26: fixed('object', 2),
  27: fixed('object', 3),
  28: fixed('object', 5),
  29: sized('object', 1, true),
  30: sized('object', 2, true),
  31: sized('object', 4, true),
  32: fixed('int', 9),
  33: fixed('int', 9),
  34: fixed('reference', 2),
  35: fixed('reference', 3),
  36: fixed('reference', 5),
  37: fixed('reference', 1),
};

function igbinary(view, at) {
  return IGBINARY[view.getUint8(at)]?.(view, at);
}

const MSGPACK = {
  192: fixed('null', 1),
  194: fixed('bool', 1),
  195: fixed('bool', 1),
  196: sized('string', 1, true),
  197: sized('string', 2, true),
  198: sized('string', 4, true),
  202: fixed('float', 5),
  203: fixed('float', 9),
  204: fixed('int', 2),
  205: fixed('int', 3),
  206: fixed('int', 5),
  207: fixed('int', 9),
  208: fixed('int', 2),
  209: fixed('int', 3),
  210: fixed('int', 5),
  211: fixed('int', 9),
  217: sized('string', 1, true),
  218: sized('string', 2, true),
  219: sized('string', 4, true),
  220: fixed('array', 3),
  221: fixed('array', 5),
  222: fixed('array', 3),
  223: fixed('array', 5),
};

function msgpack(view, at) {
  const first = view.getUint8(at);
  if (first < 0x80 || first >= 0xe0) return { type: 'int', length: 1 };
  if (first < 0xa0) return { type: 'array', length: 1 };
  if (first < 0xc0) return { type: 'string', length: 1 + (first & 0x1f) };
  return MSGPACK[first]?.(view, at);
}
