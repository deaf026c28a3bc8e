/**
 * What this request knows to be stored under its id, and the question whether the variables still
 * say the same.
 */
import { isAsRead, isUntouched } from '../codec/session.ts';
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

  constructor(bytes: Buffer | null, codec: SessionCodec) {
    this.bytes = bytes;
    this.#codec = codec;
  }

  decode(): SessionVariables {
    return this.#codec.decode(this.bytes);
  }

  /** The variables for the application, each decoded when it is first asked for. */
  open(): SessionVariables {
    this.#opened = this.#codec.open(this.bytes);
    return this.#opened;
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
    if (this.bytes === null) return false;
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
