/**
 * Which serialize handler wrote bytes that another one cannot read, by how they begin. That is
 * enough for a hint and cheap for bytes of any size; nothing is decoded by it.
 */
import { CodecError } from '../../errors.ts';

export type LikelyHandler = 'php' | 'php_binary' | 'php_serialize' | 'igbinary' | 'msgpack';

/** A value of serialize(). */
const VALUE = '(?:N;|[bidsaOCErR]:)';
const PHP = new RegExp(`^[^\\0-\\x1f|]{1,300}\\|${VALUE}`);
const PHP_BINARY = new RegExp(`^${VALUE}`);
const LONGEST_BEGINNING = 320;

/** `undefined` if they look like no session of any handler. */
export function likelyHandler(bytes: Buffer): LikelyHandler | undefined {
  const [first = 0] = bytes;
  const text = bytes.toString('latin1', 0, LONGEST_BEGINNING);
  if (/^\0\0\0[\x01\x02]/.test(text)) return 'igbinary';
  // A short map or array of msgpack; no letter of UTF-8 begins so.
  if (first >= 0x80 && first <= 0x9f) return 'msgpack';
  if (/^a:\d+:\{/.test(text)) return 'php_serialize';
  if (PHP.test(text)) return 'php';
  if (first >= 0xdc && first <= 0xdf) return 'msgpack';
  return first > 0 && PHP_BINARY.test(text.slice(first + 1)) ? 'php_binary' : undefined;
}

/**
 * The error of a handler, with the name of the one whose bytes they seem to be. Its path is left
 * out: what the wrong handler takes for a name may be values.
 */
export function withLikelyHandler(error: unknown, bytes: Buffer, handler: string): unknown {
  if (!(error instanceof CodecError)) return error;
  const likely = likelyHandler(bytes);
  if (likely === undefined || likely === handler) return error;
  const { code, message, offset, cause } = error;
  const hint = `these bytes look like ${likely}, not ${handler}: both sides need one session.serialize_handler`;
  return new CodecError(code, `${message}; ${hint}`, { offset, cause });
}
