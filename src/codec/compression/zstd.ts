/**
 * Zstandard: `node:zlib` where it has it (Node 22.15, 23.8 and later), else the optional peer
 * `@bokuweb/zstd-wasm`. Both are the reference implementation.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as zlib from 'node:zlib';
import { CodecError } from '../../errors.ts';
import { ownBytes } from './own-bytes.ts';

interface Zstd {
  compress(bytes: Uint8Array, level: number): Uint8Array;
  /** Throws on anything but one complete frame; `length` is what its header claims. */
  decompress(bytes: Uint8Array, length: number): Uint8Array;
}

const MAGIC = 0xfd2fb528;
const DEFAULT_LEVEL = 3;
const MAX_LEVEL = 22;
const PEER = '@bokuweb/zstd-wasm';

let implementation: Zstd | undefined;

/**
 * One frame with its content size, without which phpredis does not take it for a frame.
 *
 * @param level As in phpredis: below 1 the library's default, above 22 is 22.
 * @throws CodecError `ERR_PSB_COMPRESSION` where neither Node nor the peer offers zstd
 */
export function compressZstd(input: Uint8Array, level: number): Buffer {
  implementation ??= findZstd();
  const effective = level < 1 ? DEFAULT_LEVEL : Math.min(level, MAX_LEVEL);
  const output = ownBytes(implementation.compress(input, effective));
  if (zstdLength(output) !== input.length) {
    throw new CodecError(
      'ERR_PSB_COMPRESSION',
      'The zstd library wrote a frame without its content size, which PHP could not read',
    );
  }
  return output;
}

/** Unpacks one frame, or `undefined` if it is broken. */
export function decompressZstd(input: Uint8Array, length: number): Buffer | undefined {
  implementation ??= findZstd();
  let output: Uint8Array;
  try {
    output = implementation.decompress(input, length);
  } catch {
    return undefined;
  }
  return output.length === length ? ownBytes(output) : undefined;
}

/** The content size in a frame's header, or -1 if this is no frame or it does not say. */
export function zstdLength(input: Buffer): number {
  if (input.length < 6 || input.readUInt32LE(0) !== MAGIC) return -1;
  const descriptor = input[4]!;
  const single = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  const width = sizeFlag === 0 ? (single ? 1 : 0) : 1 << sizeFlag;
  if (width === 0 || at + width > input.length) return -1;
  if (width === 8) return Number(input.readBigUInt64LE(at));
  // A two-byte size starts at 256: smaller ones have the one-byte form.
  return input.readUIntLE(at, width) + (width === 2 ? 256 : 0);
}

function findZstd(): Zstd {
  return zlibZstd() ?? peerZstd();
}

interface ZlibWithZstd {
  readonly zstdCompressSync?: (bytes: Uint8Array, options: object) => Buffer;
  readonly zstdDecompressSync?: (bytes: Uint8Array, options: object) => Buffer;
  readonly constants: { readonly ZSTD_c_compressionLevel?: number };
}

function zlibZstd(): Zstd | undefined {
  const { zstdCompressSync, zstdDecompressSync, constants } = zlib as unknown as ZlibWithZstd;
  const levelParameter = constants.ZSTD_c_compressionLevel;
  if (!zstdCompressSync || !zstdDecompressSync || levelParameter === undefined) return undefined;
  return {
    compress: (bytes, level) =>
      zstdCompressSync(bytes, {
        params: { [levelParameter]: level },
        // Node streams into the frame; only a pledged size gets into its header.
        pledgedSrcSize: bytes.length,
      }),
    decompress: (bytes, length) => zstdDecompressSync(bytes, { maxOutputLength: length + 1 }),
  };
}

/** The part of WebAssembly that is used: its types belong to the browser's library. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
}

interface EmscriptenModule {
  instantiateWasm?: (imports: object, receive: (instance: object) => unknown) => object;
  init(wasm: Uint8Array): void;
}

interface PeerExports {
  compress(bytes: Uint8Array, level: number): Uint8Array;
  decompress(bytes: Uint8Array): Uint8Array;
}

function peerZstd(): Zstd {
  const require = createRequire(import.meta.url);
  let entry: string;
  try {
    entry = require.resolve(PEER);
  } catch (cause) {
    throw new CodecError(
      'ERR_PSB_COMPRESSION',
      `zstd needs Node 22.15 or later, or on older ones the package ${PEER} beside this one`,
      { cause },
    );
  }
  try {
    // The package's own init() is asynchronous. Emscripten's instantiateWasm hook lets the same
    // module start at once, so that (de)compression stays a plain function on every Node.
    const api = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
    const folder = dirname(entry);
    const { Module } = require(join(folder, 'module.js')) as { Module: EmscriptenModule };
    Module.instantiateWasm = (imports, receive) => {
      const wasm = new api.Module(readFileSync(join(folder, 'zstd.wasm')));
      const instance = new api.Instance(wasm, imports);
      receive(instance);
      return instance.exports;
    };
    Module.init(new Uint8Array(0));
    const { compress, decompress } = require(entry) as PeerExports;
    return {
      compress,
      decompress: (bytes) => decompress(bytes),
    };
  } catch (cause) {
    throw new CodecError('ERR_PSB_COMPRESSION', `The package ${PEER} could not be started`, {
      cause,
    });
  }
}
