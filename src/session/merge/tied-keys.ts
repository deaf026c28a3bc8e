/** Which keys of a container belong together, since references tie their slots in some version. */
import type { Tie } from './survey.ts';

/**
 * @param keys in order, which is the order of the groups by their first member
 * @param versions the ties of each version; keys that only these know join a group, too
 */
export function groupTied(
  keys: readonly string[],
  versions: readonly (readonly Tie[] | null | undefined)[],
): string[][] {
  const leaders = new Map<string, string>();
  const leaderOf = (key: string): string => {
    let leader = key;
    for (let up = leaders.get(leader); up !== undefined; up = leaders.get(leader)) leader = up;
    for (let at = key; at !== leader; ) {
      const next = leaders.get(at) as string;
      leaders.set(at, leader);
      at = next;
    }
    return leader;
  };
  const tied = new Set<string>();
  for (const ties of versions) {
    for (const { first, second } of ties ?? []) {
      tied.add(first).add(second);
      const [a, b] = [leaderOf(first), leaderOf(second)];
      if (a !== b) leaders.set(b, a);
    }
  }
  const groups = new Map<string, string[]>();
  for (const key of keys) {
    const leader = leaderOf(key);
    const members = groups.get(leader);
    if (members === undefined) groups.set(leader, [key]);
    else members.push(key);
    tied.delete(key);
  }
  // What only the base has still was deleted on both sides; it counts where its group is compared.
  for (const key of tied) groups.get(leaderOf(key))?.push(key);
  return [...groups.values()];
}
