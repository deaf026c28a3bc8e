// `npm run demo`: plain JavaScript, because it runs on a fresh clone before anything is installed.

import { bootstrap } from '../../test/services/bootstrap/bootstrap.mjs';

// In containers nothing but Node and Docker is needed; else everything but the extensions for the
// binary serialize handlers, unless one of them is asked for.
const args = process.argv.slice(2);
const binary = args.find((arg) => /igbinary|msgpack/.test(arg))?.replace(/^.*=/, '');
await bootstrap({
  programs: !args.includes('--docker') && !args.includes('--help'),
  modules: ['redis', ...(binary ? [binary] : [])],
});

const { register } = await import('tsx/esm/api');
register();
await import('./run.ts');
