/** A contestant: runs once over one variant. `php` ones are timed inside PHP. */
export type Contestant =
  | { readonly name: string; readonly run: (variant: number) => unknown }
  | { readonly name: string; readonly php: (milliseconds: number) => Promise<number> };

export interface Result {
  readonly name: string;
  /** Nanoseconds for one blob. */
  readonly fastest: number;
  readonly median: number;
  /** Median over the rounds of this one's time divided by the first contestant's: above 1, the first is faster. */
  readonly ratio: number;
  /** The fastest time divided by the first contestant's: what a busy machine disturbs least. */
  readonly ratioOfFastest: number;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

let sink: unknown;

/** CPU time counts what all threads of the process did, and nothing that the neighbours did. */
export type Clock = 'wall' | 'cpu';

function timeInNode(
  run: (variant: number) => unknown,
  variants: number,
  milliseconds: number,
  clock: Clock,
): number {
  const used = process.cpuUsage();
  const start = process.hrtime.bigint();
  const end = start + BigInt(Math.round(milliseconds * 1e6));
  let count = 0;
  let now: bigint;
  do {
    for (let variant = 0; variant < variants; variant++) sink = run(variant);
    count += variants;
    now = process.hrtime.bigint();
  } while (now < end);
  if (sink === timeInNode) throw new Error('never');
  if (clock === 'wall') return Number(now - start) / count;
  const { user, system } = process.cpuUsage(used);
  return ((user + system) * 1000) / count;
}

/**
 * Interleaved rounds with the order rotated. No forced garbage collection between them: it would
 * throw away optimised code and flatter whoever warms up fastest.
 */
export async function compare(
  contestants: readonly Contestant[],
  options: {
    readonly variants: number;
    readonly rounds: number;
    readonly milliseconds: number;
    readonly clock: Clock;
  },
): Promise<Result[]> {
  const { variants, rounds, milliseconds, clock } = options;
  const times = contestants.map((): number[] => []);
  // One long round first: large functions are optimised late, and on a busy machine later still.
  for (let round = -1; round < rounds; round++) {
    const slice = round < 0 ? Math.max(milliseconds, 400) : milliseconds;
    for (let step = 0; step < contestants.length; step++) {
      const index = (step + Math.max(round, 0)) % contestants.length;
      const contestant = contestants[index] as Contestant;
      const time =
        'run' in contestant
          ? timeInNode(contestant.run, variants, slice, clock)
          : await contestant.php(round < 0 ? milliseconds : slice);
      if (round >= 0) times[index]?.push(time);
    }
  }
  const first = times[0] ?? [];
  const fastestOfFirst = Math.min(...first);
  return contestants.map(({ name }, index) => {
    const own = times[index] ?? [];
    return {
      name,
      fastest: Math.min(...own),
      median: median(own),
      ratioOfFastest: Math.min(...own) / fastestOfFirst,
      ratio: median(own.map((time, round) => time / (first[round] ?? Number.NaN))),
    };
  });
}
