/**
 * Who meets whom. All six actors at once are explored without losses in `npm test`, and with one
 * lost reply and one expired lock by `npm run test:model -- --full`; any three or four of them with
 * both, and with commands that are carried out after their sender gave them up.
 */
import {
  nodeLocker,
  nodeLogout,
  nodeMover,
  nodeWriter,
  POLICY,
  type Policy,
  phpBlind,
  phpLocking,
} from './actors.ts';
import type { Actor, Scenario } from './world.ts';

type Cast = (policy: Policy, revokes: boolean) => readonly Actor[];

const CASTS: Readonly<Record<string, Cast>> = {
  'a writer with the lock, locking PHP': () => [nodeLocker('K'), phpLocking('L')],
  'a logout, locking PHP': (p, r) => [nodeLogout(p, r), phpLocking('L')],
  'a writer, a move, a logout': (p, r) => [nodeWriter('N', p), nodeMover('R', p), nodeLogout(p, r)],
  'a writer, a logout, plain PHP': (p, r) => [nodeWriter('N', p), nodeLogout(p, r), phpBlind('P')],
  'two writers, a move': (p) => [nodeWriter('N', p), nodeWriter('M', p), nodeMover('R', p)],
  'a move, locking PHP': (p) => [nodeMover('R', p), phpLocking('L')],
  'a writer, a move, another user': (p) => [
    nodeWriter('N', p),
    nodeMover('R', p),
    phpBlind('P', 'b'),
  ],
  'two writers, both kinds of PHP': (p) => [
    nodeWriter('N', p),
    nodeWriter('M', p),
    phpLocking('L'),
    phpBlind('P'),
  ],
  'a writer, both kinds of PHP, a move': (p) => [
    nodeWriter('N', p),
    phpLocking('L'),
    phpBlind('P'),
    nodeMover('R', p),
  ],
  'both kinds of PHP, a move, a logout': (p, r) => [
    phpLocking('L'),
    phpBlind('P'),
    nodeMover('R', p),
    nodeLogout(p, r),
  ],
  'a writer with the lock, one without, locking PHP, a logout': (p, r) => [
    nodeLocker('K'),
    nodeWriter('N', p),
    phpLocking('L'),
    nodeLogout(p, r),
  ],
};

const ALL: Cast = (p, r) => [
  nodeWriter('N', p),
  nodeWriter('M', p),
  phpLocking('L'),
  phpBlind('P'),
  nodeMover('R', p),
  nodeLogout(p, r),
];

export interface NamedScenario extends Scenario {
  readonly name: string;
}

function named(name: string, cast: Cast, policy: Policy, rest: Omit<Scenario, 'actors'>) {
  const { revokes } = rest;
  const title = `${name}${revokes ? ', with tombstones' : ''}`;
  return { name: title, actors: cast(policy, revokes), ...rest };
}

/** Few actors, with everything that can go wrong; the smallest first. */
export function meetings(policy: Policy = POLICY): NamedScenario[] {
  return Object.entries(CASTS).flatMap(([name, cast]) =>
    [false, true].map((revokes) =>
      named(name, cast, policy, { revokes, losses: 1, expiries: 1, late: true }),
    ),
  );
}

/** All six. */
export function everybody(losses: number, expiries: number): NamedScenario[] {
  return [false, true].map((revokes) =>
    named('everybody', ALL, POLICY, { revokes, losses, expiries, late: false }),
  );
}

/** As `meetings()`, with two of everything that can go wrong; for the long run. */
export function troubledMeetings(): NamedScenario[] {
  return meetings().map((scenario) => ({ ...scenario, losses: 2, expiries: 2 }));
}
