/**
 * Who takes part: what Node's session floor does with the answers of the save handler
 * (conditional-write.ts, move.ts, log-out.ts), and what unmodified PHP does with phpredis.
 */
import type { Answer } from './decision-table.ts';
import { type Actor, type Bytes, type Intent, type Local, user, withLetter } from './world.ts';

/** The session floor's decisions, each of which a mutant may get wrong. */
export interface Policy {
  /** Another user's session is not written into. */
  readonly comparesIdentity: boolean;
  /** What is gone is not written again. */
  readonly acceptsGone: boolean;
  /** A write names the bytes that were read. */
  readonly writesConditionally: boolean;
  /** What others wrote is merged before the next attempt. */
  readonly merges: boolean;
  /** The fresh id is stored before the old one goes. */
  readonly storesFirst: boolean;
  /** The move asks again when the reply to its delete is lost. */
  readonly asksAgain: boolean;
  /** The fresh session stays while it is not known whether the old one went. */
  readonly keepsFreshWhileUnknown: boolean;
  /** The fresh session goes when the old one turns out to be gone. */
  readonly dropsFreshWhenGone: boolean;
  /** Without a tombstone a logout does not go past a lock. */
  readonly logoutRespectsLock: boolean;
}

export const POLICY: Policy = {
  comparesIdentity: true,
  acceptsGone: true,
  writesConditionally: true,
  merges: true,
  storesFirst: true,
  asksAgain: true,
  keepsFreshWhileUnknown: true,
  dropsFreshWhenGone: true,
  logoutRespectsLock: true,
};

const END: Local = { at: 'end' };
const ended = (how: string): Local => ({ at: `end: ${how}` });

export function isOver({ at }: Local): boolean {
  return at.startsWith('end');
}

/** `read`, then what the table says of it. */
function reading(next: (bytes: Bytes) => Local): Intent {
  return {
    id: 'old',
    command: { name: 'read', refresh: true },
    next: (answer) => {
      const { bytes } = answer as Extract<Answer, { state: 'read' }>;
      return { local: bytes === null ? ended('no session') : next(bytes) };
    },
    lost: () => ({ local: ended('not read') }),
  };
}

/** A request of Node under `concurrency: 'merge'` that adds its letter. */
export function nodeWriter(letter: string, policy: Policy): Actor {
  return {
    name: `Node ${letter}`,
    begins: { at: 'read' },
    intents(local) {
      if (local.at === 'read') return [reading((seen) => ({ at: 'write', seen, base: seen }))];
      if (local.at !== 'write') return [];
      const { seen, base } = local as { seen: Bytes | null; base: Bytes };
      return [
        {
          id: 'old',
          command: {
            name: 'writeIf',
            secret: '',
            bytes: withLetter((policy.merges ? seen : null) ?? base, letter),
            expected: policy.writesConditionally ? seen : undefined,
          },
          next: (answer) => {
            if (answer.state === 'written') {
              return { local: ended('written'), acknowledges: letter };
            }
            if (answer.state !== 'changed') return { local };
            const again = refusal(policy, base, answer.bytes);
            return { local: again ?? { ...local, seen: answer.bytes } };
          },
          lost: () => ({ local: ended('unknown') }),
        },
      ];
    },
    gives: (local, { old }) => (local.at === 'write' && old.lock !== null ? [ended('busy')] : []),
  };
}

/** Gone or replaced; `null` if it may be merged with. */
function refusal(policy: Policy, base: Bytes, theirs: Bytes | null): Local | null {
  if (theirs === null) return policy.acceptsGone ? ended('gone') : null;
  if (policy.comparesIdentity && user(theirs) !== user(base)) return ended('replaced');
  return null;
}

/** A request of Node under `concurrency: 'lock'`. */
export function nodeLocker(letter: string): Actor {
  const secret = `node ${letter}`;
  return {
    name: `Node ${letter} with the lock`,
    begins: { at: 'lock' },
    intents(local) {
      const step = (command: Intent['command'], next: Intent['next'], lost: string): Intent => ({
        id: 'old',
        command,
        next,
        lost: () => ({ local: ended(lost) }),
      });
      switch (local.at) {
        case 'lock':
          return [
            step(
              { name: 'lock', secret },
              ({ state }) => ({ local: state === 'yes' ? { at: 'read' } : local }),
              'not locked',
            ),
          ];
        case 'read': {
          const read = reading((seen) => ({ at: 'write', seen, base: seen }));
          return [
            {
              ...read,
              next: (answer, world) => {
                const { local: read_ } = read.next(answer, world);
                return { local: isOver(read_) ? { at: 'release' } : read_ };
              },
            },
          ];
        }
        case 'write': {
          const { base, seen } = local as { base: Bytes; seen: Bytes };
          return [
            step(
              { name: 'writeIf', secret, bytes: withLetter(seen, letter), expected: seen },
              (answer) => {
                if (answer.state === 'written') {
                  return { local: { at: 'release' }, acknowledges: letter };
                }
                if (answer.state !== 'changed') return { local: ended('lost the lock') };
                const end = refusal(POLICY, base, answer.bytes);
                return { local: end ? { at: 'release' } : { ...local, seen: answer.bytes } };
              },
              'unknown',
            ),
          ];
        }
        case 'release':
          return [step({ name: 'release', secret }, () => ({ local: END }), 'not released')];
        default:
          return [];
      }
    },
    gives: (local, { old }) => (local.at === 'lock' && old.lock !== null ? [ended('busy')] : []),
  };
}

