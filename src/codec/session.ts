/** Whole sessions: `session_encode()` and `session_decode()` for every serialize handler. */

import { CodecError, OptionsError } from '../errors.ts';
import { deferredOf } from './handlers/deferred.ts';
import { igbinaryHandler } from './handlers/igbinary.ts';
import { withLikelyHandler } from './handlers/likely-handler.ts';
import { msgpackHandler } from './handlers/msgpack.ts';
import { phpHandler } from './handlers/php.ts';
import { phpBinaryHandler } from './handlers/php-binary.ts';
import { phpSerializeHandler } from './handlers/php-serialize.ts';
import type { SerializeHandler } from './handlers/session-handler.ts';
import {
  asBuffer,
  type DecodeOptions,
  decodeLimits,
  type EncodeOptions,
  encodeLimits,
  optionsObject,
} from './options.ts';

const { toString: tagOf } = Object.prototype;

/** The values of `session.serialize_handler`. */
export type SessionHandlerName = 'php' | 'php_binary' | 'php_serialize' | 'igbinary' | 'msgpack';

export interface EncodeSessionOptions extends EncodeOptions {
  /** `session.serialize_handler` of the PHP side. */
  readonly handler: SessionHandlerName;
}

export interface DecodeSessionOptions extends DecodeOptions {
  /** `session.serialize_handler` of the PHP side. */
  readonly handler: SessionHandlerName;
  /** The variables that are wanted: the others are passed over. Not meant to be encoded again. */
  readonly only?: readonly string[] | undefined;
}

const HANDLERS: { readonly [name in SessionHandlerName]?: SerializeHandler } = {
  php: phpHandler,
  php_binary: phpBinaryHandler,
  php_serialize: phpSerializeHandler,
  igbinary: igbinaryHandler,
  msgpack: msgpackHandler,
};

/**
 * Encodes all session variables as PHP's session module would.
 *
 * ```js
 * import { encodeSession } from 'php-session-bridge/codec';
 * encodeSession({ userid: 42 }, { handler: 'php' }); // userid|i:42;
 * ```
 *
 * @param variables The session variables; those that are `undefined` are left out.
 * @returns a Buffer with an `ArrayBuffer` of its own, exactly as large as itself
 * @throws CodecError as `serialize()` does, and `ERR_PSB_CODEC_VALUE` for a name that the handler
 * cannot write (PHP would drop the variable, or save nothing at all)
 */
export function encodeSession(variables: object, options: EncodeSessionOptions): Buffer {
  // A Map, a Date or a Promise has no own properties: it would become an empty session.
  if (!Array.isArray(variables) && tagOf.call(variables) !== '[object Object]') {
    throw new CodecError('ERR_PSB_CODEC_VALUE', 'session variables must be an object');
  }
  return handlerOf(optionsObject(options).handler).encode(
    variables as Record<string, unknown>,
    encodeLimits(options),
  );
}

/**
 * Decodes a session that PHP wrote. The result is always an object, also for an empty session.
 *
 * ```js
 * import { decodeSession } from 'php-session-bridge/codec';
 * decodeSession(Buffer.from('userid|i:42;'), { handler: 'php' }); // { userid: 42 }
 * ```
 *
 * @throws CodecError `ERR_PSB_CODEC_SYNTAX`, `ERR_PSB_CODEC_REFERENCE`, `ERR_PSB_CODEC_LIMIT` or
 * `ERR_PSB_CODEC_VALUE` (a root that is no array), with the byte `offset` and the `path`. As in
 * PHP a session is read whole or not at all. Bytes that look like another handler's are said to.
 */
export function decodeSession<T extends object = Record<string, unknown>>(
  bytes: Uint8Array,
  options: DecodeSessionOptions,
): T {
  const handler = handlerOf(optionsObject(options).handler);
  const limits = decodeLimits(options);
  const buffer = asBuffer(bytes, limits);
  if (buffer.length === 0) return {} as T;
  const only = namesOf(options.only);
  try {
    return handler.decode(buffer, limits, only) as T;
  } catch (error) {
    throw withLikelyHandler(error, buffer, options.handler);
  }
}

function namesOf(only: readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (only === undefined) return undefined;
  if (Array.isArray(only) && only.every((name) => typeof name === 'string')) return new Set(only);
  throw new OptionsError('only must be a list of names of session variables');
}

/**
 * Decodes as `decodeSession()` does, but makes an array only when it is first asked for: a request
 * that reads one variable pays for that one, and `encodeSession()` passes on what nobody touched.
 * The bytes are checked as a whole, and must not be changed afterwards.
 */
export function openSession(
  bytes: Buffer,
  options: Pick<DecodeSessionOptions, 'handler'>,
): Record<string, unknown> {
  const limits = decodeLimits(undefined);
  const buffer = asBuffer(bytes, limits);
  return handlerOf(options.handler).defer?.(buffer, limits) ?? decodeSession(buffer, options);
}

/** Is it certain, without encoding them, that nobody changed these variables? */
export function isUntouched(variables: object): boolean {
  return deferredOf(variables)?.isUntouched === true;
}

/** Would these variables, as long as nobody changes them, be written as the bytes they came from? */
export function isAsRead(variables: object): boolean {
  return deferredOf(variables)?.isAsRead === true;
}

/** Did `openSession()` leave arrays of these variables for later? */
export function isDeferred(variables: object): boolean {
  return deferredOf(variables) !== undefined;
}

/** The arrays that `openSession()` had left for later and that were asked for since, whole. */
export function arraysMade(variables: object): object[] {
  return deferredOf(variables)?.made ?? [];
}

export { containersIn } from './containers-in.ts';

/** Makes all arrays that `openSession()` left for later. */
export { decodeDeferred } from './handlers/deferred.ts';

function handlerOf(name: SessionHandlerName): SerializeHandler {
  const handler = Object.hasOwn(HANDLERS, name) ? HANDLERS[name] : undefined;
  if (handler !== undefined) return handler;
  throw new CodecError(
    'ERR_PSB_CODEC_UNSUPPORTED',
    `the serialize handler ${String(name)} is not supported`,
  );
}
