/**
 * Cuts the bytes of a session into coloured pieces. It only marks where a value begins and ends;
 * the variables beside it come from the bridge's own codec.
 */

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as text: UTF-8 if they are, else every other byte as \xNN. */
export function textOf(bytes) {
  try {
    return utf8.decode(bytes).replace(/[\0-\x1f\x7f]/g, (char) => escaped(char.charCodeAt(0)));
  } catch {
    return [...bytes]
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : escaped(byte)))
      .join('');
  }
}

function escaped(byte) {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

/**
 * @param {Uint8Array} bytes
 * @param {string} handler session.serialize_handler
 * @returns {{ name: string | null, pieces: { type: string, text: string, inner?: string }[] }[]} one
 *   slot for each session variable, and slots without a name for what stands around them
 */
export function slotsOf(bytes, handler) {
  const cut = { php_binary: phpBinary, php_serialize: phpSerialize }[handler] ?? php;
  const reader = new Reader(bytes);
  const slots = [];
  try {
    cut(reader, slots);
  } catch {
    // The codec reports what is wrong with it; here the rest is just shown.
    slots.push({ name: null, pieces: reader.pieces });
    reader.pieces = [];
  }
  if (reader.at < bytes.length) {
    slots.push({ name: null, pieces: [{ type: 'mark', text: textOf(bytes.subarray(reader.at)) }] });
  }
  return slots;
}

function php(reader, slots) {
  while (!reader.atEnd()) {
    const name = textOf(reader.until(0x7c));
    reader.piece('name', `${name}`);
    reader.piece('mark', '|');
    reader.value();
    slots.push({ name, pieces: reader.take() });
  }
}

function phpBinary(reader, slots) {
  while (!reader.atEnd()) {
    const length = reader.byte() & 0x7f;
    reader.piece('mark', escaped(length));
    const name = textOf(reader.bytes(length));
    reader.piece('name', name);
    reader.value();
    slots.push({ name, pieces: reader.take() });
  }
}

function phpSerialize(reader, slots) {
  const count = reader.arrayHead();
  slots.push({ name: null, pieces: reader.take() });
  for (let index = 0; index < count; index += 1) {
    const name = reader.value('name');
    reader.value();
    slots.push({ name, pieces: reader.take() });
  }
  reader.closing('array');
  slots.push({ name: null, pieces: reader.take() });
}

class Reader {
  constructor(bytes) {
    this.input = bytes;
    this.at = 0;
    this.pieces = [];
  }

  atEnd() {
    return this.at >= this.input.length;
  }

  piece(type, text, inner) {
    this.pieces.push(inner === undefined ? { type, text } : { type, text, inner });
  }

  take() {
    const taken = this.pieces;
    this.pieces = [];
    return taken;
  }

  byte() {
    if (this.atEnd()) throw new RangeError('end of the session');
    this.at += 1;
    return this.input[this.at - 1];
  }

  bytes(length) {
    if (!(length >= 0) || this.at + length > this.input.length) throw new RangeError('too short');
    this.at += length;
    return this.input.subarray(this.at - length, this.at);
  }

  /** The bytes before the next `end`, which is skipped. */
  until(end) {
    const found = this.input.indexOf(end, this.at);
    if (found < 0) throw new RangeError('no end');
    const bytes = this.input.subarray(this.at, found);
    this.at = found + 1;
    return bytes;
  }

  text(end) {
    return textOf(this.until(end.charCodeAt(0)));
  }

  closing(type) {
    this.bytes(1);
    this.piece(type, '}');
  }

  arrayHead() {
    this.bytes(2);
    const count = this.text(':');
    this.bytes(1);
    this.piece('array', `a:${count}:{`);
    return Number(count);
  }

  /** One value with everything in it; answers a scalar's text, which a name needs. */
  value(as) {
    const letter = String.fromCharCode(this.input[this.at]);
    if (letter === 'N') {
      this.bytes(2);
      this.piece('null', 'N;');
      return '';
    }
    if (letter === 'a') {
      const count = this.arrayHead();
      for (let index = 0; index < count * 2; index += 1) this.value();
      this.closing('array');
      return '';
    }
    this.bytes(2);
    if (letter === 's') {
      const length = this.text(':');
      const quoted = this.bytes(Number(length) + 2);
      const inner = textOf(quoted.subarray(1, -1));
      this.bytes(1);
      this.piece(as ?? 'string', `s:${length}:`, `"${inner}";`);
      return inner;
    }
    if (letter === 'O' || letter === 'C' || letter === 'E') return this.object(letter);
    const type = { i: 'int', d: 'float', b: 'bool', r: 'reference', R: 'reference' }[letter];
    if (!type) throw new RangeError('no value');
    const text = this.text(';');
    this.piece(as ?? type, `${letter}:`, `${text};`);
    return text;
  }

  object(letter) {
    const length = this.text(':');
    const name = textOf(this.bytes(Number(length) + 2));
    if (letter === 'E') {
      this.bytes(1);
      this.piece('object', `E:${length}:${name};`);
      return '';
    }
    this.bytes(1);
    const count = this.text(':');
    this.bytes(1);
    this.piece('object', `${letter}:${length}:${name}:${count}:{`);
    if (letter === 'C') this.piece('object', textOf(this.bytes(Number(count))));
    else for (let index = 0; index < Number(count) * 2; index += 1) this.value();
    this.closing('object');
    return '';
  }
}
