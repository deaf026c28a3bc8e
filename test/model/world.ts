/**
 * What the model moves: the keys of a session under its old and its fresh id, where everybody
 * stands in his request, and what must still be true of the past.
 */
import { type Answer, type Command, NOTHING, type SessionKeys } from './decision-table.ts';

/** The id that the client came with, and the one that `regenerate()` makes. */
export type Id = 'old' | 'fresh';

/**
 * A session's bytes: whose it is, then one letter per write that they hold, sorted. `kI` is the
 * login of k, `kIN` that and what the writer N added.
 */
export type Bytes = string;

export function user(bytes: Bytes): string {
  return bytes.charAt(0);
}

export function letters(bytes: Bytes | null): string {
  return bytes === null ? '' : bytes.slice(1);
}

export function has(bytes: Bytes | null, letter: string): boolean {
  return letters(bytes).includes(letter);
}

/** The merge, as far as it matters here: nothing of either side is lost. */
export function withLetter(bytes: Bytes, letter: string): Bytes {
  if (has(bytes, letter)) return bytes;
  return user(bytes) + [...letters(bytes), letter].sort().join('');
}

/** Where an actor stands in his request. */
export interface Local {
  readonly at: string;
  /** The bytes that he read, or merged with last. */
  readonly seen?: Bytes | null;
  /** The bytes that his request began with. */
  readonly base?: Bytes | null;
  /** What a mover stored under the fresh id. */
  readonly stored?: Bytes | null;
  /** A reply was lost, and it is not yet known what became of the command. */
  readonly unknown?: boolean;
}

/** A command that was sent and timed out: it may be carried out still. */
export interface Late {
  readonly actor: number;
  readonly id: Id;
  readonly command: Command;
}

export interface World {
  readonly old: SessionKeys;
  readonly fresh: SessionKeys;
  readonly actors: readonly Local[];
  readonly late: readonly Late[];
  /** How many replies may still be lost, and how many locks may still expire. */
  readonly losses: number;
  readonly expiries: number;
  /** Letters that were acknowledged and that nobody may take away any more. */
  readonly must: Readonly<Record<Id, string>>;
  /** The move's delete was carried out. */
  readonly left: boolean;
  /** A logout was acknowledged. */
  readonly loggedOut: boolean;
  /** The client was told the fresh id. */
  readonly told: boolean;
}

export function start(
  actors: readonly Local[],
  { losses, expiries }: { losses: number; expiries: number },
): World {
  return {
    old: { ...NOTHING, data: 'kI', ttl: 'lifetime' },
    fresh: NOTHING,
    actors,
    late: [],
    losses,
    expiries,
    must: { old: 'I', fresh: '' },
    left: false,
    loggedOut: false,
    told: false,
  };
}

/** One text per world, so that each is looked at once. */
export function nameOf(world: World): string {
  const { must, left, loggedOut, told, late } = world;
  let name = `${keyNames(world.old)}|${keyNames(world.fresh)}|${world.losses}${world.expiries}`;
  name += `|${must.old}/${must.fresh}|${left ? 1 : 0}${loggedOut ? 1 : 0}${told ? 1 : 0}`;
  for (const { at, seen, base, stored, unknown } of world.actors) {
    name += at.startsWith('end') ? `|${at}` : `|${at},${seen},${base},${stored},${unknown ? 1 : 0}`;
  }
  for (const { actor, id, command } of late) name += `|${actor}${id}${JSON.stringify(command)}`;
  return name;
}

function keyNames({ data, lock, revoked, moved }: SessionKeys): string {
  return `${data}/${lock}/${revoked}/${moved}`;
}

/** What somebody wants to do next, and where each outcome leaves him. */
export interface Intent {
  readonly id: Id;
  readonly command: Command;
  /** Does PHP send it, which asks no table? */
  readonly php?: 'SETEX' | 'SET NX' | 'GET' | 'GET lock' | 'release';
  next(answer: Answer, world: World): Outcome;
  /** Without it, nothing of this is ever lost (PHP's own trouble is not ours to explore). */
  lost?(): Outcome;
}

export interface Outcome {
  readonly local: Local;
  /** He was told that this letter is stored. */
  readonly acknowledges?: string;
  readonly tells?: 'the fresh id' | 'the logout';
}

export interface Actor {
  readonly name: string;
  readonly begins: Local;
  /** What he may do next; several where his patience may end. */
  intents(local: Local): readonly Intent[];
  /** Ends that take no command: patience that ran out. */
  gives?(local: Local, world: World): readonly Local[];
}

export interface Scenario {
  readonly actors: readonly Actor[];
  readonly revokes: boolean;
  /** Replies that may be lost in one run. */
  readonly losses: number;
  /** Locks that may expire in one run. */
  readonly expiries: number;
  /** May a command whose sender gave it up be carried out later? */
  readonly late: boolean;
}

/** One step of one actor (or of time), as the promises look at it. */
export interface Transition {
  readonly before: World;
  readonly after: World;
  readonly label: () => string;
  /** Absent if it was only time that went by. */
  readonly intent?: Pick<Intent, 'id' | 'command' | 'php'>;
  readonly actor?: number;
  readonly answer?: Answer;
}
