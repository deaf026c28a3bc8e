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
const IGBINARY = new Map([
  [0x00, fixed('null', 1)],
  [0x01, fixed('reference', 2)],
  [0x02, fixed('reference', 3)],
  [0x03, fixed('reference', 5)],
  [0x04, fixed('bool', 1)],
  [0x05, fixed('bool', 1)],
  [0x06, fixed('int', 2)],
  [0x07, fixed('int', 2)],
  [0x08, fixed('int', 3)],
  [0x09, fixed('int', 3)],
  [0x0a, fixed('int', 5)],
  [0x0b, fixed('int', 5)],
  [0x0c, fixed('float', 9)],
  [0x0d, fixed('string', 1)],
  [0x0e, fixed('string', 2)],
  [0x0f, fixed('string', 3)],
  [0x10, fixed('string', 5)],
  [0x11, sized('string', 1, true)],
  [0x12, sized('string', 2, true)],
  [0x13, sized('string', 4, true)],
  [0x14, fixed('array', 2)],
  [0x15, fixed('array', 3)],
  [0x16, fixed('array', 5)],
  [0x17, sized('object', 1, true)],
  [0x18, sized('object', 2, true)],
  [0x19, sized('object', 4, true)],
  [0x1a, fixed('object', 2)],
  [0x1b, fixed('object', 3)],
  [0x1c, fixed('object', 5)],
  [0x1d, sized('object', 1, true)],
  [0x1e, sized('object', 2, true)],
  [0x1f, sized('object', 4, true)],
  [0x20, fixed('int', 9)],
  [0x21, fixed('int', 9)],
  [0x22, fixed('reference', 2)],
  [0x23, fixed('reference', 3)],
  [0x24, fixed('reference', 5)],
  [0x25, fixed('reference', 1)],
  [0x26, fixed('string', 9)],
  [0x27, fixed('object', 1)],
]);

function igbinary(view, at) {
  return IGBINARY.get(view.getUint8(at))?.(view, at);
}

const MSGPACK = new Map([
  [0xc0, fixed('null', 1)],
  [0xc2, fixed('bool', 1)],
  [0xc3, fixed('bool', 1)],
  [0xc4, sized('string', 1, true)],
  [0xc5, sized('string', 2, true)],
  [0xc6, sized('string', 4, true)],
  [0xca, fixed('float', 5)],
  [0xcb, fixed('float', 9)],
  [0xcc, fixed('int', 2)],
  [0xcd, fixed('int', 3)],
  [0xce, fixed('int', 5)],
  [0xcf, fixed('int', 9)],
  [0xd0, fixed('int', 2)],
  [0xd1, fixed('int', 3)],
  [0xd2, fixed('int', 5)],
  [0xd3, fixed('int', 9)],
  [0xd9, sized('string', 1, true)],
  [0xda, sized('string', 2, true)],
  [0xdb, sized('string', 4, true)],
  [0xdc, fixed('array', 3)],
  [0xdd, fixed('array', 5)],
  [0xde, fixed('array', 3)],
  [0xdf, fixed('array', 5)],
]);

function msgpack(view, at) {
  const first = view.getUint8(at);
  if (first < 0x80 || first >= 0xe0) return { type: 'int', length: 1 };
  if (first < 0xa0) return { type: 'array', length: 1 };
  if (first < 0xc0) return { type: 'string', length: 1 + (first & 0x1f) };
  return MSGPACK.get(first)?.(view, at);
}
