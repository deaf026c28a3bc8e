/**
 * Every order in which the actors' commands can reach the server, every lost reply, every lock that
 * expires: breadth first, so that what is found is the shortest way to it.
 */

import {
  type Answer,
  type Decide,
  decide,
  type Means,
  type SessionKeys,
} from './decision-table.ts';
import { broken, brokenAtTheEnd } from './promises.ts';
import {
  type Bytes,
  type Intent,
  letters,
  nameOf,
  type Outcome,
  type Scenario,
  start,
  type Transition,
  type World,
} from './world.ts';

export interface Exploration {
  readonly worlds: number;
  /** How many worlds nobody can go on from. */
  readonly ends: number;
  readonly violation: { readonly promise: string; readonly trace: readonly string[] } | null;
}

/** What became of a command that was not answered. */
type Fate = 'carried out, reply lost' | 'not carried out' | 'timed out';

interface Visited {
  readonly world: World;
  readonly from: Visited | null;
  readonly label: () => string;
}

export function explore(scenario: Scenario, table: Decide = decide): Exploration {
  const means: Means = { revokes: scenario.revokes, keepsLonger: false };
  const begin = start(
    scenario.actors.map(({ begins }) => begins),
    scenario,
  );
  const seen = new Set([nameOf(begin)]);
  let level: Visited[] = [{ world: begin, from: null, label: String }];
  let ends = 0;
  while (level.length > 0) {
    const next: Visited[] = [];
    for (const visited of level) {
      const here = nameOf(visited.world);
      const steps = transitions(visited.world, scenario, table, means);
      let goesOn = false;
      for (const step of steps) {
        const promise = broken(step, scenario);
        if (promise) {
          const last = { world: step.after, from: visited, label: step.label };
          return { worlds: seen.size, ends, violation: found(promise, last) };
        }
        const name = nameOf(step.after);
        goesOn ||= name !== here;
        if (seen.has(name)) continue;
        seen.add(name);
        next.push({ world: step.after, from: visited, label: step.label });
      }
      if (goesOn) continue;
      ends++;
      const promise = brokenAtTheEnd(visited.world, scenario);
      if (promise) return { worlds: seen.size, ends, violation: found(promise, visited) };
    }
    level = next;
  }
  return { worlds: seen.size, ends, violation: null };
}

function found(promise: string, last: Visited): NonNullable<Exploration['violation']> {
  const trace: string[] = [];
  for (let at: Visited | null = last; at?.from; at = at.from) trace.unshift(at.label());
  return { promise, trace };
}

function transitions(world: World, scenario: Scenario, table: Decide, means: Means): Transition[] {
  const steps: Transition[] = [];
  scenario.actors.forEach((actor, at) => {
    const local = world.actors[at]!;
    for (const intent of actor.intents(local)) {
      steps.push(...fates(world, scenario, table, means, at, intent));
    }
    for (const given of actor.gives?.(local, world) ?? []) {
      const after = { ...world, actors: world.actors.with(at, given) };
      steps.push({ before: world, after, label: () => `${actor.name}: ${given.at}` });
    }
  });
  world.late.forEach(({ actor, id, command }, at) => {
    const { keys, answer } = table(world[id], command, means);
    const after = past(
      { ...world, [id]: keys, late: world.late.toSpliced(at, 1) },
      world,
      { id, command },
      answer,
    );
    const label = () => `${scenario.actors[actor]!.name}: ${command.name} ${id}, carried out late`;
    steps.push({ before: world, after, label, intent: { id, command }, actor, answer });
  });
  if (world.expiries > 0 && world.old.lock !== null) {
    const after = {
      ...world,
      old: { ...world.old, lock: null },
      expiries: world.expiries - 1,
    };
    steps.push({ before: world, after, label: () => 'the lock expires' });
  }
  return steps;
}

