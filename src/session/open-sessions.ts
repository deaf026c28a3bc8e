/**
 * The sessions that are open, for a manager that closes. Not a `Set`: whenever one of those makes
 * room it leaves a table behind that still names the entries of that moment, and once such a table
 * is old to the garbage collector, they stay, each with its request, until the next full
 * collection. Under load that was most of them.
 */
import type { Session } from './session.ts';

export class OpenSessions {
  readonly #places: (Session | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#places.length - this.#free.length;
  }

  /** @returns its place, to be given up with `remove()` */
  add(session: Session): number {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = session;
    return place;
  }

  remove(place: number): void {
    this.#places[place] = undefined;
    this.#free.push(place);
  }

  has(session: Session): boolean {
    return this.#places.includes(session);
  }

  all(): Session[] {
    return this.#places.filter((session) => session !== undefined);
  }
}
