import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { serialize, unserialize } from '../../src/codec/index.ts';
import { bytesOf, readFixtures } from '../fixtures/fixtures.ts';

type Classes = Record<string, new () => object>;
interface PhpSerialize {
  serialize(value: unknown, scope?: Classes): string;
  unserialize(bytes: Buffer, scope?: Classes): unknown;
}
const peer = createRequire(import.meta.url)('php-serialize') as PhpSerialize;

const rows = readFixtures('php').values.flatMap((row) => {
  const { serialize: bytes } = row.bytes;
  return typeof bytes === 'string' ? [{ ...row, blob: bytesOf(bytes) }] : [];
});

/** The package wants a JavaScript class for every PHP class: give it whatever the blob names. */
function scopeFor(blob: Buffer): Classes {
  const scope: Classes = {};
  for (const [, name = ''] of blob.toString('latin1').matchAll(/[OC]:\d+:"([^"]*)"/g)) {
    const made = class {};
    Object.defineProperty(made, 'name', { value: name });
    scope[name] = made;
  }
  return scope;
}

function theirs(blob: Buffer): Buffer | 'throws' {
  try {
    const scope = scopeFor(blob);
    return Buffer.from(peer.serialize(peer.unserialize(Buffer.from(blob), scope), scope));
  } catch {
    return 'throws';
  }
}

function ours(blob: Buffer): Buffer {
  return serialize(unserialize(Buffer.from(blob)));
}

/** What php-serialize 5 loses, by the name of a row that shows it. */
const losses: readonly (readonly [what: string, row: string])[] = [
  ['whole floats become integers', 'list: floats'],
  ['a whole float in a record becomes an integer', 'list: records'],
  ['minus zero loses its sign and its type', 'float -0.0'],
  ['infinity is not read', 'float INF'],
  ['NAN is not read', 'float NAN'],
  ['large exponents are not laid out as PHP does', 'float 1e21'],
  ['small exponents are not laid out as PHP does', 'float 0.00001'],
  [
    'the text of another serialize_precision is lost',
    'floats under serialize_precision 17 in a list',
  ],
  ['bytes that are not UTF-8 are replaced', 'string: EUC-KR'],
  ['binary strings are destroyed', 'string: md5 raw'],
  ['integer keys become string keys', 'map: sparse ints'],
  ['the order of integer keys is lost', 'map: ints backwards'],
  ['the order of mixed keys is lost', 'map: mixed, ints last'],
  ['keys that are not UTF-8 are replaced', 'map: EUC-KR key'],
  ['__proto__ vanishes', 'map: __proto__'],
  ['a key named like a method breaks it', 'map: JS names'],
  ['protected and private become public', 'object: visibility'],
  ['private properties of parent and child', 'object: parent and child privates'],
  ['__serialize with integer keys is not written', 'object: __serialize with int keys'],
  ['Serializable needs code of its own', 'object: Serializable raw'],
  ['the order of integer-like properties is lost', 'object: stdClass int-like properties'],
  ['an object that holds itself is not read', 'object: self'],
  ['the same object twice is not read', 'sharing: object twice'],
  ['references are not read', 'sharing: scalar twice'],
  ['enum cases are not read', 'enum: backed'],
];

describe('php-serialize loses what this package keeps', () => {
  it.each(losses)('%s', (_, name) => {
    const row = rows.find((candidate) => candidate.name === name);
    if (!row) throw new Error(`no fixture ${name}`);
    expect(theirs(row.blob)).not.toEqual(row.blob);
    expect(ours(row.blob)).toEqual(row.blob);
  });

  it('has no reader for session formats', () => {
    expect(theirs(Buffer.from('a|i:1;'))).toBe('throws');
  });
});

describe('where php-serialize is right, we agree', () => {
  const right = rows.filter(({ blob }) => {
    const answer = theirs(blob);
    return answer !== 'throws' && answer.equals(blob);
  });

  it('is right about a good part of the fixtures', () => {
    expect(right.length).toBeGreaterThan(150);
    expect(right.length).toBeLessThan(rows.length / 1.5);
  });

  it.each(right.filter(({ json }) => json !== undefined))('$name', ({ blob }) => {
    expect(ours(blob)).toEqual(blob);
    // Objects differ in kind (a PhpObject here, a class there): their JSON must not.
    const view = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? Number(inner) : inner)),
      );
    const value: unknown = unserialize(Buffer.from(blob));
    expect(view(value)).toEqual(view(peer.unserialize(Buffer.from(blob), scopeFor(blob))));
  });
});
