import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of its own for one service, removed by `remove()` or at the latest when Node exits. */
export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

/** Short names on purpose: a Unix socket path in it must stay below 104 characters on macOS. */
export function temporaryFolder(name: string): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), `psb-${name}-`));
  const remove = (): void => {
    process.off('exit', remove);
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  };
  process.on('exit', remove);
  return { path, remove };
}
