import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of its own for one service, removed by `remove()` or at the latest when Node exits. */
export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

const left = new Set<string>();
process.on('exit', () => {
  for (const path of left) remove(path);
});

function remove(path: string): void {
  left.delete(path);
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

/** Short names on purpose: a Unix socket path in it must stay below 104 characters on macOS. */
export function temporaryFolder(name: string): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), `psb-${name}-`));
  left.add(path);
  return { path, remove: () => remove(path) };
}
