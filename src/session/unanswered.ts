/**
 * Writes of one session whose replies were lost. Who finds such bytes stored later finds what this
 * session wrote: merged with it as if it were somebody else's, a list would get its own items twice.
 */
import { BridgeError } from '../errors.ts';

/** A write that may have happened. */
export interface UnansweredWrite {
  /** What was sent. */
  readonly bytes: Buffer;
  /** What the variables said of it then: the base of whatever they say later. */
  readonly said: Buffer | null;
}

/** Each keeps two encodings of the session; who has lost more replies than this has no store. */
const MOST = 8;

export class Unanswered {
  #writes: UnansweredWrite[] = [];

  get any(): boolean {
    return this.#writes.length > 0;
  }

  /**
   * Carries out a write, and remembers it if nobody can say what became of it.
   *
   * @param write what is sent, and what the variables say of it
   */
  async remember<T>(write: UnansweredWrite, operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      if (isUnknown(error)) this.#writes = [...this.#writes.slice(1 - MOST), write];
      throw error;
    }
  }

  /** The write of this session that stored these bytes; `undefined` if it was somebody else. */
  find(stored: Buffer | null): UnansweredWrite | undefined {
    return this.#writes.findLast(({ bytes }) => stored?.equals(bytes) === true);
  }

  /** What is stored is known again, and it was the condition of them all that it is not. */
  forget(): void {
    this.#writes = [];
  }
}

/** Nobody can say what became of a command. */
export function isUnknown(error: unknown): boolean {
  return !(error instanceof BridgeError) || error.code === 'ERR_PSB_STORE_UNKNOWN_OUTCOME';
}