/** A logout of Node; `revokes`: it leaves a tombstone, and then need not stop at a lock for ever. */
export function nodeLogout(policy: Policy, revokes: boolean): Actor {
  return {
    name: 'logout',
    begins: { at: 'destroy' },
    intents(local) {
      if (local.at !== 'destroy' && local.at !== 'force') return [];
      return [
        {
          id: 'old',
          command:
            local.at === 'force'
              ? { name: 'destroy' }
              : { name: 'destroyIf', secret: '', expected: undefined },
          next: ({ state }) =>
            state === 'written' ? { local: ended('out'), tells: 'the logout' } : { local },
          lost: () => ({ local: ended('unknown') }),
        },
      ];
    },
    gives: (local, { old }) => {
      if (local.at !== 'destroy' || old.lock === null) return [];
      return [revokes || !policy.logoutRespectsLock ? { at: 'force' } : ended('busy')];
    },
  };
}

/** `regenerate()`: the session moves to the fresh id. */
export function nodeMover(letter: string, policy: Policy): Actor {
  const clean = (how: string): Local => ({ at: 'clean', seen: how });
  const given = (local: Local, how: string): Local =>
    local.unknown && policy.keepsFreshWhileUnknown ? ended('unknown') : clean(how);
  return {
    name: 'regenerate',
    begins: { at: 'read' },
    intents(local) {
      const { seen, base, stored } = local as { seen: Bytes; base: Bytes; stored: Bytes | null };
      switch (local.at) {
        case 'read':
          return [
            reading((bytes) => ({
              at: policy.storesFirst ? 'store' : 'leave',
              seen: bytes,
              base: bytes,
              stored: null,
            })),
          ];
        case 'store': {
          const bytes = withLetter(seen, letter);
          return [
            {
              id: 'fresh',
              command: { name: 'writeIf', secret: '', bytes, expected: stored },
              next: (answer) => {
                if (answer.state !== 'written') return { local: ended('conflict') };
                if (policy.storesFirst) return { local: { ...local, at: 'leave', stored: bytes } };
                return { local: ended('moved'), acknowledges: letter, tells: 'the fresh id' };
              },
              // The old one is there still: nothing was asked of it, or it had changed.
              lost: () => ({ local: clean('unknown') }),
            },
          ];
        }
        case 'leave':
          return [
            {
              id: 'old',
              command: { name: 'leaveIf', secret: '', expected: seen, mover: letter },
              next: (answer) => {
                if (answer.state === 'written') {
                  if (!policy.storesFirst) return { local: { ...local, at: 'store' } };
                  return { local: ended('moved'), acknowledges: letter, tells: 'the fresh id' };
                }
                if (answer.state !== 'changed') return { local };
                const end = refusal(policy, base, answer.bytes);
                if (end) return { local: policy.dropsFreshWhenGone ? clean(end.at) : end };
                const next = answer.bytes ?? base;
                return { local: { at: 'store', base, stored, seen: next } };
              },
              lost: () =>
                policy.asksAgain
                  ? { local: { ...local, unknown: true } }
                  : { local: given({ ...local, unknown: true }, 'unknown') },
            },
          ];
        case 'clean':
          return [
            {
              id: 'fresh',
              command: { name: 'destroy' },
              next: () => ({ local: ended(`not moved (${seen})`) }),
              lost: () => ({ local: ended('not cleaned') }),
            },
          ];
        default:
          return [];
      }
    },
    gives: (local, { old }) =>
      local.at === 'leave' && (local.unknown || old.lock !== null) ? [given(local, 'busy')] : [],
  };
}

/** PHP with `redis.session.locking_enabled`, as phpredis does it (spec: 2.2, section 5). */
export function phpLocking(letter: string): Actor {
  const secret = `php ${letter}`;
  return {
    name: 'PHP with locks',
    begins: { at: 'lock' },
    intents(local) {
      const step = (
        php: NonNullable<Intent['php']>,
        next: Intent['next'],
        bytes = '',
      ): readonly Intent[] => [
        {
          id: 'old',
          php,
          command: { name: 'writeIf', secret, bytes, expected: undefined },
          next,
        },
      ];
      switch (local.at) {
        case 'lock':
          return step('SET NX', ({ state }) => ({
            local: state === 'yes' ? { at: 'read' } : ended('busy'),
          }));
        case 'read':
          return step('GET', (answer) => ({
            local: { at: 'check', seen: (answer as { bytes: Bytes | null }).bytes },
          }));
        case 'check':
          return step('GET lock', ({ state }) => ({
            local: state === 'yes' ? { ...local, at: 'write' } : { at: 'release' },
          }));
        case 'write':
          return step(
            'SETEX',
            () => ({ local: { at: 'release' }, acknowledges: letter }),
            // Of a session that is not there PHP makes an empty one, of nobody.
            withLetter(local.seen ?? '-', letter),
          );
        case 'release':
          return step('release', () => ({ local: END }));
        default:
          return [];
      }
    },
  };
}

/**
 * Plain phpredis: reads at the start, writes blindly at the end.
 * @param login whose session it makes of it, instead of adding to what was read
 */
export function phpBlind(letter: string, login?: string): Actor {
  return {
    name: login === undefined ? 'PHP without locks' : 'PHP, login of another user',
    begins: { at: 'read' },
    intents(local) {
      const step = (php: 'GET' | 'SETEX', next: Intent['next'], bytes = ''): readonly Intent[] => [
        {
          id: 'old',
          php,
          command: { name: 'writeIf', secret: '', bytes, expected: undefined },
          next,
        },
      ];
      if (local.at === 'read') {
        return step('GET', (answer) => ({
          local: { at: 'write', seen: (answer as { bytes: Bytes | null }).bytes },
        }));
      }
      if (local.at !== 'write') return [];
      const bytes = withLetter(login ?? local.seen ?? '-', letter);
      return step('SETEX', () => ({ local: END, acknowledges: letter }), bytes);
    },
  };
}
