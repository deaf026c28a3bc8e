/**
 * Scripts and policies that are broken in one place. Each breaks a promise somewhere, or the
 * promises are too weak.
 */
import type { Policy } from './actors.ts';
import { type Command, type Decide, decide, type SessionKeys } from './decision-table.ts';

/** Decides as if these keys were otherwise, and leaves them as they are. */
function blindTo(part: Partial<SessionKeys>, names: readonly string[]): Decide {
  return (keys, command, means) => {
    if (!names.includes(command.name)) return decide(keys, command, means);
    const secret = 'secret' in command && command.secret !== '' ? { lock: command.secret } : {};
    const seen = { ...keys, ...part, ...('lock' in part ? secret : {}) };
    const { answer, keys: after } = decide(seen, command, means);
    const kept = Object.fromEntries(
      Object.keys(part).map((name) => [name, keys[name as keyof SessionKeys]]),
    );
    return { answer, keys: { ...after, ...kept } };
  };
}

const changed =
  (
    name: string,
    change: (
      decided: ReturnType<Decide>,
      keys: SessionKeys,
      command: Parameters<Decide>[1],
      means: Parameters<Decide>[2],
    ) => ReturnType<Decide>,
  ): Decide =>
  (keys, command, means) => {
    const decided = decide(keys, command, means);
    return command.name === name ? change(decided, keys, command, means) : decided;
  };

const unconditional =
  (name: string): Decide =>
  (keys, command, means) =>
    decide(keys, command.name === name ? withoutCondition(command) : command, means);

function withoutCondition(command: Command): Command {
  return { ...command, expected: undefined } as Command;
}

export const BROKEN_TABLES: Readonly<Record<string, Decide>> = {
  'a write does not look at the lock': blindTo({ lock: null }, ['writeIf']),
  'a logout does not look at the lock': blindTo({ lock: null }, ['destroyIf']),
  'a move does not look at the lock': blindTo({ lock: null }, ['leaveIf']),
  'a write does not look at what is stored': unconditional('writeIf'),
  'a move deletes whatever is there': unconditional('leaveIf'),
  'a write takes what is absent for what it read': changed(
    'writeIf',
    (decided, keys, command, means) =>
      decided.answer.state === 'changed' && decided.answer.bytes === null
        ? decide(keys, withoutCondition(command), { ...means, revokes: false })
        : decided,
  ),
  'a logout makes a logout of a move': changed('destroyIf', (decided, keys) =>
    keys.revoked === 'moved' && decided.answer.state === 'written'
      ? { ...decided, keys: { ...decided.keys, revoked: 'logout' } }
      : decided,
  ),
  'a move leaves no marker': changed('leaveIf', (decided, keys) => ({
    ...decided,
    keys: { ...decided.keys, moved: keys.moved },
  })),
  "anybody's absence is one's own doing": changed('leaveIf', (decided, keys) =>
    keys.data === null ? { answer: { state: 'written' }, keys } : decided,
  ),
  'a logout leaves no tombstone': changed('destroyIf', (decided, keys) => ({
    ...decided,
    keys: { ...decided.keys, revoked: keys.revoked },
  })),
  'a read does not look for the tombstone': blindTo({ revoked: null }, ['read']),
  "anybody's lock is released": changed('release', (_, keys) => ({
    answer: { state: 'yes' },
    keys: { ...keys, lock: null },
  })),
  'a lock is taken from its holder': changed('lock', (_, keys, command) => ({
    answer: { state: 'yes' },
    keys: { ...keys, lock: 'secret' in command ? command.secret : null },
  })),
};

export const BROKEN_POLICIES: Readonly<Record<string, Partial<Policy>>> = {
  'the fresh session goes, whatever was lost': {
    asksAgain: false,
    keepsFreshWhileUnknown: false,
  },
  'the move asks again, and gives up by destroying': { keepsFreshWhileUnknown: false },
  'the fresh session stays when the old one was logged out': { dropsFreshWhenGone: false },
  'the old session goes before the fresh one is there': { storesFirst: false },
  "another user's session is written into": { comparesIdentity: false },
  'what is gone is written again': { acceptsGone: false },
  'a write is sure of what it read': { writesConditionally: false },
  'what others wrote is not merged': { merges: false },
  'a logout goes past every lock': { logoutRespectsLock: false },
};
