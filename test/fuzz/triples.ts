/**
 * Random sessions and random edits of them, written as serialize() writes them: what two requests
 * may have made of one session, with real references, shared objects, key order and floats.
 */
import type { Random } from './mutate.ts';

type Key = number | string;
type Entries = [key: Key, value: Value][];
type Value =
  | { readonly kind: 'scalar'; readonly text: string }
  | { readonly kind: 'array'; readonly entries: Entries }
  /** An object; the same number is the same object. */
  | { readonly kind: 'object'; readonly number: number }
  /** A PHP reference; the same number is the same one. */
  | { readonly kind: 'reference'; readonly number: number };

interface Version {
  readonly root: Entries;
  readonly objects: Map<number, { readonly className: string; readonly entries: Entries }>;
  readonly references: Map<number, Value>;
}

export interface Triple {
  readonly base: Buffer;
  readonly ours: Buffer;
  readonly theirs: Buffer;
}

// No dots and brackets: a conflict's path must say which key is meant.
const names = ['a', 'b', 'c', 'cart', 'id', 'qty', '01', '-0', '', '__proto__', 'length', 'Öl'];
const ints = [0, 1, 2, 3, 5, 7, 802, -1, -5];
const scalars = [
  'i:0;',
  'i:1;',
  'i:2;',
  'i:3;',
  'i:9007199254740993;',
  'd:1;',
  'd:0.5;',
  'd:-0;',
  'd:NAN;',
  'd:0.30000000000000004;',
  'N;',
  'b:1;',
  'b:0;',
  's:0:"";',
  's:1:"1";',
  's:1:"x";',
  's:1:"y";',
  's:1:"\xff";',
];

export function triple(random: Random): Triple {
  const base = session(random);
  const empty: Version = { root: [], objects: new Map(), references: new Map() };
  const start = random.below(20) === 0 ? empty : base;
  return {
    base: write(start),
    ours: write(edited(random, base)),
    theirs: write(edited(random, base)),
  };
}

function session(random: Random): Version {
  const version: Version = { root: [], objects: new Map(), references: new Map() };
  const count = random.below(5) + 1;
  for (let n = 0; n < count; n++) set(version.root, random.of(names), value(random, version, 3));
  return version;
}

function value(random: Random, version: Version, depth: number): Value {
  const what = random.below(depth > 0 ? 14 : 6);
  if (what < 6) return { kind: 'scalar', text: random.of(scalars) };
  if (what === 6) return object(random, version);
  if (what === 7) return reference(random, version);
  const entries: Entries = [];
  const size = random.below(random.below(10) === 0 ? 20 : 5);
  const ofKeys = random.below(8);
  for (let n = 0; n < size; n++) {
    const key: Key =
      ofKeys < 4
        ? n
        : ofKeys < 6
          ? random.of(names)
          : ofKeys < 7
            ? random.of(ints)
            : anyKey(random);
    set(entries, key, value(random, version, depth - 1));
  }
  return { kind: 'array', entries };
}

function anyKey(random: Random): Key {
  return random.below(2) === 0 ? random.of(ints) : random.of(names);
}

function object(random: Random, version: Version): Value {
  const known = version.objects.size;
  if (known > 0 && random.below(2) === 0) return { kind: 'object', number: random.below(known) };
  const entries: Entries = [];
  set(entries, random.of(['v', '\0*\0p', '\0U\0s']), scalar(random));
  if (random.below(2) === 0) set(entries, 'w', scalar(random));
  version.objects.set(known, { className: random.of(['stdClass', 'U']), entries });
  return { kind: 'object', number: known };
}

/** One holder alone is none to PHP: it becomes an ordinary value when written. */
function reference(random: Random, version: Version): Value {
  const known = version.references.size;
  if (known > 0 && random.below(2) === 0) return { kind: 'reference', number: random.below(known) };
  const one = scalar(random);
  version.references.set(
    known,
    random.below(2) === 0
      ? one
      : {
          kind: 'array',
          entries: [
            [0, one],
            ['n', scalar(random)],
          ],
        },
  );
  return { kind: 'reference', number: known };
}

function scalar(random: Random): Value {
  return { kind: 'scalar', text: random.of(scalars) };
}

