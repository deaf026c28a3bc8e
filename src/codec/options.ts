/** Options that all formats and handlers share, and their defaults. */

import { CodecError, OptionsError } from '../errors.ts';

export interface DecodeOptions {
  /**
   * How deep arrays and objects may be nested; 0 for no limit. Default 4096, as PHP's
   * `unserialize_max_depth`.
   */
  readonly maxDepth?: number | undefined;
  /** How many bytes the data may have. Default 512 MiB, the longest string of Redis. */
  readonly maxBytes?: number | undefined;
  /** How many elements all arrays and objects may have together. Default 10,000,000. */
  readonly maxElements?: number | undefined;
  /**
   * PHP's `serialize_precision`: the text of a float that PHP would write otherwise is kept as it
   * was read. Default −1, as PHP's.
   */
  readonly serializePrecision?: number | undefined;
}

export interface EncodeOptions {
  /**
   * PHP's `serialize_precision`: −1 for the shortest text that reads back as the same float, else
   * the number of significant digits. Default −1, as PHP's.
   */
  readonly serializePrecision?: number | undefined;
  /** How deep arrays and objects may be nested; 0 for no limit. Default 4096. */
  readonly maxDepth?: number | undefined;
  /** How many bytes the result may have. Default 512 MiB. */
  readonly maxBytes?: number | undefined;
}

export interface DecodeLimits {
  readonly maxDepth: number;
  readonly maxBytes: number;
  readonly maxElements: number;
  readonly precision: number;
}

export interface EncodeLimits {
  readonly precision: number;
  readonly maxDepth: number;
  readonly maxBytes: number;
}

const MAX_DEPTH = 4096;
const MAX_BYTES = 512 * 1024 * 1024;
const MAX_ELEMENTS = 10_000_000;

const DECODE_DEFAULTS: DecodeLimits = {
  maxDepth: MAX_DEPTH,
  maxBytes: MAX_BYTES,
  maxElements: MAX_ELEMENTS,
  precision: -1,
};
const ENCODE_DEFAULTS: EncodeLimits = {
  precision: -1,
  maxDepth: MAX_DEPTH,
  maxBytes: MAX_BYTES,
};

/**
 * The options themselves, if they are any.
 * @throws OptionsError for what is no object: the name of a handler or format by itself, say
 */
export function optionsObject<T extends object>(options: T): T {
  if (typeof options === 'object' && options !== null) return options;
  throw new OptionsError("the options must be an object, such as { handler: 'php' }");
}

export function decodeLimits(options: DecodeOptions | undefined): DecodeLimits {
  if (options === undefined) return DECODE_DEFAULTS;
  optionsObject(options);
  const { maxDepth, maxBytes, maxElements, serializePrecision } = options;
  if (
    maxDepth === undefined &&
    maxBytes === undefined &&
    maxElements === undefined &&
    serializePrecision === undefined
  ) {
    return DECODE_DEFAULTS;
  }
  return {
    maxDepth: limit('maxDepth', maxDepth, MAX_DEPTH),
    maxBytes: limit('maxBytes', maxBytes, MAX_BYTES),
    maxElements: limit('maxElements', maxElements, MAX_ELEMENTS),
    precision: precisionOf(serializePrecision),
  };
}

export function encodeLimits(options: EncodeOptions | undefined): EncodeLimits {
  if (options === undefined) return ENCODE_DEFAULTS;
  optionsObject(options);
  const { maxDepth, maxBytes, serializePrecision } = options;
  if (maxDepth === undefined && maxBytes === undefined && serializePrecision === undefined) {
    return ENCODE_DEFAULTS;
  }
  return {
    precision: precisionOf(serializePrecision),
    maxDepth: limit('maxDepth', maxDepth, MAX_DEPTH),
    maxBytes: limit('maxBytes', maxBytes, MAX_BYTES),
  };
}

function limit(name: string, value: number | undefined, standard: number): number {
  if (value === undefined) return standard;
  if (typeof value === 'number' && value >= 0) return value;
  throw new OptionsError(`${name} must be a number that is not negative`);
}

function precisionOf(value: number | undefined): number {
  if (value === undefined) return -1;
  if (Number.isInteger(value) && value >= -1 && value <= 100) return value;
  throw new OptionsError('serializePrecision must be -1 or a number of digits up to 100');
}

/** The bytes as a Buffer on the same memory, checked against `maxBytes`. */
export function asBuffer(bytes: Uint8Array, { maxBytes }: { readonly maxBytes: number }): Buffer {
  if (!(bytes instanceof Uint8Array)) {
    throw new CodecError('ERR_PSB_CODEC_VALUE', 'a Buffer or Uint8Array is needed to decode');
  }
  if (bytes.length > maxBytes) {
    throw new CodecError(
      'ERR_PSB_CODEC_LIMIT',
      `the data has ${bytes.length} bytes, more than maxBytes (${maxBytes})`,
    );
  }
  if (Buffer.isBuffer(bytes)) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
