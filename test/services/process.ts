import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program that runs until it is stopped. */
export interface Service {
  readonly pid: number;
  /** What it has printed since this start, on both outputs. */
  output(): string;
  /** True until it ended, whoever ended it. */
  running(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Asks it to end with `signal` (SIGTERM unless told), after two seconds with SIGKILL. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface ServiceOptions {
  program: string;
  args: readonly string[];
  cwd: string;
  /** File that receives both outputs. A file, because PHP-FPM cannot reopen Node's socket pipes. */
  log: string;
  env?: Record<string, string | undefined>;
  /** Answers true as soon as the service can be used; asked every few milliseconds. */
  ready: (service: Service) => boolean | Promise<boolean>;
  /** Milliseconds until it must be ready. */
  timeout?: number;
}

const running = new Set<ChildProcess>();
// A test run that ends by an exception must not leave servers behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a program and waits until it is ready; rejects with its output if it ends before. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const file = openSync(options.log, 'a');
  // A restarted service writes on in the same file, and must not count as ready by its old lines.
  const from = fstatSync(file).size;
  const child = spawn(options.program, options.args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', file, file],
  });
  closeSync(file);
  running.add(child);
  let ended: string | undefined;
  const end = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      ended = error.message;
      running.delete(child);
      resolve();
    });
    child.once('exit', (code, signal) => {
      ended = `ended with ${signal ?? code}`;
      running.delete(child);
      resolve();
    });
  });
  const service: Service = {
    get pid() {
      return child.pid ?? 0;
    },
    output: () => readFileSync(options.log).subarray(from).toString('utf8'),
    running: () => ended === undefined,
    signal: (signal) => void child.kill(signal),
    async stop(signal = 'SIGTERM') {
      if (ended !== undefined) return;
      child.kill(signal);
      const patience = setTimeout(() => child.kill('SIGKILL'), 2000);
      await end;
      clearTimeout(patience);
    },
  };
  const deadline = Date.now() + (options.timeout ?? 15_000);
  for (;;) {
    if (ended !== undefined) {
      throw new Error(`${options.program} did not start (${ended}): ${tail(options.log)}`);
    }
    if (await options.ready(service)) return service;
    if (Date.now() > deadline) {
      await service.stop('SIGKILL');
      throw new Error(`${options.program} was not ready in time: ${tail(options.log)}`);
    }
    await sleep(10);
  }
}

function tail(log: string): string {
  return readFileSync(log, 'utf8').trim().split('\n').slice(-8).join('\n') || 'it printed nothing';
}
