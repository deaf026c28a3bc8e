import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('nothing that can be printed shows the password, with NODE_DEBUG=koa-session neither', async () => {
  const script = fileURLToPath(new URL('./secrets.ts', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', script],
    { env: { ...process.env, NODE_DEBUG: 'koa-session' } },
  );
  expect(stderr).toContain('session options {"key":"shop"');
  expect(stdout).toContain('PhpSessionStore');
  expect(stdout + stderr).not.toContain('hunter2');
}, 20_000);
