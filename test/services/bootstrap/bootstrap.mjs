// A fresh clone needs no other command than `npm test` or `npm run demo`: this brings the npm packages,
// then Redis, PHP with its extensions and nginx.
//
// PSB_INSTALL=0 forbids installing anything, PSB_INSTALL=1 does not ask.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { debianCommand, instruction, isDebian, missingRequirements } from './requirements.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));

function say(text) {
  process.stderr.write(`${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Node ${process.versions.node} is too old: install Node 20.19 or newer.`);
  }
}

function installNodeModules() {
  // npm writes this file last, so an interrupted installation is done again.
  if (existsSync(join(root, 'node_modules', '.package-lock.json'))) return;
  if (process.env.PSB_INSTALL === '0') {
    fail('The npm packages are missing: run `npm ci` first (PSB_INSTALL=0 forbids doing it here).');
  }
  say('$ npm ci');
  const run = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: 'inherit' });
  if (run.status !== 0) fail('`npm ci` failed; see its output above.');
}

function canSudo() {
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
}

async function allowed() {
  if (process.env.PSB_INSTALL === '1') return true;
  // Nobody to ask (CI, a container, a pipe): the command was printed, and it only adds packages.
  if (!process.stdin.isTTY || !process.stderr.isTTY) return true;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question('Install these packages now? [Y/n] ');
  lines.close();
  return /^(y|yes)?$/i.test(answer.trim());
}

async function installPrograms(modules, browser) {
  const missing = missingRequirements(modules, { browser });
  if (missing.length === 0) return;
  const asRoot = process.getuid?.() === 0;
  if (process.env.PSB_INSTALL === '0' || !isDebian() || !(asRoot || canSudo())) {
    fail(instruction(missing));
  }
  const command = debianCommand(missing, !asRoot);
  say(`Missing: ${missing.map(({ name }) => name).join(', ')}.`);
  say(
    'Debian starts such packages as services, too; the tests and the demo run their own on free ports.',
  );
  say(`$ ${command}`);
  if (!(await allowed())) fail(instruction(missing));
  const run = spawnSync('sh', ['-c', command], { stdio: 'inherit' });
  if (run.status !== 0) fail(`The installation failed. ${instruction(missing)}`);
  const still = missingRequirements(modules, { browser });
  if (still.length > 0) fail(`Still not there after the installation. ${instruction(still)}`);
}

/**
 * Makes sure that everything is there, or ends the process with one sentence that says what to do.
 *
 * @param {{ programs?: boolean, modules?: readonly string[], browser?: boolean }} options
 *   `programs: false`: the npm packages only; `modules`: the PHP extensions that are needed;
 *   `browser`: Chromium as well
 */
export async function bootstrap({ programs = true, modules, browser = false } = {}) {
  checkNode();
  installNodeModules();
  if (programs) await installPrograms(modules, browser);
}
