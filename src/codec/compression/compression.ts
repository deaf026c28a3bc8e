import { types } from 'node:util';
import { CodecError } from '../../errors.ts';
import { compressLz4, decompressLz4, isLz4Block, LZ4_MAX_INPUT, lz4Length } from './lz4.ts';
import { compressLzf, decompressLzf, lzfLength } from './lzf.ts';
import { compressZstd, decompressZstd, zstdLength } from './zstd.ts';

/** The values of phpredis's `redis.session.compression`. */
export type CompressionName = 'none' | 'lzf' | 'lz4' | 'zstd';

export interface CompressOptions {
  /**
   * `redis.session.compression_level`, default 3. zstd: below 1 is zstd's own default, above 22
   * is 22. lz4: 1–12 search longer for matches, anything else is the fast mode. lzf has no levels.
   */
  readonly level?: number | undefined;
}

export interface DecompressOptions {
  /** The most bytes that a value may unpack to. Default 64 MiB. */
  readonly maxBytes?: number | undefined;
}

const CODECS: readonly CompressionName[] = ['none', 'lzf', 'lz4', 'zstd'];
const DEFAULT_LEVEL = 3;
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/**
 * The codec that phpredis takes a setting for: by its beginning and in any case (`LZ4HC` is lz4,
 * an empty setting is none); `undefined` where phpredis would warn and store uncompressed.
 */
export function compressionCodec(name: string): CompressionName | undefined {
  if (name === '') return 'none';
  const lower = name.toLowerCase();
  return CODECS.find((codec) => lower.startsWith(codec));
}

/**
 * Compresses a session as phpredis 6.1 and later stores it. Like phpredis it always stores the
 * compressed form, even where that is larger.
 *
 * @throws CodecError `ERR_PSB_COMPRESSION` for an unknown codec, or for zstd where neither Node
 *   nor the optional peer offers it
 */
export function compress(
  bytes: Uint8Array,
  codec: CompressionName,
  options: CompressOptions = {},
): Buffer {
  const level = options.level ?? DEFAULT_LEVEL;
  const plain = toBuffer(bytes);
  switch (known(codec)) {
    case 'none':
      return plain;
    case 'lzf':
      return compressLzf(plain);
    case 'lz4':
      // Beyond LZ4's own limit phpredis fails to compress, and stores the plain bytes.
      return plain.length > LZ4_MAX_INPUT ? plain : compressLz4(plain, level);
    case 'zstd':
      return compressZstd(plain, level);
  }
}

/**
 * Unpacks a stored session. As in phpredis, bytes that are not of the codec's form are taken as
 * they are: a session from before compression was turned on stays readable.
 *
 * @throws CodecError `ERR_PSB_CODEC_LIMIT` if a value would unpack to more than `maxBytes`,
 *   `ERR_PSB_COMPRESSION` as for {@link compress}
 */
export function decompress(
  bytes: Uint8Array,
  codec: CompressionName,
  options: DecompressOptions = {},
): Buffer {
  const plain = toBuffer(bytes);
  const kind = known(codec);
  if (kind === 'none') return plain;
  return unpack(plain, kind, options.maxBytes ?? DEFAULT_MAX_BYTES) ?? plain;
}

/** The unpacked bytes, or `undefined` where phpredis falls back to the stored ones. */
export function unpack(
  stored: Buffer,
  codec: Exclude<CompressionName, 'none'>,
  maxBytes: number = DEFAULT_MAX_BYTES,
): Buffer | undefined {
  if (stored.length === 0) return undefined;
  switch (codec) {
    case 'lzf': {
      const length = lzfLength(stored);
      if (length <= 0) return undefined;
      refuseBomb(length, maxBytes);
      return decompressLzf(stored, length);
    }
    case 'lz4': {
      const length = lz4Length(stored);
      // The header alone proves little: one plain value in 256 has a matching CRC.
      if (length <= 0 || !isLz4Block(stored, length)) return undefined;
      refuseBomb(length, maxBytes);
      return decompressLz4(stored, length);
    }
    case 'zstd': {
      const length = zstdLength(stored);
      // phpredis: a claim beyond INT_MAX is no frame for it.
      if (length < 0 || length > 0x7fffffff) return undefined;
      refuseBomb(length, maxBytes);
      return decompressZstd(stored, length);
    }
  }
}

function refuseBomb(length: number, maxBytes: number): void {
  if (length <= maxBytes) return;
  throw new CodecError(
    'ERR_PSB_CODEC_LIMIT',
    `The compressed session would unpack to ${length} bytes, more than the limit of ${maxBytes}`,
  );
}

function known(codec: string): CompressionName {
  const found = typeof codec === 'string' ? compressionCodec(codec) : undefined;
  if (found !== undefined) return found;
  throw new CodecError(
    'ERR_PSB_COMPRESSION',
    `Unknown compression ${typeof codec === 'string' ? JSON.stringify(codec) : typeof codec}: phpredis has none, lzf, lz4 and zstd`,
  );
}

function toBuffer(bytes: Uint8Array): Buffer {
  // A string would be compressed, too: as so many NULs as it has characters.
  if (!types.isUint8Array(bytes)) {
    throw new CodecError('ERR_PSB_CODEC_VALUE', 'a Buffer or Uint8Array is needed, not text');
  }
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
