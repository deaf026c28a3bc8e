/** Sessions of many shapes, each as it was read and as two requests made it. */
import { PhpFloat, PhpObject } from '../../src/codec/index.ts';
import { SessionCodec } from '../../src/session/session-codec.ts';
import { Random } from '../fuzz/mutate.ts';

/** base, ours, theirs */
export type Versions = readonly [base: Buffer, ours: Buffer, theirs: Buffer];

export interface Shape {
  readonly name: string;
  /** How much of it: one and ten times are compared. */
  readonly size: number;
  /** So many different names that V8 keeps its own tables for them. */
  readonly manyNames?: true;
  make(size: number): Versions;
}

const codec = new SessionCodec('php_serialize', -1);

/** The same for all three versions; a leaf says what a side made of it. */
function each(make: (leaf: (at: number) => number) => Record<string, unknown>): Versions {
  const [base, ours, theirs] = [0, 1, 2].map((side) => {
    const random = new Random(side);
    // About half of the leaves changed on each side, some of them on both.
    return codec.encode(make((at) => (side > 0 && random.below(2) === 0 ? at + side * 1e6 : at)));
  });
  return [base, ours, theirs] as Versions;
}

/** A variable `l` with a list of its own for each version. */
function lists(make: (random: Random, side: number) => readonly unknown[]): Versions {
  const versions = [0, 1, 2].map((side) => codec.encode({ l: make(new Random(side), side) }));
  return versions as unknown as Versions;
}

function named(size: number, value: (at: number) => unknown): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: size }, (_, at) => [`name${at}`, value(at)]));
}

function nested(depth: number, leaf: (at: number) => number): Record<string, unknown> {
  const levels = Array.from({ length: depth }, (_, at) => leaf(at));
  return levels.reduceRight<Record<string, unknown>>((inner, value) => ({ v: value, in: inner }), {
    end: 1,
  });
}

function shuffled(length: number, random: Random): number[] {
  const items = Array.from({ length }, (_, at) => at);
  for (let at = length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [items[at], items[other]] = [items[other] as number, items[at] as number];
  }
  return items;
}

/** All variables are one reference. */
function tied(size: number, value: number): Buffer {
  const names = Array.from({ length: size }, (_, at) => `name${at}`);
  const pairs = names.map(
    (name, at) => `s:${name.length}:"${name}";${at === 0 ? `i:${value};` : 'R:2;'}`,
  );
  return Buffer.from(`a:${size}:{${pairs.join('')}}`);
}

function cart(lines: number, leaf: (at: number) => number): Record<string, unknown> {
  return {
    _token: 'c2Vzc2lvbi10b2tlbi1vZi1mb3J0eS1jaGFyYWN0ZXJz',
    userid: 'kky',
    visits: leaf(0),
    language: 'ko',
    cart: {
      items: Array.from({ length: lines }, (_, at) => ({
        id: at,
        name: `제품 ${at}`,
        quantity: leaf(at),
        price: new PhpFloat(leaf(at) / 4),
        options: { size: 'L', color: leaf(at) % 2 === 0 ? 'red' : 'blue' },
      })),
      total: new PhpFloat(leaf(1) * 100),
    },
    viewed: Object.fromEntries(Array.from({ length: lines * 2 }, (_, at) => [800 + at, leaf(at)])),
  };
}

export const shapes: readonly Shape[] = [
  {
    name: 'strings',
    size: 800,
    manyNames: true,
    make: (size) => each((leaf) => named(size, (at) => `value ${leaf(at)}`)),
  },
  {
    name: 'floats',
    size: 800,
    manyNames: true,
    make: (size) => each((leaf) => named(size, (at) => leaf(at) + 0.5)),
  },
  {
    name: 'floats without a fraction',
    size: 800,
    manyNames: true,
    make: (size) => each((leaf) => named(size, (at) => new PhpFloat(leaf(at)))),
  },
  {
    name: 'ints',
    size: 800,
    manyNames: true,
    make: (size) => each((leaf) => named(size, leaf)),
  },
  {
    name: 'more than 5000 ints',
    size: 6000,
    manyNames: true,
    make: (size) => each((leaf) => named(size, leaf)),
  },
  {
    name: 'int keys',
    size: 400,
    make: (size) =>
      each((leaf) => ({
        cart: Object.fromEntries(Array.from({ length: size }, (_, at) => [10 + at * 3, leaf(at)])),
      })),
  },
  {
    name: 'objects',
    size: 800,
    manyNames: true,
    make: (size) =>
      each((leaf) => named(size, (at) => new PhpObject('App\\Item', { id: at, n: leaf(at) }))),
  },
  { name: 'depth 5 to 50', size: 5, make: (size) => each((leaf) => nested(size, leaf)) },
  { name: 'depth 100 to 1000', size: 100, make: (size) => each((leaf) => nested(size, leaf)) },
  { name: 'depth 400 to 4000', size: 400, make: (size) => each((leaf) => nested(size, leaf)) },
  {
    name: 'list of maps',
    size: 200,
    make: (size) =>
      each((leaf) => ({
        l: Array.from({ length: size }, (_, at) => ({ id: at, qty: leaf(at), note: 'a note' })),
      })),
  },
  {
    name: 'list of ints, both append',
    size: 500,
    make: (size) =>
      lists((_, side) =>
        Array.from({ length: side === 0 ? size : size * 2 }, (_, at) =>
          at < size ? at : at + side * 1e6,
        ),
      ),
  },
  {
    name: 'list of ints, half of them changed',
    size: 500,
    make: (size) => each((leaf) => ({ l: Array.from({ length: size }, (_, at) => leaf(at)) })),
  },
  {
    name: 'list of objects',
    size: 200,
    make: (size) =>
      each((leaf) => ({
        l: Array.from({ length: size }, (_, at) => new PhpObject('App\\Item', { n: leaf(at) })),
      })),
  },
  {
    name: 'list in another order',
    size: 200,
    make: (size) =>
      lists((random, side) =>
        side === 0 ? shuffled(size, new Random(9)) : shuffled(size, random),
      ),
  },
  {
    name: 'list of two values',
    size: 200,
    make: (size) => lists((random) => Array.from({ length: size }, () => random.below(2))),
  },
  {
    name: 'one reference',
    size: 400,
    make: (size) => [tied(size, 1), tied(size, 2), tied(size, 3)],
  },
  { name: 'cart', size: 6, make: (size) => each((leaf) => cart(size, leaf)) },
];