function fates(
  world: World,
  scenario: Scenario,
  table: Decide,
  means: Means,
  at: number,
  intent: Intent,
): Transition[] {
  const { id, command } = intent;
  const { answer, keys } = intent.php ? php(world[id], intent) : table(world[id], command, means);
  const what = `${scenario.actors[at]!.name}: ${intent.php ?? command.name} ${id}`;
  const done: World = { ...world, [id]: keys };
  const step = (after: World, outcome: Outcome, fate: Fate | null, given?: Answer): Transition => ({
    before: world,
    after: told({ ...after, actors: after.actors.with(at, outcome.local) }, id, outcome, intent),
    label: () => `${what}: ${fate ?? describe(answer)}`,
    intent,
    actor: at,
    ...(given ? { answer: given } : {}),
  });
  const carriedOut = past(done, world, intent, answer);
  const steps = [step(carriedOut, intent.next(answer, world), null, answer)];
  if (intent.lost && world.losses > 0) {
    const losses = world.losses - 1;
    const outcome = intent.lost();
    steps.push(step({ ...carriedOut, losses }, outcome, 'carried out, reply lost'));
    steps.push(step({ ...world, losses }, outcome, 'not carried out'));
    if (scenario.late && command.name !== 'read') {
      const late = [...world.late, { actor: at, id, command }];
      steps.push(step({ ...world, losses, late }, outcome, 'timed out'));
    }
  }
  return steps;
}

/** What phpredis sends without asking anybody. */
function php(
  keys: SessionKeys,
  { php: what, command }: Intent,
): { answer: Answer; keys: SessionKeys } {
  const { secret, bytes } = command as { secret: string; bytes: Bytes };
  const mine = keys.lock === secret;
  switch (what) {
    case 'SETEX':
      return { answer: { state: 'written' }, keys: { ...keys, data: bytes, ttl: 'lifetime' } };
    case 'SET NX':
      return keys.lock === null
        ? { answer: { state: 'yes' }, keys: { ...keys, lock: secret } }
        : { answer: { state: 'no' }, keys };
    case 'GET lock':
      return { answer: { state: mine ? 'yes' : 'no' }, keys };
    case 'release':
      return {
        answer: { state: mine ? 'yes' : 'no' },
        keys: mine ? { ...keys, lock: null } : keys,
      };
    default:
      return { answer: { state: 'read', bytes: keys.data, revoked: null }, keys };
  }
}

/** What has to be true from now on, since this was carried out (whether or not the reply came). */
function past(
  after: World,
  before: World,
  { id, command, php: what }: Pick<Intent, 'id' | 'command' | 'php'>,
  answer: Answer,
): World {
  if (what === 'SETEX') {
    const { secret, bytes } = command as { secret: string; bytes: Bytes };
    const guarded = secret !== '' && before.old.lock === secret;
    // A blind write takes away what came in between; one under the lock only what was blind itself.
    const must = [...before.must.old]
      .filter((letter) => letters(bytes).includes(letter) || (guarded && letter !== 'P'))
      .join('');
    return { ...after, must: { ...before.must, old: must } };
  }
  if (what !== undefined) return after;
  if (command.name === 'read' && before[id].revoked !== null) {
    // What PHP brought back after a logout is deleted at the next sight, as documented.
    return after[id].data === null ? { ...after, must: { ...before.must, [id]: '' } } : after;
  }
  if (answer.state !== 'written') return after;
  if (command.name === 'leaveIf' && before.old.data !== null && after.old.data === null) {
    // It lives on under the fresh id, with everything that was acknowledged.
    const fresh = union(before.must.fresh, before.must.old);
    return { ...after, left: true, must: { old: '', fresh } };
  }
  if (command.name === 'destroyIf' || command.name === 'destroy') {
    // Only who was told of nothing may be destroyed under the fresh id.
    if (id === 'old') return { ...after, must: { ...before.must, old: '' } };
  }
  return after;
}

function told(
  world: World,
  id: World['late'][number]['id'],
  outcome: Outcome,
  intent: Intent,
): World {
  const { acknowledges, tells } = outcome;
  if (acknowledges === undefined && tells === undefined) return world;
  let { must, told: isTold, loggedOut } = world;
  if (acknowledges !== undefined) {
    const where = tells === 'the fresh id' ? 'fresh' : id;
    must = { ...must, [where]: union(must[where], acknowledges) };
  }
  if (tells === 'the fresh id') isTold = true;
  if (tells === 'the logout' && intent.id === 'old') loggedOut = true;
  return { ...world, must, told: isTold, loggedOut };
}

function union(one: string, other: string): string {
  return [...new Set(one + other)].sort().join('');
}

function describe(answer: Answer): string {
  if (answer.state === 'changed' || answer.state === 'read')
    return `${answer.state} ${answer.bytes}`;
  return answer.state;
}
