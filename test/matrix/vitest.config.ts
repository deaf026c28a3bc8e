import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** What needs a Docker engine: `npm run test:matrix`. */
export default defineConfig({
  root: fileURLToPath(new URL('../../', import.meta.url)),
  test: {
    name: 'matrix',
    reporters: ['verbose'],
    include: ['test/matrix/**/*.test.ts'],
    // One compose project at a time: the containers already use every core.
    fileParallelism: false,
    // Containers start slowly or not at all on a busy machine; what is wrong is wrong twice.
    retry: 1,
    testTimeout: 420_000,
    hookTimeout: 300_000,
  },
});
