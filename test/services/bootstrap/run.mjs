// The first step of `npm test`: see bootstrap.mjs. `--packages` stops after the npm packages.

import { bootstrap } from './bootstrap.mjs';

await bootstrap({ programs: !process.argv.includes('--packages') });
