import { describe, expect, test } from 'vitest';
import { POLICY } from './actors.ts';
import { explore } from './explorer.ts';
import { BROKEN_POLICIES, BROKEN_TABLES } from './mutants.ts';
import { everybody, meetings } from './scenarios.ts';

describe('no reachable state breaks a promise', () => {
  test.each([...meetings(), ...everybody(0, 0).slice(0, 1)])(
    '$name',
    { timeout: 120_000 },
    (scenario) => {
      const { worlds, ends, violation } = explore(scenario);
      expect(violation).toBeNull();
      // An actor who never acts would break nothing either.
      expect(worlds).toBeGreaterThan(30);
      expect(ends).toBeGreaterThan(3);
    },
  );
});

describe('a broken script breaks a promise', () => {
  test.each(Object.entries(BROKEN_TABLES))('%s', { timeout: 60_000 }, (_, table) => {
    const found = meetings().some((scenario) => explore(scenario, table).violation !== null);
    expect(found).toBe(true);
  });
});

describe('a broken policy breaks a promise', () => {
  test.each(Object.entries(BROKEN_POLICIES))('%s', { timeout: 60_000 }, (_, change) => {
    const broken = meetings({ ...POLICY, ...change });
    expect(broken.some((scenario) => explore(scenario).violation !== null)).toBe(true);
  });
});

test('one lost reply was enough to destroy both sessions, and the shortest way to it is found', () => {
  const policy = { ...POLICY, asksAgain: false, keepsFreshWhileUnknown: false };
  const [scenario] = meetings(policy).filter(({ name }) => name === 'two writers, a move');
  // test/interop/concurrency/move.test.ts goes this way on a real Redis.
  expect(explore(scenario!).violation).toEqual({
    promise: 'a lost reply destroys nothing: the old session went, and then the fresh one',
    trace: [
      'regenerate: read old: read kI',
      'regenerate: writeIf fresh: written',
      'regenerate: leaveIf old: carried out, reply lost',
      'regenerate: destroy fresh: written',
    ],
  });
});
