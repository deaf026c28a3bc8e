/**
 * The codec: bytes that PHP wrote to JavaScript values and back. Pure: no I/O.
 *
 * @module php-session-bridge/codec
 */

export { type BridgeErrorCode, CodecError } from '../errors.ts';
export {
  type CompressionName,
  type CompressOptions,
  compress,
  type DecompressOptions,
  decompress,
} from './compression/compression.ts';
export { type DetectedSerialization, detectSerialization } from './detect.ts';
export type { DecodeOptions, EncodeOptions } from './options.ts';
export {
  type Format,
  type SerializeOptions,
  serialize,
  type UnserializeOptions,
  unserialize,
} from './serialize.ts';
export {
  type DecodeSessionOptions,
  decodeSession,
  type EncodeSessionOptions,
  encodeSession,
  type SessionHandlerName,
} from './session.ts';
export {
  PhpEnum,
  PhpFloat,
  PhpObject,
  type PhpObjectOptions,
  PhpSerializedObject,
  type Visibility,
} from './values.ts';
