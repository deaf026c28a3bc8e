import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** Object.prototype cannot be thawed again, so this runs in a process of its own. */
const script = `
import * as codec from ${JSON.stringify(new URL('../../src/codec/index.ts', import.meta.url).href)};
import { openSession, decodeDeferred } from ${JSON.stringify(new URL('../../src/codec/session.ts', import.meta.url).href)};

const names = [...Object.getOwnPropertyNames(Object.prototype), 'with', 'toJSON', 'name', '5'];
const { decodeSession, encodeSession, serialize, unserialize, PhpObject } = codec;
const map = (value) => Object.fromEntries(names.map((name) => [name, value]));
const php = (name, value) => 's:' + Buffer.byteLength(name) + ':"' + name + '";' + value;
const count = names.length;
const body = (value) => names.map((name) => php(name, value)).join('');
// Written by hand: the constructor refuses the name toJSON.
const object = 'O:1:"A":' + count + ':{' + body('i:1;') + '}';
const wide = 'a:' + count + ':{' + body('a:1:{s:8:"toString";i:1;}') + '}';
const cells = 'a:' + (count + 1) + ':{s:1:"x";i:1;' + body('R:2;') + '}';
const twice = 'a:2:{s:8:"toString";i:1;s:8:"toString";a:1:{s:7:"valueOf";i:2;}}';
const blobs = [object, 'a:2:{i:0;' + object + 'i:1;' + object + '}', wide, cells, twice];

if (process.argv.at(-1) === 'frozen') Object.freeze(Object.prototype);
const said = [];
const say = (bytes) => said.push(bytes.toString('latin1'));
for (const handler of ['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack']) {
  for (let time = 0; time < 3; time++) {
    const session = { a: map(1), b: map([map('x')]), c: map({ toString: 1.5 }) };
    const bytes = encodeSession(session, { handler });
    say(bytes);
    const read = decodeSession(bytes, { handler });
    say(encodeSession(read, { handler }));
    said.push(JSON.stringify(read));
    const opened = openSession(bytes, { handler });
    opened.c.toString = 2;
    decodeDeferred(opened);
    say(encodeSession(opened, { handler }));
    said.push(JSON.stringify(decodeSession(bytes, { handler, only: ['b'] })));
  }
}
const root = names.filter((name) => name !== '5');
for (const handler of ['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack']) {
  const session = Object.fromEntries(root.map((name) => [name, { name }]));
  const bytes = encodeSession(session, { handler });
  say(bytes);
  say(encodeSession(openSession(bytes, { handler }), { handler }));
  const read = decodeSession(bytes, { handler });
  read.toString.added = 1;
  say(encodeSession(read, { handler }));
}
for (const blob of blobs) {
  for (const format of ['php', 'igbinary', 'msgpack']) {
    for (let time = 0; time < 3; time++) {
      const value = unserialize(Buffer.from(blob));
      let bytes;
      try {
        bytes = serialize(value, { format });
      } catch (error) {
        // msgpack has no references to scalars.
        said.push(error.code);
        continue;
      }
      say(bytes);
      const again = unserialize(bytes, { format });
      say(serialize(again, { format }));
      said.push(JSON.stringify(again));
      if (again instanceof PhpObject) {
        say(serialize(PhpObject.with(again, { toString: 'changed', valueOf: 2 }), { format }));
        said.push(JSON.stringify(PhpObject.toArray(again)));
      }
    }
  }
}
process.stdout.write(JSON.stringify(said));
`;

function run(how: 'frozen' | 'free'): readonly string[] {
  const tsx = createRequire(import.meta.url).resolve('tsx');
  const args = ['--import', tsx, '--input-type=module', '-e', script, how];
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as string[];
}

it('with Object.freeze(Object.prototype) everything is read and written as without', () => {
  const frozen = run('frozen');
  expect(frozen.length).toBeGreaterThan(100);
  expect(frozen).toEqual(run('free'));
}, 30_000);
