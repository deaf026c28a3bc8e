/**
 * What README promises, as questions to each step and to each end. What unmodified PHP can do is
 * excepted exactly as it is documented: a blind write takes away what was written since its read,
 * and brings back what was destroyed since.
 */
import { type Id, letters, type Scenario, type Transition, user, type World } from './world.ts';

/** The promise that this step breaks; `null` if none. */
export function broken(step: Transition, scenario: Scenario): string | null {
  const { before, after } = step;
  return (
    brokenByNode(step, scenario) ??
    (after.told && !after.left
      ? 'nothing is revived: the client got a fresh id, but the old session was not moved'
      : null) ??
    (before.must.fresh !== '' && after.fresh.data === null
      ? 'a lost reply destroys nothing: the old session went, and then the fresh one'
      : null) ??
    lostWrite(after, 'old') ??
    lostWrite(after, 'fresh')
  );
}

function brokenByNode({ before, after, intent, actor, answer }: Transition, scenario: Scenario) {
  if (intent === undefined || intent.php !== undefined || actor === undefined) return null;
  const { id, command } = intent;
  const [was, is] = [before[id], after[id]];
  const secret = 'secret' in command ? command.secret : '';
  if (command.name === 'release' || command.name === 'lock' || command.name === 'renew') {
    return was.lock !== is.lock && was.lock !== null && was.lock !== secret
      ? "nobody's lock is released or taken over by another"
      : null;
  }
  if (was.lock !== is.lock) return "nobody's lock is touched by a write";
  if (command.name === 'read') {
    return scenario.revokes && was.revoked !== null && answer?.state === 'read' && answer.bytes
      ? 'nothing is revived: a session was read under its tombstone'
      : null;
  }
  if (was.data === is.data) return null;
  const forced = command.name === 'destroy' && scenario.revokes;
  if (id === 'old' && was.lock !== null && was.lock !== secret && !forced) {
    return 'nothing is written into a PHP request that holds the lock';
  }
  if (is.data === null) return null;
  if (scenario.revokes && was.revoked !== null) {
    return 'nothing is revived: a session was written under its tombstone';
  }
  if (id === 'old' && was.data === null) return 'nothing is revived: what was gone is back';
  const base = before.actors[actor]!.base;
  if (base && user(base) !== user(is.data)) {
    return "no user's data gets into another's session (his own request became somebody else's)";
  }
  return was.data !== null && user(was.data) !== user(is.data)
    ? "no user's data gets into another's session"
    : null;
}

function lostWrite({ must, ...world }: World, id: Id): string | null {
  const { data } = world[id];
  for (const letter of must[id]) {
    if (!letters(data).includes(letter)) {
      return `no acknowledged write is lost: ${letter} is not in ${data} (${id})`;
    }
  }
  return null;
}

/** The promise that is broken when all is over; `null` if none. */
export function brokenAtTheEnd(world: World, { losses, revokes }: Scenario): string | null {
  const { old, fresh, told, left, loggedOut } = world;
  const nothingLost = world.losses === losses;
  if (fresh.data !== null && !told && nothingLost) {
    return 'a dead login has no second copy: the fresh one stayed, and nobody was told';
  }
  if (left && !told && nothingLost) return 'who was moved is told so';
  // Of an id that was left the client has the new one, and its cookie must not be ended.
  const why = left ? 'moved' : 'logout';
  if (loggedOut && revokes && old.revoked !== why) return `a ${why} is remembered`;
  return null;
}
