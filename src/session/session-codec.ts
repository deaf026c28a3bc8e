/**
 * Session variables to bytes and back, under the one serialize handler of this manager.
 */
import { hasMovedBytes } from '../codec/output.ts';
import { saysTheSame } from '../codec/same-values.ts';
import {
  decodeSession,
  encodeSession,
  openSession,
  type SessionHandlerName,
} from '../codec/session.ts';
import { CodecError } from '../errors.ts';
import type { SessionVariables } from './session-variables.ts';

export class SessionCodec {
  readonly #handler: SessionHandlerName;
  readonly #serializePrecision: number;
  /** What was encoded last, for as long as nobody can have changed it since. */
  #encoded: { readonly bytes: Buffer; readonly variables: SessionVariables } | null = null;

  constructor(handler: SessionHandlerName, serializePrecision: number) {
    this.#handler = handler;
    this.#serializePrecision = serializePrecision;
  }

  /** A fresh decode that nobody else holds; an absent session has no variables. */
  decode(bytes: Buffer | null): SessionVariables {
    // PHP: zero bytes are an existing, empty session under every handler.
    if (bytes === null || bytes.length === 0) return {};
    return decodeSession(bytes, { handler: this.#handler });
  }

  /** The same for the application: arrays that it never asks for are never made. */
  open(bytes: Buffer | null): SessionVariables {
    if (bytes === null || bytes.length === 0) return {};
    // With another precision PHP writes the same float otherwise.
    if (this.#serializePrecision !== -1) return this.decode(bytes);
    return openSession(bytes, { handler: this.#handler });
  }

  encode(variables: SessionVariables): Buffer {
    const bytes = encodeSession(variables, {
      handler: this.#handler,
      serializePrecision: this.#serializePrecision,
    });
    if (hasMovedBytes(bytes)) {
      this.#encoded = { bytes, variables };
      queueMicrotask(() => {
        this.#encoded = null;
      });
    }
    return bytes;
  }

  /**
   * What PHP cannot read it deletes, so bytes with back-references, objects or of a binary format
   * are read once more before they are sent. The plain rest cannot go wrong that way. Where the
   * encoder moved bytes to and fro, what was read is also compared with the variables: to be called
   * in the same synchronous run as `encode()`, for afterwards anybody may have changed them.
   *
   * @throws CodecError as `decodeSession()`, and `ERR_PSB_CODEC_INTERNAL`
   */
  verify(bytes: Buffer): void {
    const encoded = this.#encoded;
    if (encoded?.bytes === bytes) {
      const read = this.decode(bytes);
      if (saysTheSame(encoded.variables, read, this.#serializePrecision !== -1)) return;
      throw new CodecError(
        'ERR_PSB_CODEC_INTERNAL',
        'the encoded session says something else than its variables, which is a fault of this library; nothing was written',
      );
    }
    const binary = this.#handler === 'igbinary' || this.#handler === 'msgpack';
    if (binary || RISKY.some((mark) => bytes.includes(mark))) this.open(bytes);
  }
}

/** May also occur in strings, which only costs a superfluous check. */
const RISKY = ['r:', 'R:', 'O:', 'C:', 'E:'];
