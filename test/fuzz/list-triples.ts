/** Edits of a list of which everybody knows what they make together. */
import type { Random } from './mutate.ts';
import type { Triple } from './triples.ts';

type Item = number;

/** Two edits of one list that do not touch each other, and what must come out without a conflict. */
export function listTriple(random: Random): { readonly triple: Triple; readonly merged: Buffer } {
  const base = Array.from({ length: 1 + random.below(8) }, (_, item) => item);
  let next = base.length;
  /** For each item of the base what each side makes of it, and what it puts before it. */
  const ours: Item[] = [];
  const theirs: Item[] = [];
  const merged: Item[] = [];
  const [oursDoes, theirsDoes] = random.of([
    ['removes', 'removes'],
    ['removes', 'inserts'],
    ['inserts', 'removes'],
    ['inserts', 'inserts'],
    ['changes', 'changes'],
    ['changes', 'inserts'],
    ['inserts', 'changes'],
  ] as const);
  // A change beside an insertion of the same side would be two items for one: sides do one thing.
  for (let at = 0; at <= base.length; at++) {
    const theirNew = theirsDoes === 'inserts' && random.below(3) === 0 ? [next++] : [];
    const ourNew = oursDoes === 'inserts' && random.below(3) === 0 ? [next++] : [];
    theirs.push(...theirNew);
    ours.push(...ourNew);
    merged.push(...theirNew, ...ourNew);
    const item = base[at];
    if (item === undefined) break;
    const owner = random.below(2) === 0 ? 'ours' : 'theirs';
    const does = owner === 'ours' ? oursDoes : theirsDoes;
    const touched = does !== 'inserts' && random.below(3) === 0;
    const made = !touched ? [item] : does === 'removes' ? [] : [next++];
    ours.push(...(owner === 'ours' ? made : [item]));
    theirs.push(...(owner === 'theirs' ? made : [item]));
    merged.push(...made);
  }
  return {
    triple: { base: list(base), ours: list(ours), theirs: list(theirs) },
    merged: list(merged),
  };
}

/** A session with nothing but this list of strings. */
function list(items: readonly Item[]): Buffer {
  const pairs = items.map((item, at) => `i:${at};s:${`v${item}`.length}:"v${item}";`).join('');
  return Buffer.from(`a:1:{s:1:"l";a:${items.length}:{${pairs}}}`);
}
