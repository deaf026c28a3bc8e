import { CodecError, type SessionHandlerName } from '../../src/codec/index.ts';
import type { Conflict, ConflictValues } from '../../src/session/merge/conflicts.ts';
import { merge } from '../../src/session/merge/merge.ts';
import { SessionCodec } from '../../src/session/session-codec.ts';
import { listTriple } from './list-triples.ts';
import { Random } from './mutate.ts';
import { type Triple, triple } from './triples.ts';

export interface MergeFinding {
  readonly what: string;
  readonly triple: Triple;
}

export interface MergeFuzzReport {
  readonly triples: number;
  readonly conflicts: number;
  /** How often a triple was merged by way of another handler that can hold it. */
  readonly byHandler: Readonly<Record<string, number>>;
  readonly findings: readonly MergeFinding[];
}

const handlers: readonly SessionHandlerName[] = ['php', 'php_binary', 'igbinary', 'msgpack'];
const codec = new SessionCodec('php_serialize', -1);
/** Milliseconds that one merge may take: sessions here have some hundred bytes. */
const MOST_TIME = 1000;

type Variables = Record<string, unknown>;

/** Merges random triples for so long, and says what must never come out. */
export function fuzzMerge(options: {
  readonly milliseconds: number;
  readonly seed: number;
  /** At most so many triples. Default: as many as there is time for. */
  readonly most?: number;
  readonly onInput?: (input: Buffer) => void;
}): MergeFuzzReport {
  const random = new Random(options.seed);
  const findings: MergeFinding[] = [];
  const byHandler: Record<string, number> = {};
  let triples = 0;
  let conflicts = 0;
  const end = performance.now() + options.milliseconds;
  const most = options.most ?? Number.POSITIVE_INFINITY;
  while (triples < most && performance.now() < end && findings.length < 40) {
    const isList = random.below(4) === 0;
    const made = isList ? listTriple(random) : { triple: triple(random), merged: undefined };
    options.onInput?.(Buffer.concat([made.triple.base, made.triple.ours, made.triple.theirs]));
    triples++;
    try {
      conflicts += tryOne(made.triple, made.merged, random, byHandler);
    } catch (error) {
      const what = error instanceof Wrong ? error.message : `threw ${(error as Error).stack}`;
      findings.push({ what, triple: made.triple });
    }
  }
  return { triples, conflicts, byHandler, findings };
}

class Wrong extends Error {}

function must(holds: boolean, what: () => string): void {
  if (!holds) throw new Wrong(what());
}

/** @returns how many conflicts there were */
function tryOne(
  { base, ours, theirs }: Triple,
  expected: Buffer | undefined,
  random: Random,
  byHandler: Record<string, number>,
): number {
  const { text, conflicts } = run(codec, base, ours, theirs);
  if (expected !== undefined) {
    must(
      text === expected.toString('latin1') && conflicts.length === 0,
      () => `not ${expected.toString('latin1')} but ${text} ${JSON.stringify(conflicts)}`,
    );
  }
  onlyOneSide(base, ours, theirs);
  bothAlike(base, ours);
  nothingFromNowhere(text, ours, theirs, conflicts);
  whatIsRemovedStaysRemoved(base, ours, theirs, text);
  for (const { path } of conflicts) namesSomething(path, [base, ours, theirs]);
  otherAnswers(random, base, ours, theirs);
  otherHandler(random, { base, ours, theirs }, text, conflicts, byHandler);
  return conflicts.length;
}

interface Merged {
  readonly text: string;
  readonly conflicts: readonly Conflict[];
}

function run(
  by: SessionCodec,
  base: Buffer,
  ours: Buffer,
  theirs: Buffer,
  onConflict?: (path: string, values: ConflictValues) => unknown,
): Merged {
  const [before, mine, result] = [by.decode(base), by.decode(ours), by.decode(theirs)];
  const asked = new Set<string>();
  const start = performance.now();
  const conflicts = merge(before, mine, result, (path, values) => {
    // Each place of a list where one side put several items for one is a question of its own.
    const isPart = Array.isArray(values.ours) && Array.isArray(values.theirs);
    must(isPart || !asked.has(path), () => `asked twice about ${path}`);
    asked.add(path);
    return onConflict?.(path, values);
  });
  const took = performance.now() - start;
  must(took <= MOST_TIME, () => `took ${took} ms`);
  return { text: codec.encode(by.decode(by.encode(result))).toString('latin1'), conflicts };
}

/** merge(b, b, t) = t, and merge(b, o, b) = o but for the order of the variables. */
function onlyOneSide(base: Buffer, ours: Buffer, theirs: Buffer): void {
  const left = run(codec, base, base, theirs);
  must(
    left.text === theirs.toString('latin1') && left.conflicts.length === 0,
    () => `they alone changed it, and it became ${left.text}`,
  );
  const right = run(codec, base, ours, base);
  must(right.conflicts.length === 0, () => 'we alone changed it, and there are conflicts');
  must(
    ordered(right.text) === ordered(ours.toString('latin1')),
    () => `we alone changed it, and it became ${right.text}`,
  );
}

/** merge(b, x, x) = x, but for lists that both appended to. */
function bothAlike(base: Buffer, ours: Buffer): void {
  const { text, conflicts } = run(codec, base, ours, ours);
  must(conflicts.length === 0, () => 'both did the same, and there are conflicts');
  const [before, mine, result] = [base, ours, Buffer.from(text, 'latin1')].map((bytes) =>
    codec.decode(bytes),
  ) as [Variables, Variables, Variables];
  for (const name of Object.keys(mine)) {
    const grew =
      Array.isArray(before[name]) &&
      isContainer(mine[name]) &&
      Object.keys(mine[name]).length > before[name].length;
    if (grew) continue;
    must(alone(result, name) === alone(mine, name), () => `both did the same, and ${name} differs`);
  }
  must(Object.keys(result).length === Object.keys(mine).length, () => 'other names');
}

