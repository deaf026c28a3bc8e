/**
 * What this request knows to be stored under its id, and the question whether the variables still
 * say the same.
 */
import { arraysMade, containersIn, isAsRead, isDeferred, isUntouched } from '../codec/session.ts';
import { CodecError } from '../errors.ts';
import type { SessionCodec } from './session-codec.ts';
import type { SessionVariables } from './session-variables.ts';

export class Stored {
  /** `null`: there is no session in the store. */
  readonly bytes: Buffer | null;
  readonly #codec: SessionCodec;
  /** Encodings of the unchanged variables that differ from the stored bytes. */
  readonly #equivalents: Buffer[] = [];
  #canonical: Buffer | undefined;
  #opened: SessionVariables | undefined;
  #made: readonly object[] | undefined;
  #unreadable: CodecError | undefined;

  constructor(bytes: Buffer | null, codec: SessionCodec) {
    this.bytes = bytes;
    this.#codec = codec;
  }

  /** Did the decoder refuse these bytes? Known after the first try. */
  get isUnreadable(): boolean {
    return this.#unreadable !== undefined;
  }

  decode(): SessionVariables {
    return this.#codec.decode(this.bytes);
  }

  /**
   * The variables for the application, each decoded when it is first asked for.
   *
   * @throws CodecError if the bytes are no session of the configured serialize handler
   */
  open(): SessionVariables {
    if (this.#unreadable !== undefined) throw this.#unreadable;
    try {
      this.#opened = this.#codec.open(this.bytes);
    } catch (error) {
      if (error instanceof CodecError) this.#unreadable = error;
      throw error;
    }
    // Now: later the application may have put things of its own into them.
    if (!isDeferred(this.#opened)) this.#made = containersIn(this.#opened, false);
    return this.#opened;
  }

  /** The containers that `open()` has made for the application, and nobody else holds. */
  made(): readonly object[] {
    return this.#made ?? (this.#opened === undefined ? [] : arraysMade(this.#opened));
  }

  /** Are these the variables that `open()` gave out, and nobody changed them since? */
  isUntouched(variables: SessionVariables): boolean {
    return variables === this.#opened && isUntouched(variables);
  }

  /**
   * Do these bytes say what is stored? PHP accepts forms that it would write otherwise (a float
   * with more digits, a variable twice): a reader must not write because of them, so the second
   * look is at what an untouched decode would encode to.
   *
   * @param variables whose encoding it is
   */
  says(bytes: Buffer, variables: SessionVariables): boolean {
    if (this.bytes === null || this.isUnreadable) return false;
    if (bytes.equals(this.bytes)) return true;
    if (this.#equivalents.some((known) => known.equals(bytes))) return true;
    if (this.#canonical === undefined && isAsRead(variables)) return false;
    this.#canonical ??= this.#codec.encode(this.decode());
    return this.#canonical.equals(bytes);
  }

  /** These bytes, too, say what is stored: the application's objects after a merge, say. */
  alsoSaidBy(bytes: Buffer): this {
    this.#equivalents.push(bytes);
    return this;
  }
}
