import { describe, expect, it } from 'vitest';
import {
  CodecError,
  decodeSession,
  encodeSession,
  serialize,
  unserialize,
} from '../../src/codec/index.ts';

/** Blobs whose size is about proportional to n; each may be refused, but never slowly. */
const shapes: Readonly<Record<string, (n: number) => string>> = {
  'deep arrays': (n) => 'a:1:{i:0;'.repeat(n),
  'deep arrays, closed': (n) => `${'a:1:{i:0;'.repeat(n)}N;${'}'.repeat(n)}`,
  'deep objects': (n) => `${'O:1:"A":1:{s:1:"a";'.repeat(n)}N;${'}'.repeat(n)}`,
  'deep payloads': (n) => nest(Math.min(n, 2000)),
  'one list': (n) => `a:${n}:{${entries(n, (i) => `i:${i};i:${i};`)}}`,
  'distinct string keys': (n) => `a:${n}:{${entries(n, (i) => `${text(`key${i}`)}i:1;`)}}`,
  'integer keys backwards': (n) => `a:${n}:{${entries(n, (i) => `i:${n - i};i:1;`)}}`,
  'sparse integer keys': (n) => `a:${n}:{${entries(n, (i) => `i:${(i * 7919) % 1000003};i:1;`)}}`,
  'mixed keys': (n) =>
    `a:${n}:{${entries(n, (i) => (i % 2 ? `i:${i};d:1;` : `${text(`k${i}`)}d:2;`))}}`,
  'one key, many times': (n) => `a:${n}:{${entries(n, () => 'i:0;d:1;')}}`,
  'two keys, many times, referenced': (n) =>
    `a:${n}:{${entries(n, (i) => `s:1:"${i % 2 ? 'a' : 'b'}";${i < 2 ? 'i:1;' : 'R:2;'}`)}}`,
  'references to one scalar': (n) => `a:${n}:{i:0;i:1;${entries(n - 1, (i) => `i:${i + 1};R:2;`)}}`,
  'a reference to every second scalar': (n) =>
    `a:${n}:{${entries(n, (i) => `i:${i};${i % 2 ? `R:${(i - 1) / 2 + 2};` : 'i:1;'}`)}}`,
  'one object many times': (n) =>
    `a:${n}:{i:0;O:1:"A":0:{}${entries(n - 1, (i) => `i:${i + 1};r:2;`)}}`,
  'objects in a chain': (n) =>
    `a:${n}:{${entries(n, (i) => `i:${i};${i ? `r:2;` : 'O:1:"A":0:{}'}`)}}`,
  'objects of distinct classes': (n) =>
    `a:${n}:{${entries(n, (i) => `i:${i};O:${String(i).length + 1}:"C${i}":1:{s:1:"a";i:1;}`)}}`,
  'objects of one class, distinct properties': (n) =>
    `a:${n}:{${entries(n, (i) => `i:${i};O:1:"C":1:{${text(`p${i}`)}i:1;}`)}}`,
  'one object, distinct properties': (n) =>
    `O:1:"C":${n}:{${entries(n, (i) => `${text(`p${i}`)}d:1;`)}}`,
  'one object, one property under many scopes': (n) =>
    `O:1:"C":${n}:{${entries(n, (i) => `${text(`\0S${i}\0p`)}i:1;`)}}`,
  'one object, integer-like properties backwards': (n) =>
    `O:1:"C":${n}:{${entries(n, (i) => `${text(String(n - i))}i:1;`)}}`,
  'empty arrays': (n) => `a:${n}:{${entries(n, (i) => `i:${i};a:0:{}`)}}`,
  'small maps with odd floats': (n) =>
    `a:${n}:{${entries(n, (i) => `i:${i};a:1:{s:1:"f";d:0.10000000000000001;}`)}}`,
  'lists that turn into maps at the end': (n) =>
    `a:${n}:{${entries(n - 1, (i) => `i:${i};d:1;`)}s:1:"k";i:1;}`,
  'raw payloads, then references': (n) =>
    `a:${n}:{i:0;i:1;${entries(n - 1, (i) => `i:${i + 1};${i % 2 ? 'C:1:"A":4:{i:1;}' : 'R:2;'}`)}}`,
  'a long float': (n) => `d:${'1'.repeat(n)};`,
  'a long integer': (n) => `i:${'0'.repeat(n)}1;`,
  'long lengths': (n) => `s:${'0'.repeat(n)}1:"a";`,
  'a long class name': (n) => `O:${n}:"${'A'.repeat(n)}":0:{}`,
  'odd bytes in a long string': (n) => `s:${n}:"${'\xff'.repeat(n)}";`,
  'odd bytes in a key': (n) =>
    `a:1:{s:${n}:"${'\xed\xb2\x80'.repeat(n / 4)}${'x'.repeat(n - Math.floor(n / 4) * 3)}";i:1;}`,
  'escaped bytes': (n) => `S:${n}:"${'\\41'.repeat(n)}";`,
};

