// The first step of `npm test`: see bootstrap.mjs. `--packages` stops after the npm packages,
// `--browser` brings Chromium as well.

import { bootstrap } from './bootstrap.mjs';

await bootstrap({
  programs: !process.argv.includes('--packages'),
  browser: process.argv.includes('--browser'),
});
