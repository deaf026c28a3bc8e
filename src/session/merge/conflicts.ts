/** Where both sides changed the same thing: what is reported, and who decides. */
import { joinPath } from '../../codec/path.ts';
import { OptionsError } from '../../errors.ts';

/** Where both sides changed the same thing, and whose word stands. */
export interface Conflict {
  /**
   * Path of the session variable: names joined by `.`, integer keys in brackets
   * (`cart.items[3].price`). An item of a list has the index that it had when the session was read.
   */
  readonly path: string;
  /**
   * `ours`, `theirs` or `resolved` (a third value) as `onConflict` chose, `ours` without one;
   * `deleted`: one side deleted what the other changed or moved, and a deletion wins.
   */
  readonly resolution: 'ours' | 'theirs' | 'resolved' | 'deleted';
}

/**
 * The three versions of what is in conflict; `undefined` where it is absent. Where both sides
 * rewrote a part of a list, these are the three parts, as lists, and the path is the list's own.
 */
export interface ConflictValues {
  readonly base: unknown;
  readonly ours: unknown;
  readonly theirs: unknown;
}

/**
 * Decides a conflict: returns the value to store, `undefined` for ours. Must be synchronous and
 * may be asked again when another write comes in between.
 */
export type OnConflict = (path: string, values: ConflictValues) => unknown;

/** What was decided; `chosen` is a third value. */
export interface Decision {
  readonly resolution: 'ours' | 'theirs' | 'resolved';
  readonly chosen: unknown;
}

/** The conflicts of one merge. */
export class Conflicts {
  readonly found: Conflict[] = [];
  readonly #onConflict: OnConflict | undefined;

  constructor(onConflict: OnConflict | undefined) {
    this.#onConflict = onConflict;
  }

  report(path: Path, resolution: Conflict['resolution']): void {
    this.found.push({ path: path.text, resolution });
  }

  /** @throws OptionsError `ERR_PSB_OPTIONS` for an asynchronous `onConflict` */
  decide(path: Path, values: ConflictValues): Decision {
    const decision = this.#ask(path, values);
    this.report(path, decision.resolution);
    return decision;
  }

  #ask(path: Path, values: ConflictValues): Decision {
    const chosen = this.#onConflict?.(path.text, values);
    if (chosen === undefined || chosen === values.ours) return { resolution: 'ours', chosen };
    if (chosen === values.theirs) return { resolution: 'theirs', chosen };
    if (isThenable(chosen)) {
      // Nobody waits for it: its failure must not end the process.
      Promise.resolve(chosen).catch(() => {});
      throw new OptionsError('onConflict must be synchronous: it returned a promise');
    }
    return { resolution: 'resolved', chosen };
  }
}

function isThenable(value: unknown): boolean {
  const isObject = typeof value === 'object' && value !== null;
  return isObject && typeof (value as { then?: unknown }).then === 'function';
}

/** Of a longer path only both ends are named, so that a deep one costs no more than this. */
const MOST_KEYS = 32;
const KEPT_KEYS = 12;

/** Where something stands, as a chain of keys. */
export class Path {
  readonly #above: Path | null;
  readonly #key: string;
  readonly #length: number;
  /** The first keys of all paths that are longer than those. */
  readonly #head: readonly string[] | null;

  constructor(above: Path | null, key: string) {
    this.#above = above;
    this.#key = key;
    this.#length = above === null ? 1 : above.#length + 1;
    this.#head =
      this.#length === KEPT_KEYS ? this.#last(KEPT_KEYS) : above === null ? null : above.#head;
  }

  get text(): string {
    if (this.#length <= MOST_KEYS) return joinPath(this.#last(this.#length));
    const more = this.#length - 2 * KEPT_KEYS;
    return joinPath([...(this.#head as readonly string[]), ...this.#last(KEPT_KEYS)], more);
  }

  #last(count: number): string[] {
    const keys: string[] = [];
    for (let at: Path | null = this; at !== null && keys.length < count; at = at.#above) {
      keys.push(at.#key);
    }
    return keys.reverse();
  }
}