function nest(depth: number): string {
  let payload = 'N;';
  for (let i = 0; i < depth; i++) payload = `C:1:"A":${payload.length}:{${payload}}`;
  return payload;
}

function entries(n: number, entry: (i: number) => string): string {
  return Array.from({ length: n }, (_, i) => entry(i)).join('');
}

function text(name: string): string {
  return `s:${name.length}:"${name}";`;
}

function attempt(blob: Buffer): void {
  try {
    const value = unserialize(blob);
    serialize(value);
  } catch (error) {
    expect(error).toBeInstanceOf(CodecError);
  }
}

/** Milliseconds of CPU time: what others do on the machine does not count. */
function cost(blob: Buffer): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const start = process.cpuUsage();
    attempt(blob);
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

describe('time grows with the input, not with its square', () => {
  it.each(Object.entries(shapes))('%s', { timeout: 60_000 }, (_, shape) => {
    const small = Buffer.from(shape(1000), 'latin1');
    const large = Buffer.from(shape(16_000), 'latin1');
    attempt(small);
    const before = Math.max(cost(small), 0.5);
    const after = cost(large);
    // Sixteen times the input: linear is 16, quadratic 256. Large hash tables cost their share.
    expect(after, `${before.toFixed(1)} ms, then ${after.toFixed(1)} ms`).toBeLessThan(before * 80);
  });
});

describe('sharing is never expanded', () => {
  it('each level holds the one before twice, as objects', () => {
    const depth = 40;
    let blob = 'O:1:"A":0:{}';
    for (let i = 0; i < depth; i++) {
      blob = `O:1:"A":2:{s:1:"a";${blob}s:1:"b";r:${i === 0 ? depth + 1 : depth + 1 - i};}`;
    }
    const bytes = Buffer.from(blob);
    expect(serialize(unserialize(bytes))).toEqual(bytes);
  });

  it('each level holds the one before twice, as arrays by reference', () => {
    const depth = 40;
    let blob = 'a:1:{i:0;i:1;}';
    for (let i = 0; i < depth; i++) blob = `a:2:{i:0;${blob}i:1;R:${depth + 1 - i};}`;
    const bytes = Buffer.from(blob);
    expect(serialize(unserialize(bytes))).toEqual(bytes);
  });
});

describe('claims are not believed', () => {
  it.each([
    'a:999999999:{i:0;',
    'a:9999999999999999:{i:0;',
    'O:1:"A":999999999:{s:1:"a";',
    's:2000000000:"x";',
    'S:2000000000:"x";',
    'C:1:"A":2000000000:{x}',
    'O:2000000000:"A":0:{}',
    'E:2000000000:"A:B";',
    'a:1:{s:2000000000:"x";i:1;}',
    `a:300000:{${'i:0;'.repeat(10)}`,
  ])('%s', (blob) => {
    const before = process.memoryUsage();
    const start = performance.now();
    expect(() => unserialize(Buffer.from(blob))).toThrow(CodecError);
    expect(performance.now() - start).toBeLessThan(50);
    const after = process.memoryUsage();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(32e6);
  });
});

