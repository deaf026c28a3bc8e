/**
 * In development: session variables that are assigned after the commit. Nobody stores them, and
 * nothing else would say so.
 */
import type { WarningListener } from '../save-handler/settings.ts';

/** Milliseconds after the commit, each counted from the look before. */
const LOOKS = [20, 200, 1500];
/** Each look encodes a session, and until the last one the session stays in memory. */
const MOST_WATCHED = 8;

/** What a session that has ended says of its variables. */
interface Ended {
  readonly changed: boolean;
}

/** Looks at a few sessions after their end, and warns once. */
export class LateAssignments {
  readonly #warn: WarningListener;
  #watched = 0;
  #told = false;

  constructor(warn: WarningListener) {
    this.#warn = warn;
  }

  watch(session: Ended): void {
    if (this.#told || this.#watched >= MOST_WATCHED) return;
    this.#watched++;
    this.#look(session, 0);
  }

  #look(session: Ended, at: number): void {
    const later = () => {
      if (!this.#told && isChanged(session)) {
        this.#told = true;
        this.#warn(
          'PSB_LATE_ASSIGNMENT',
          'session variables were assigned after the session was committed; they are not stored. ' +
            'Assign before the response ends, or open the session again with sessions.run().',
        );
      }
      if (this.#told || at + 1 === LOOKS.length) this.#watched--;
      else this.#look(session, at + 1);
    };
    setTimeout(later, LOOKS[at]).unref();
  }
}

function isChanged(session: Ended): boolean {
  try {
    return session.changed;
  } catch {
    // A value that cannot be stored: what was committed could be.
    return true;
  }
}
