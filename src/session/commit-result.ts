/**
 * What became of the variables of a session.
 */
import type { Conflict } from './merge/conflicts.ts';

export interface CommitResult {
  /** `merged`: written together with what somebody else had written meanwhile. */
  readonly outcome: 'unchanged' | 'written' | 'merged';
  /** Where both sides had changed the same thing. */
  readonly conflicts: readonly Conflict[];
}

export const UNCHANGED: CommitResult = Object.freeze({ outcome: 'unchanged', conflicts: [] });

/** What became of them in two steps, one after the other. */
export function both(first: CommitResult, second: CommitResult): CommitResult {
  const outcomes = [first.outcome, second.outcome];
  const outcome =
    (['merged', 'written'] as const).find((name) => outcomes.includes(name)) ?? 'unchanged';
  return { outcome, conflicts: [...first.conflicts, ...second.conflicts] };
}