function set(entries: Entries, key: Key, item: Value): void {
  const found = entries.find(([name]) => name === key);
  if (found === undefined) entries.push([key, item]);
  else found[1] = item;
}

/** A copy with up to six changes. */
function edited(random: Random, version: Version): Version {
  const copy = structuredClone(version);
  for (let n = random.below(random.below(4) === 0 ? 7 : 3); n > 0; n--) edit(random, copy);
  return copy;
}

function edit(random: Random, version: Version): void {
  if (random.below(12) === 0 && version.references.size > 0) {
    version.references.set(random.below(version.references.size), scalar(random));
    return;
  }
  if (random.below(12) === 0 && version.objects.size > 0) {
    const found = version.objects.get(random.below(version.objects.size));
    if (found !== undefined) set(found.entries, 'v', scalar(random));
    return;
  }
  let entries = version.root;
  for (;;) {
    const inner = entries.flatMap(([, item]) => (item.kind === 'array' ? [item.entries] : []));
    if (inner.length === 0 || random.below(3) === 0) break;
    entries = random.of(inner);
  }
  const isList = entries !== version.root && entries.every(([key], at) => key === at);
  if (isList) editList(random, version, entries);
  else editMap(random, version, entries);
}

function editMap(random: Random, version: Version, entries: Entries): void {
  const at = random.below(entries.length);
  const what = random.below(6);
  if (entries.length === 0 || what < 2) {
    const names = version.root === entries ? 0 : random.below(3);
    const key = names === 0 ? `n${random.below(4)}` : anyKey(random);
    set(entries, key, value(random, version, 2));
  } else if (what < 4) (entries[at] as Entries[number])[1] = value(random, version, 2);
  else if (what === 4) entries.splice(at, 1);
  else entries.push(...entries.splice(at, 1));
}

function editList(random: Random, version: Version, entries: Entries): void {
  const items = entries.map(([, item]) => item);
  const at = random.below(items.length + 1);
  const what = random.below(10);
  if (what === 0) {
    // What unset() does.
    if (at < items.length) entries.splice(at, 1);
    return;
  }
  if (what < 3) items.push(value(random, version, 1));
  else if (what === 3) items.splice(at, 0, value(random, version, 1));
  else if (what < 6) items.splice(at, 1);
  else if (what < 8) items.splice(at, 1, value(random, version, 1));
  else if (what === 8) items.splice(random.below(items.length), 0, ...items.splice(at, 1));
  else if (random.below(3) === 0) items.length = 0;
  else items.splice(at, 1, value(random, version, 1), value(random, version, 1));
  entries.splice(0, entries.length, ...items.map((item, n): Entries[number] => [n, item]));
}

/** As serialize() writes an array. */
function write(version: Version): Buffer {
  const slots = new Map<string, number>();
  let slot = 0;
  const key = (name: Key): string =>
    typeof name === 'number' ? `i:${name};` : `s:${Buffer.byteLength(name)}:"${name}";`;
  const pairs = (entries: Entries): string =>
    entries.map(([name, item]) => key(name) + one(item)).join('');
  const one = (item: Value): string => {
    const id = `${item.kind}${'number' in item ? item.number : ''}`;
    if (item.kind === 'reference') {
      const known = slots.get(id);
      if (known !== undefined) return `R:${known};`;
      slots.set(id, slot + 1);
      return one(version.references.get(item.number) as Value);
    }
    slot++;
    if (item.kind === 'scalar') return item.text;
    if (item.kind === 'array') return `a:${item.entries.length}:{${pairs(item.entries)}}`;
    const known = slots.get(id);
    if (known !== undefined) return `r:${known};`;
    slots.set(id, slot);
    const found = version.objects.get(item.number);
    if (found === undefined) throw new Error('an object that nobody made');
    const { className, entries } = found;
    return `O:${className.length}:"${className}":${entries.length}:{${pairs(entries)}}`;
  };
  return latin1(one({ kind: 'array', entries: version.root }));
}

/** Texts hold bytes, but for names, which hold letters. */
function latin1(text: string): Buffer {
  return Buffer.from(text.replaceAll('Öl', '\xc3\x96l'), 'latin1');
}
