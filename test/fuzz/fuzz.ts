/**
 * `npm run fuzz -- [--seconds 60] [--seed 1] [--format php]`: mutated real blobs against the codec and PHP.
 * `npm run fuzz -- --merge [--seconds 60] [--seed 1]`: random edits of random sessions against the merge.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type PeerFormat, PhpPeer } from '../interop/codec/php-peer.ts';
import { fuzz, fuzzFormats } from './fuzzer.ts';
import { fuzzMerge } from './merge-fuzzer.ts';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    format: { type: 'string', multiple: true },
    merge: { type: 'boolean', default: false },
  },
});
const formats = (options.format as PeerFormat[] | undefined) ?? fuzzFormats;
const seed = Number(options.seed ?? Date.now() % 1_000_000_000);
const milliseconds = Number(options.seconds) * 1000;

// A hang stops this thread for good, so another one watches: it knows the input that is being read.
const shared = new SharedArrayBuffer(1 << 16);
const header = new Int32Array(shared, 0, 2);
const room = new Uint8Array(shared, 8);
const hung = join(tmpdir(), 'fuzz-hung.bin');
const watcher = new Worker(
  `const { workerData } = require('node:worker_threads');
   const { writeFileSync } = require('node:fs');
   const header = new Int32Array(workerData.shared, 0, 2);
   let last = -1;
   setInterval(() => {
     const now = Atomics.load(header, 0);
     if (now === last && now > 0) {
       writeFileSync(workerData.hung, Buffer.from(new Uint8Array(workerData.shared, 8, header[1])));
       console.error('hangs for 10 seconds; the input is in ' + workerData.hung);
       process.exit(1);
     }
     last = now;
   }, 10000).unref();
   require('node:worker_threads').parentPort.on('message', () => process.exit(0));`,
  { eval: true, workerData: { shared, hung } },
);

console.log(`seed ${seed}, ${options.seconds} s`);
let failed = false;
const onInput = (input: Buffer): void => {
  room.set(input.subarray(0, room.length));
  header[1] = Math.min(input.length, room.length);
  Atomics.add(header, 0, 1);
};
if (options.merge) mergeTriples();
else await mutateBlobs();
watcher.postMessage('done');
process.exitCode = failed ? 1 : 0;

function mergeTriples(): void {
  const report = fuzzMerge({ milliseconds, seed, onInput });
  const handlers = Object.entries(report.byHandler).map(([name, count]) => `${name} ${count}`);
  console.log(
    `${report.triples} triples, ${report.conflicts} conflicts, again in ${handlers.join(', ')}; ${report.findings.length} findings`,
  );
  const findings = report.findings.map(({ what, triple }) => ({
    what,
    base: triple.base.toString('latin1'),
    ours: triple.ours.toString('latin1'),
    theirs: triple.theirs.toString('latin1'),
  }));
  for (const { what, base, ours, theirs } of findings) {
    failed = true;
    console.log(`  ${what.slice(0, 400)}\n    ${base}\n    ${ours}\n    ${theirs}`);
  }
  if (failed) writeFindings('merge', findings);
}

function writeFindings(name: string, findings: readonly unknown[]): void {
  writeFileSync(join(tmpdir(), `fuzz-${name}-${seed}.json`), JSON.stringify(findings, null, 1));
}

async function mutateBlobs(): Promise<void> {
  await using peer = new PhpPeer({ classes: false });
  for (const format of formats) {
    const report = await fuzz(format, peer, {
      milliseconds: milliseconds / formats.length,
      seed,
      onInput,
    });
    console.log(
      `${format.padEnd(15)} ${report.inputs} inputs, ${report.accepted} accepted, ${report.compared} put to PHP, ${report.findings.length} findings`,
    );
    for (const { what, input } of report.findings) {
      failed = true;
      console.log(`  ${JSON.stringify(input.toString('latin1'))}\n    ${what.slice(0, 400)}`);
    }
    if (report.findings.length > 0) {
      writeFindings(
        format,
        report.findings.map(({ what, input }) => ({ what, input: input.toString('latin1') })),
      );
    }
  }
  if (peer.crashes > 0) console.log(`PHP itself crashed ${peer.crashes} times`);
}
