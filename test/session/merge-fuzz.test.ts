/** A short run of `npm run fuzz -- --merge`. */
import { expect, test } from 'vitest';
import { fuzzMerge } from '../fuzz/merge-fuzzer.ts';

test('random edits of random sessions', { timeout: 60_000 }, () => {
  const report = fuzzMerge({ seed: 20, most: 2000, milliseconds: 50_000 });
  // A finding by its texts, or a failure says nothing.
  const findings = report.findings.map(({ what, triple: { base, ours, theirs } }) =>
    [what, ...[base, ours, theirs].map((version) => version.toString('latin1'))].join('\n'),
  );
  expect(findings).toEqual([]);
  expect(report.triples).toBe(2000);
  expect(report.conflicts).toBeGreaterThan(100);
  expect(Object.values(report.byHandler).every((count) => count > 50)).toBe(true);
});