/** No name and no item is in the result that neither side has, or more often than both have it. */
function nothingFromNowhere(
  text: string,
  ours: Buffer,
  theirs: Buffer,
  conflicts: readonly Conflict[],
): void {
  const known = new Map<string, number>();
  for (const version of [ours, theirs]) {
    for (const [leaf, count] of leaves(codec.decode(version))) {
      known.set(leaf, (known.get(leaf) ?? 0) + count);
    }
  }
  for (const [leaf, count] of leaves(codec.decode(Buffer.from(text, 'latin1')))) {
    must(
      (known.get(leaf) ?? 0) >= count,
      () => `${leaf} is in ${text} ${count} times, ${conflicts.length} conflicts`,
    );
  }
}

/** A name that one side removed, and the other left as it was, in arrays that have only names. */
function whatIsRemovedStaysRemoved(base: Buffer, ours: Buffer, theirs: Buffer, text: string): void {
  if (/[rR]:\d+;/.test([base, ours, theirs].map((version) => version.toString('latin1')).join('')))
    return;
  const versions = [base, ours, theirs, Buffer.from(text, 'latin1')];
  const [b, o, t, m] = versions.map((version) => codec.decode(version)) as [
    Variables,
    Variables,
    Variables,
    Variables,
  ];
  for (const name of Object.keys(b)) {
    for (const [one, other] of [
      [o, t],
      [t, o],
    ] as const) {
      if (Object.hasOwn(one, name) || !Object.hasOwn(other, name)) continue;
      if (alone(b, name) !== alone(other, name)) continue;
      must(!Object.hasOwn(m, name), () => `${name} was removed and is there again in ${text}`);
    }
  }
}

function namesSomething(path: string, versions: readonly Buffer[]): void {
  const places = new Set(versions.flatMap((version) => [...placesOf(codec.decode(version))]));
  const wanted = path.replace(/^(?:0|-?[1-9]\d*)(?=[.[]|$)/, '*').replaceAll(/\[-?\d+\]/g, '.*');
  must(places.has(wanted), () => `the conflict ${path} names nothing`);
}

/** Whatever is answered, the merge ends; what nobody can store is refused by name. */
function otherAnswers(random: Random, base: Buffer, ours: Buffer, theirs: Buffer): void {
  try {
    run(codec, base, ours, theirs, (_, values) =>
      random.of([undefined, values.ours, values.theirs, values.base, 7, 'x', [1, 2], { n: 1 }]),
    );
  } catch (error) {
    // Two values for two names that are one reference, or a plain object for one of a class.
    if (!(error instanceof CodecError)) throw error;
  }
}

function otherHandler(
  random: Random,
  { base, ours, theirs }: Triple,
  text: string,
  conflicts: readonly Conflict[],
  byHandler: Record<string, number>,
): void {
  const handler = random.of(handlers);
  const other = new SessionCodec(handler, -1);
  const blobs = [base, ours, theirs].map((version) => storedBy(other, version));
  const [b, o, t] = blobs;
  if (b === undefined || o === undefined || t === undefined) return;
  byHandler[handler] = (byHandler[handler] ?? 0) + 1;
  const merged = run(other, b, o, t);
  must(merged.text === text, () => `${handler}: ${merged.text}, not ${text}`);
  must(
    JSON.stringify(merged.conflicts) === JSON.stringify(conflicts),
    () => `${handler}: ${JSON.stringify(merged.conflicts)}, not ${JSON.stringify(conflicts)}`,
  );
}

/** `undefined` if the handler cannot hold it, or loses something. */
function storedBy(other: SessionCodec, version: Buffer): Buffer | undefined {
  try {
    const bytes = other.encode(codec.decode(version));
    return codec.encode(other.decode(bytes)).equals(version) ? bytes : undefined;
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

/** The text of a session with its variables in the order of their names. */
function ordered(text: string): string {
  const variables = codec.decode(Buffer.from(text, 'latin1'));
  const names = Object.keys(variables).sort();
  // Sharing shows where every name is looked at alone and together with each other one.
  return names.map((name) => alone(variables, name)).join('\n');
}

/** One variable as it is written without the others. */
function alone(variables: Variables, name: string): string {
  const copy = codec.decode(codec.encode(variables));
  for (const other of Object.keys(copy)) if (other !== name) delete copy[other];
  return codec.encode(copy).toString('latin1');
}

/** What stands where, integer keys being all the same: items change places. */
function* walk(variables: Variables): Generator<[place: string, value: unknown, holder: object]> {
  const todo: [string, object][] = [['', variables]];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const [place, holder] = next;
    for (const name of Object.keys(holder)) {
      const key = /^(?:0|-?[1-9]\d*)$/.test(name) ? '*' : name;
      const inner = holder === variables ? key : `${place}.${key}`;
      const value = (holder as Variables)[name];
      yield [inner, value, holder];
      if (isContainer(value)) todo.push([inner, value]);
    }
  }
}

function leaves(variables: Variables): Map<string, number> {
  const found = new Map<string, number>();
  for (const [place, value] of walk(variables)) {
    if (isContainer(value)) continue;
    const leaf = `${place} = ${typeof value === 'object' ? 'object' : `${typeof value} ${String(value)}`}`;
    found.set(leaf, (found.get(leaf) ?? 0) + 1);
  }
  return found;
}

function placesOf(variables: Variables): Set<string> {
  return new Set([...walk(variables)].map(([place]) => place));
}

/** A PHP array. */
function isContainer(value: unknown): value is object {
  if (Array.isArray(value)) return true;
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}
