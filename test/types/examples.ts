// Type-checks the TypeScript blocks of the README and of docs/ against the built package.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { examples } from '../docs/examples.ts';

/** What the blocks take as given. */
const GIVEN = `
import type assertModule from 'node:assert/strict';
import type Koa from 'koa';
import type { SessionManager } from 'php-session-bridge';
import type { Redis } from 'ioredis';
declare global {
  const address: string;
  const app: Koa;
  const assert: typeof assertModule;
  const createApp: (sessions: SessionManager) => Koa;
  const redis: Redis;
  const sessions: SessionManager;
  const id: string;
}
`;

const blocks = examples().filter(({ language }) => language === 'ts');
if (process.argv.includes('--list')) {
  for (const { place } of blocks) console.log(place);
} else {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const folder = `${root}artifacts/example-types`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/given.d.ts`, GIVEN);
  for (const { place, code } of blocks) {
    // Named after the place, so that an error of tsc leads there.
    const name = place.replace(/[^\w]+/g, '-');
    writeFileSync(`${folder}/${name}.ts`, `${code}\nexport {};\n`);
  }
  writeFileSync(
    `${folder}/tsconfig.json`,
    JSON.stringify({
      compilerOptions: {
        target: 'ES2022',
        lib: ['ES2023', 'ESNext.Disposable'],
        module: 'NodeNext',
        types: ['node'],
        strict: true,
        noEmit: true,
        skipLibCheck: true,
      },
      include: ['*.ts'],
    }),
  );
  const { status } = spawnSync('npx', ['tsc', '-p', folder], { stdio: 'inherit', cwd: root });
  process.exitCode = status ?? 1;
}
