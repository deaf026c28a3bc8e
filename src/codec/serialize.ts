/** Single values: PHP's serialize() and unserialize(), igbinary's and msgpack's. */

import { CodecError } from '../errors.ts';
import { readIgbinary, writeIgbinary } from './igbinary/igbinary.ts';
import { readMsgpack, writeMsgpack } from './msgpack/msgpack.ts';
import {
  asBuffer,
  type DecodeLimits,
  type DecodeOptions,
  decodeLimits,
  type EncodeLimits,
  type EncodeOptions,
  encodeLimits,
} from './options.ts';
import { readValue, writeValue } from './php/document.ts';

export type Format = 'php' | 'igbinary' | 'msgpack';

export interface SerializeOptions extends EncodeOptions {
  /** `'php'` for PHP's serialize() (the default), `'igbinary'` or `'msgpack'`. */
  readonly format?: Format | undefined;
}

export interface UnserializeOptions extends DecodeOptions {
  /** `'php'` for PHP's unserialize() (the default), `'igbinary'` or `'msgpack'`. */
  readonly format?: Format | undefined;
}

interface ValueFormat {
  write(value: unknown, limits: EncodeLimits): Buffer;
  read(bytes: Buffer, limits: DecodeLimits): unknown;
}

const php: ValueFormat = { write: writeValue, read: readValue };
const igbinary: ValueFormat = { write: writeIgbinary, read: readIgbinary };
const msgpack: ValueFormat = {
  write: (value, limits) => writeMsgpack(value, limits),
  read: readMsgpack,
};

/**
 * Encodes one value as PHP would.
 *
 * ```js
 * import { serialize } from 'php-session-bridge/codec';
 * serialize({ userid: 42 }); // a:1:{s:6:"userid";i:42;}
 * ```
 *
 * @param value Anything that PHP can hold; see the table of values in the README.
 * @returns a Buffer with an `ArrayBuffer` of its own, exactly as large as itself
 * @throws CodecError `ERR_PSB_CODEC_VALUE` for what PHP cannot hold (functions, symbols, …),
 * `ERR_PSB_CODEC_REFERENCE` for a cycle that PHP did not make, `ERR_PSB_CLASS_LOST` for a plain
 * object in the place of a PhpObject; each with the path
 * @throws OptionsError for options that are none
 */
export function serialize(value: unknown, options?: SerializeOptions): Buffer {
  const limits = encodeLimits(options);
  return formatOf(options?.format).write(value, limits);
}

/**
 * Decodes one value that PHP encoded. What follows after it is ignored, as PHP does.
 *
 * ```js
 * import { unserialize } from 'php-session-bridge/codec';
 * unserialize(Buffer.from('a:1:{s:6:"userid";i:42;}')); // { userid: 42 }
 * ```
 *
 * @throws CodecError `ERR_PSB_CODEC_SYNTAX`, `ERR_PSB_CODEC_REFERENCE` or `ERR_PSB_CODEC_LIMIT`,
 * with the byte `offset` and the `path`
 * @throws OptionsError for options that are none
 */
export function unserialize<T = unknown>(bytes: Uint8Array, options?: UnserializeOptions): T {
  const limits = decodeLimits(options);
  return formatOf(options?.format).read(asBuffer(bytes, limits), limits) as T;
}

function formatOf(name: Format = 'php'): ValueFormat {
  // A lookup by name would take a tenth of the time of a small value.
  if (name === 'php') return php;
  if (name === 'igbinary') return igbinary;
  if (name === 'msgpack') return msgpack;
  throw new CodecError('ERR_PSB_CODEC_UNSUPPORTED', `the format ${String(name)} is not supported`);
}