describe('prototypes are out of reach', () => {
  const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];

  it.each(names)('%s as a key, a property and a variable', (name) => {
    const value = `a:1:{${text(name)}a:1:{s:8:"polluted";i:1;}}`;
    for (const blob of [value, `O:1:"A":1:{${text(name)}a:1:{s:8:"polluted";i:1;}}`]) {
      const decoded = unserialize(Buffer.from(blob)) as Record<string, unknown>;
      expect(Object.keys(decoded)).toEqual([name]);
      expect(Object.hasOwn(decoded, name)).toBe(true);
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      expect(serialize(decoded).toString()).toBe(blob);
    }
    const session = Buffer.from(`${name}|a:1:{s:8:"polluted";i:1;}`);
    const variables = decodeSession(session, { handler: 'php' });
    expect(Object.keys(variables)).toEqual([name]);
    expect((variables as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(encodeSession(variables, { handler: 'php' })).toEqual(session);
  });
});

describe('what cannot be said is refused with its path', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = { inner: cyclic };
  it.each([
    ['a function', { a: { b: () => 1 } }, 'a.b'],
    ['a symbol', { a: [Symbol('x')] }, 'a[0]'],
    ['a lone surrogate', { a: 'x\ud800' }, 'a'],
    ['another lone surrogate', { a: '\udfff' }, 'a'],
    ['an integer beyond 64 bits', { a: { b: 2n ** 63n } }, 'a.b'],
    ['an integer below 64 bits', { a: { b: -(2n ** 63n) - 1n } }, 'a.b'],
    ['a cycle', cyclic, /^self\.inner/],
    ['a Map', { a: new Map() }, 'a'],
    ['a Set', { a: { b: new Set() } }, 'a.b'],
    ['a Promise', { a: Promise.resolve(1) }, 'a'],
  ])('%s', (_, value, path) => {
    for (const encode of [() => encodeSession(value, { handler: 'php' }), () => serialize(value)]) {
      let caught: unknown;
      try {
        encode();
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(CodecError);
      const { path: said = '' } = caught as CodecError;
      if (typeof path === 'string') expect(said).toBe(path);
      else expect(said).toMatch(path);
    }
  });

  it.each([
    ['|', 'php'],
    ['a|b', 'php'],
    ['n'.repeat(128), 'php_binary'],
    ['은'.repeat(43), 'php_binary'],
    ['5', 'php'],
    ['-5', 'php_binary'],
    ['9223372036854775807', 'php'],
  ] as const)('the name %s under %s', (name, handler) => {
    expect(() => encodeSession({ [name]: 1 }, { handler })).toThrow(CodecError);
  });
});

describe('an error says where, and never what', () => {
  it.each([
    ['secret|s:6:"hunter', 'php'],
    ['a:1:{s:6:"secret";s:6:"hunter2";}', 'php_serialize'],
    ['secret|a:1:{s:8:"password";s:6:"hunter2";}', 'php'],
    ['\x06secreta:1:{s:8:"password";s:6:"hunter2";}', 'php_binary'],
  ] as const)('%s', (blob, handler) => {
    let caught: unknown;
    try {
      decodeSession(Buffer.from(blob, 'latin1'), { handler });
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(CodecError);
    const { message, offset, path } = caught as CodecError;
    expect(offset).toBeGreaterThan(0);
    expect(offset).toBeLessThanOrEqual(blob.length);
    expect(path).toMatch(/^secret/);
    expect(message).not.toContain('hunter');
  });

  it.each([
    ['a:1:{i:0;R:5;}', 9, '[0]'],
    ['a:1:{i:0;r:9999999999;}', 9, '[0]'],
    ['a:2:{s:1:"a";i:1;s:1:"b";r:2;}', 25, 'b'],
    ['a:1:{i:0;r:;}', 9, '[0]'],
    ['a:1:{i:0;a:1:{s:1:"k";x}}', 22, '[0].k'],
  ] as const)('where the value begins: %s', (text, offset, path) => {
    expect(() => unserialize(Buffer.from(text))).toThrow(
      expect.objectContaining({ offset, path }) as unknown as Error,
    );
  });
});
