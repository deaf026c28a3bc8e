/**
 * `npm run bench -- --merge [--shape cart] [--rounds 9]`: what a merge costs against the decode of
 * its three versions, and against a tenth of the data.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { merge } from '../../src/session/merge/merge.ts';
import { SessionCodec } from '../../src/session/session-codec.ts';
import { fuzzMerge } from '../fuzz/merge-fuzzer.ts';
import { median } from './measure.ts';
import { type Shape, shapes, type Versions } from './merge-shapes.ts';

/** A merge costs at most so many times the decode of its three versions. */
const MOST_RATIO = 5;
/** Ten times the data, so many times the time; … */
const MOST_GROWTH = 13;
/** … in maps of more than 5,000 different names. */
const MOST_GROWTH_OF_NAMES = 25;
/** Milliseconds: what would take longer is not tried. */
const PATIENCE = 5000;

const codec = new SessionCodec('php_serialize', -1);

interface Times {
  readonly decode: number[];
  readonly merge: number[];
}

/** @returns whether every shape keeps within its bounds */
export function measureMerge(options: {
  readonly rounds: number;
  readonly shape?: string;
}): boolean {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const wanted = shapes.filter(({ name }) => options.shape === undefined || name === options.shape);
  // A process that serves requests has seen many shapes: code that suits only one is no measure.
  fuzzMerge({ milliseconds: 2000, seed: 1 });
  for (const shape of shapes) for (let n = 0; n < 30; n++) once(shape.make(5));
  console.log(
    `Median of ${options.rounds} rounds: decode of three versions, merge, merge / decode (must ${MOST_RATIO}), and ten times the data.`,
  );
  const failed = wanted.filter((shape) => !holds(shape, options.rounds, collect));
  for (const { name } of failed) console.log(`MISSED ${name}`);
  return failed.length === 0;
}

function holds(shape: Shape, rounds: number, collect: () => void): boolean {
  const small = shape.make(shape.size);
  // Before anything large is tried: a merge that is quadratic would never end.
  const tenth = shape.make(Math.ceil(shape.size / 10));
  if (once(tenth).merge * 100 > PATIENCE) return given(shape, `${shape.size} would take too long`);
  const first = once(small);
  if (first.merge * 100 > PATIENCE && first.merge > first.decode * MOST_RATIO) {
    return given(
      shape,
      `${shape.size}: ${micro(first.decode)} µs, ${micro(first.merge)} µs; ${shape.size * 10} would take too long`,
    );
  }
  const large = shape.make(shape.size * 10);
  const sizes = [
    { versions: small, repeat: 20, times: { decode: [], merge: [] } as Times },
    { versions: large, repeat: 5, times: { decode: [], merge: [] } as Times },
  ];
  for (let round = -2; round < rounds; round++) {
    for (const { versions, repeat, times } of sizes) {
      collect();
      // The first run after it begins with what V8 threw away: the median passes it by.
      const runs = Array.from({ length: repeat }, () => once(versions));
      if (round < 0) continue;
      times.decode.push(median(runs.map((run) => run.decode)));
      times.merge.push(median(runs.map((run) => run.merge)));
    }
  }
  const [one, ten] = sizes.map(({ times }) => ({
    decode: median(times.decode),
    merge: median(times.merge),
    ratio: median(times.merge.map((time, round) => time / (times.decode[round] as number))),
  })) as [Measured, Measured];
  const growth = ten.merge / one.merge;
  const must = shape.manyNames ? MOST_GROWTH_OF_NAMES : MOST_GROWTH;
  const good = one.ratio <= MOST_RATIO && ten.ratio <= MOST_RATIO && growth <= must;
  const line = [one, ten]
    .map(
      ({ decode, merge, ratio }) =>
        `${micro(decode)} µs ${micro(merge)} µs  × ${ratio.toFixed(2).padStart(5)}`,
    )
    .join('   ');
  console.log(
    `${shape.name.padEnd(36)}${line}   growth ${growth.toFixed(1).padStart(5)} of ${must} (decode ${(ten.decode / one.decode).toFixed(1)})  ${good ? 'holds' : 'MISSED'}`,
  );
  return good;
}

interface Measured {
  readonly decode: number;
  readonly merge: number;
  readonly ratio: number;
}

function given(shape: Shape, what: string): false {
  console.log(`${shape.name.padEnd(36)}${what}  MISSED`);
  return false;
}

/** Milliseconds of one decode and one merge. A merge that fails has no time that would do. */
function once([base, ours, theirs]: Versions): { readonly decode: number; readonly merge: number } {
  const start = performance.now();
  const [b, o, t] = [codec.decode(base), codec.decode(ours), codec.decode(theirs)];
  const decoded = performance.now();
  try {
    merge(b, o, t);
  } catch {
    return { decode: decoded - start, merge: Number.POSITIVE_INFINITY };
  }
  return { decode: decoded - start, merge: performance.now() - decoded };
}

function micro(milliseconds: number): string {
  return (milliseconds * 1000).toFixed(0).padStart(8);
}
