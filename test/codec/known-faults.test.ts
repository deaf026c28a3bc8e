/**
 * Faults that are known and wait for the readers' redesign: each test says what should be. Whoever
 * mends one makes it an ordinary test.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { CodecError, decodeSession, unserialize } from '../../src/codec/index.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CODEC = new URL('../../src/codec/index.ts', import.meta.url).href;

/** Runs a module in a process of its own, which has read nothing before. */
function freshly(source: string, flags: readonly string[] = []): string {
  const tsx = createRequire(import.meta.url).resolve('tsx');
  const code = `import { unserialize } from ${JSON.stringify(CODEC)};\n${source}`;
  const args = [...flags, '--import', tsx, '--input-type=module', '-e', code];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

describe('what is accepted does not depend on what was read before', () => {
  const accepted = `
    const isAccepted = () => {
      try { unserialize(Buffer.from('O:7:"foo bar":0:{}')); return true; } catch { return false; }
    };`;

  test('a class name that PHP refuses is refused in a fresh process', () => {
    expect(freshly(`${accepted} console.log(isAccepted());`)).toBe('false\n');
  });

  // igbinary and msgpack intern the names of classes without a look at them.
  test.fails('and after an igbinary value of that class as well', () => {
    const blob = '00000002' + '1707' + Buffer.from('foo bar').toString('hex') + '1400';
    expect(
      freshly(`${accepted}
        try { unserialize(Buffer.from('${blob}', 'hex'), { format: 'igbinary' }); } catch {}
        console.log(isAccepted());`),
    ).toBe('false\n');
  });
});

describe('nothing of the data stays behind when its values are gone', () => {
  const measure = (read: string) => `
    const used = () => { gc(); gc(); const m = process.memoryUsage(); return m.heapUsed + m.external; };
    ${read}
    readAll(2);
    const before = used();
    readAll(200);
    console.log(used() - before);`;
  const LIMIT = 4 * 1024 * 1024;

  // Layouts are kept by their number, whatever the names in them are long.
  test.fails('long names of properties', () => {
    const grown = Number(
      freshly(
        measure(`
          let made = 0;
          const readAll = (count) => {
            for (let i = 0; i < count; i++) {
              const name = String(made++).padStart(100_000, 'x');
              unserialize(Buffer.from('O:' + (1 + String(made).length) + ':"C' + made + '":1:{s:' + name.length + ':"' + name + '";N;}'));
            }
          };`),
        ['--expose-gc'],
      ),
    );
    expect(grown).toBeLessThan(LIMIT);
  });

  // The keys of the containers that were open stay on the stack of the reader.
  test.fails('the keys of deep data', () => {
    const grown = Number(
      freshly(
        measure(`
          const readAll = (depth) => {
            let text = 'N;';
            for (let i = 0; i < depth; i++) {
              const key = String(i).padStart(100_000, 'k');
              text = 'a:1:{s:' + key.length + ':"' + key + '";' + text + '}';
            }
            unserialize(Buffer.from(text));
          };`),
        ['--expose-gc'],
      ),
    );
    expect(grown).toBeLessThan(LIMIT);
  });
});

describe('with `only` the same bytes are refused as without', () => {
  const session = (value: string): Buffer => Buffer.from(`a:2:{s:1:"a";i:1;s:1:"b";${value}}`);
  const refused = (value: string, options: object): string => {
    try {
      decodeSession(session(value), { handler: 'php_serialize', ...options });
      return 'accepted';
    } catch (error) {
      return error instanceof CodecError ? error.code : 'another error';
    }
  };

  // What is passed over has no limit of depth where none is left.
  test.fails('what is deeper than maxDepth', () => {
    const deep = 'a:1:{i:0;a:1:{i:0;N;}}';
    expect(refused(deep, { maxDepth: 1 })).toBe('ERR_PSB_CODEC_LIMIT');
    expect(refused(deep, { maxDepth: 1, only: ['a'] })).toBe('ERR_PSB_CODEC_LIMIT');
  });

  test.fails('a wanted variable has no level more than it has as a part of all', () => {
    const two = 'a:1:{i:0;a:0:{}}';
    const deep = `a:1:{i:0;${two}}`;
    expect(refused(deep, { maxDepth: 2 })).toBe('ERR_PSB_CODEC_LIMIT');
    expect(refused(deep, { maxDepth: 2, only: ['b'] })).toBe('ERR_PSB_CODEC_LIMIT');
  });

  test.fails.each([
    ['a class name that is none', 'O:7:"foo bar":0:{}'],
    ['an enum without a case', 'E:4:"Suit";'],
    ['a back-reference to nothing', 'R:99;'],
  ])('%s', (_, value) => {
    expect(refused(value, {})).toMatch(/^ERR_PSB_CODEC/);
    expect(refused(value, { only: ['a'] })).toMatch(/^ERR_PSB_CODEC/);
  });
});

test('the faults above are asked of values that are read at all', () => {
  expect(unserialize(Buffer.from('O:6:"foobar":0:{}'))).toBeDefined();
});
