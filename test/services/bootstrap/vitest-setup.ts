import { instruction, missingRequirements } from './requirements.mjs';

/**
 * Global setup of the interop tests: without the programs every one of them would fail with the same
 * stack trace, so the run ends here with the one sentence that helps.
 */
export function setup(): void {
  const missing = missingRequirements();
  if (missing.length === 0) return;
  process.stderr.write(`\n${instruction(missing)}\n\n`);
  process.exit(1);
}
