import { findPrograms, type Programs } from './bootstrap/programs.mjs';
import { instruction, missingRequirements } from './bootstrap/requirements.mjs';

let found: Programs | undefined;

/** The path of an installed program; throws the sentence that says what to install. */
export function program(name: 'redisServer' | 'phpFpm' | 'php' | 'nginx' | 'chromium'): string {
  found ??= findPrograms();
  const file = found[name];
  if (file === undefined)
    throw new Error(instruction(missingRequirements(undefined, { browser: name === 'chromium' })));
  return file;
}
