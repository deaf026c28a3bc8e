/**
 * `npm run test:model`: what `npm test` explores, with figures. `-- --full`: all six actors with a
 * lost reply or an expired lock, and every meeting with two of both; takes some minutes.
 */
import { explore } from './explorer.ts';
import { everybody, meetings, type NamedScenario, troubledMeetings } from './scenarios.ts';

const full = process.argv.includes('--full');
const scenarios: NamedScenario[] = full
  ? [...troubledMeetings(), ...everybody(0, 1), ...everybody(1, 0)]
  : [...meetings(), ...everybody(0, 0).slice(0, 1)];

let all = 0;
for (const scenario of scenarios) {
  const started = performance.now();
  const { worlds, ends, violation } = explore(scenario);
  all += worlds;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const { name, losses, expiries } = scenario;
  const trouble = `${losses} lost replies, ${expiries} expired locks`;
  console.log(
    `${seconds.padStart(6)} s ${String(worlds).padStart(9)} worlds, ${ends} ends: ${name} (${trouble})`,
  );
  if (violation === null) continue;
  console.error(`BROKEN: ${violation.promise}\n  ${violation.trace.join('\n  ')}`);
  process.exitCode = 1;
}
console.log(`${all} worlds`);
