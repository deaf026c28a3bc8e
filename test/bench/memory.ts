/** What a decoded blob keeps alive. Run by the bench in a Node of its own, where collecting is allowed. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadCodec } from './contestants.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function used(): number {
  for (let i = 0; i < 4; i++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const { unserialize } = await loadCodec();
const blob = readFileSync(process.argv[2] ?? '');
const copies = 12;
unserialize(Buffer.from(blob));

const kept: unknown[] = [];
const before = used();
for (let i = 0; i < copies; i++) kept.push(unserialize(Buffer.from(blob)));
const perBlob = (used() - before) / kept.length;

interface Large {
  records: Record<string, { name: string; sku: string }>;
}
const names: string[] = [];
const strings = used();
for (let i = 0; i < copies; i++) {
  const { records } = unserialize(Buffer.from(blob)) as Large;
  const record = Object.values(records)[i] ?? { name: '', sku: '' };
  names.push(record.name, record.sku);
}
const perString = (used() - strings) / names.length;
kept.length = 0;

console.log(JSON.stringify({ blob: blob.length, perBlob, perString }));
