import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { AccessLog } from '../../docker/demo/service/page-access-log.ts';
import { temporaryFolder } from '../services/folder.ts';

const folder = temporaryFolder('log');
afterAll(() => folder.remove());

const line = (end: string, took: string, method: string, uri: string): string =>
  `${JSON.stringify({ end, took, method, uri })}\n`;

it('tells which PHP requests ran at a moment, and reads on as the log grows', async () => {
  const path = join(folder.path, 'access.log');
  const log = new AccessLog(path);
  // The proxy makes the file with its first request.
  expect(await log.runningAt(1000)).toEqual([]);

  appendFileSync(path, line('1.100', '0.100', 'POST', '/user/login.php'));
  appendFileSync(path, line('1.100', '0.100', 'GET', '/node/'));
  appendFileSync(path, line('1.100', '0.100', 'GET', '/task/whoami.php'));
  expect(await log.runningAt(1050)).toEqual([
    { service: 'user', request: 'POST /user/login.php', from: 1000, to: 1100 },
  ]);
  expect(await log.runningAt(1200)).toEqual([]);

  const next = line('1.250', '0.200', 'POST', '/task/cart.php');
  appendFileSync(path, next.slice(0, 20));
  expect(await log.runningAt(1200)).toEqual([]);
  appendFileSync(path, next.slice(20));
  expect((await log.runningAt(1075)).map(({ service }) => service)).toEqual(['user', 'task']);
  expect((await log.runningAt(1200)).map(({ service }) => service)).toEqual(['task']);
});
