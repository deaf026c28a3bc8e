/**
 * What a stored blob most likely is. For tools that look at a Redis they know nothing about: the
 * session path never guesses, since a wrong guess would be written back.
 */
import { type CompressionName, unpack } from './compression/compression.ts';
import { likelyHandler } from './handlers/likely-handler.ts';
import { MsgpackReader } from './msgpack/reader.ts';
import { decodeLimits } from './options.ts';
import { decodeSession, type SessionHandlerName } from './session.ts';

export interface DetectedSerialization {
  /** `session.serialize_handler`; `undefined` if no handler reads the bytes. */
  readonly handler: SessionHandlerName | undefined;
  /** `redis.session.compression`. */
  readonly compression: CompressionName;
  /** Why, in a sentence. */
  readonly reason: string;
  /**
   * `'certain'`: marked by its first bytes and readable to the last one; `'likely'`: readable to
   * the last byte by one handler; `'possible'`: something else reads it as well, or nothing does.
   */
  readonly certainty: 'certain' | 'likely' | 'possible';
}

const HANDLERS: readonly SessionHandlerName[] = [
  'php_serialize',
  'php',
  'igbinary',
  'msgpack',
  'php_binary',
];

const LIMITS = { ...decodeLimits(undefined), isSession: true };

/** More than a tool should unpack to find out what something is. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Tells how a session was serialized and compressed.
 *
 * ```js
 * import { detectSerialization } from 'php-session-bridge/codec';
 * detectSerialization(Buffer.from('userid|i:42;')).handler; // 'php'
 * ```
 */
export function detectSerialization(bytes: Uint8Array): DetectedSerialization {
  const stored = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (stored.length === 0) {
    return {
      handler: undefined,
      compression: 'none',
      reason: 'there are no bytes: an empty session under php or php_binary',
      certainty: 'possible',
    };
  }
  // What says itself what it is, is that; zstd and lz4 do so as well. LZF has no mark: that short
  // bytes unpack as LZF may be an accident.
  const plain = detectHandler(stored);
  if (plain?.certainty === 'certain') return { ...plain, compression: 'none' };
  for (const compression of ['zstd', 'lz4', 'lzf'] as const) {
    if (compression === 'lzf' && plain !== undefined) return { ...plain, compression: 'none' };
    const unpacked = unpacks(stored, compression);
    if (unpacked === undefined) continue;
    const inner = unpacked.length === 0 ? undefined : detectHandler(unpacked);
    if (inner !== undefined) {
      const reason = `${compression} holds it: ${inner.reason}`;
      return { ...inner, compression, reason };
    }
    if (compression !== 'lzf' && plain === undefined) {
      return {
        handler: undefined,
        compression,
        reason: `${compression} unpacks it, but no handler reads what is inside`,
        certainty: 'possible',
      };
    }
  }
  const likely = likelyHandler(stored);
  const beginning = likely === undefined ? '' : `; they begin like those of ${likely}`;
  return {
    handler: undefined,
    compression: 'none',
    reason: `no serialize handler reads these bytes, compressed or not${beginning}`,
    certainty: 'possible',
  };
}

function detectHandler(bytes: Buffer): Omit<DetectedSerialization, 'compression'> | undefined {
  const readers = HANDLERS.filter((handler) => reads(bytes, handler));
  const [handler] = readers;
  if (handler === undefined) return undefined;
  const mark = markOf(bytes, handler);
  if (mark !== undefined) {
    return { handler, reason: `${mark}, and ${handler} reads it to the end`, certainty: 'certain' };
  }
  return readers.length === 1
    ? { handler, reason: `only ${handler} reads it to the end`, certainty: 'likely' }
    : { handler, reason: `${readers.join(', ')} read it`, certainty: 'possible' };
}

function reads(bytes: Buffer, handler: SessionHandlerName): boolean {
  // Handlers that ignore what follows would read almost anything.
  if (handler === 'php_serialize' && (bytes[0] !== 97 || bytes.at(-1) !== 125)) return false;
  try {
    const variables = decodeSession(bytes, { handler });
    if (handler !== 'msgpack') return true;
    // PHP ignores what follows.
    const { end } = MsgpackReader.read(bytes, LIMITS);
    return end === bytes.length && (end === 1 || Object.keys(variables).length > 0);
  } catch {
    return false;
  }
}

function markOf(bytes: Buffer, handler: SessionHandlerName): string | undefined {
  switch (handler) {
    case 'igbinary':
      return 'it begins with the header of igbinary';
    case 'php_serialize':
      return 'it begins as an array of serialize()';
    case 'msgpack':
      return bytes.indexOf('\xc0\x01', 0, 'latin1') >= 1 && bytes.indexOf(0xc0) <= 5
        ? 'it begins with the mark that PHP puts on a msgpack session'
        : undefined;
    case 'php':
      return /^[A-Za-z_]\w*\|[NbidsaOCER][:;]/.test(bytes.toString('latin1', 0, 300))
        ? 'it begins with a name, a bar and a serialized value'
        : undefined;
    default:
      return undefined;
  }
}

function unpacks(stored: Buffer, compression: 'zstd' | 'lz4' | 'lzf'): Buffer | undefined {
  try {
    return unpack(stored, compression, MAX_BYTES);
  } catch {
    return undefined;
  }
}
