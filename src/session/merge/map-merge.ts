/** Merges two arrays by key, the session variables themselves among them. */
import { isArrayIndex } from '../../codec/notes.ts';
import { define } from '../../codec/values.ts';
import { arrayOf, arrayRule, bothAppended } from './array-rule.ts';
import { type Conflicts, Path } from './conflicts.ts';
import { ListMerge } from './list-merge.ts';
import { editSlots, NO_SLOT_NOTES, type Slot, type SlotEditor } from './slot-notes.ts';
import type { Surveyed, Tie } from './survey.ts';
import { groupTied } from './tied-keys.ts';
import type { Merging } from './work.ts';

export interface Versions {
  /** `undefined` if there was no such array. */
  readonly base: Surveyed | undefined;
  readonly ours: Surveyed;
  readonly theirs: Surveyed;
  /** `null` for the session itself. */
  readonly path: Path | null;
  readonly conflicts: Conflicts;
}

/** A key in the three versions: its places, −1 where it is absent. */
interface Places {
  readonly base: number;
  readonly ours: number;
  readonly theirs: number;
}

export class MapMerge implements Merging {
  readonly result: Record<string, unknown>;
  readonly #versions: Versions;
  /** Tied keys together; `undefined` if no keys are tied. */
  readonly #groups: TiedGroups | undefined;
  #next = 0;
  /** Where the next key probably is in the other versions. */
  #inBase = 0;
  #inOther = 0;
  #inner: Inner | undefined;
  #editor: SlotEditor | undefined;
  /** Keys that only we have: they come last, in our order. */
  #added: Map<string, Slot> | undefined;

  /** @param target their container, which becomes the result; or an empty one to be filled */
  constructor(versions: Versions, target: object) {
    this.#versions = versions;
    this.result = target as Record<string, unknown>;
    const { base, ours, theirs } = versions;
    if (target !== theirs.container) {
      for (let place = 0; place < theirs.length; place++) {
        this.#put(theirs.key(place), theirs.slotAt(place));
      }
    }
    if (base?.ties || ours.ties || theirs.ties) this.#groups = new TiedGroups(versions);
  }

  advance(): Merging | null {
    if (this.#inner !== undefined) {
      const { key, merging, was } = this.#inner;
      this.#inner = undefined;
      if (merging.result !== was) this.#put(key, { value: merging.result, notes: NO_SLOT_NOTES });
    }
    this.#inner = this.#groups === undefined ? this.#goOn() : this.#goOnByGroups(this.#groups);
    if (this.#inner !== undefined) return this.#inner.merging;
    this.#finish();
    return null;
  }

  /** Decides key by key, theirs and then our new ones, up to one that has to be merged inside. */
  #goOn(): Inner | undefined {
    const { base, ours, theirs } = this.#versions;
    for (; this.#next < theirs.length; ) {
      const place = this.#next++;
      const key = theirs.key(place);
      const inBase = base === undefined ? -1 : base.placeOf(key, this.#inBase);
      const inOurs = ours.placeOf(key, this.#inOther);
      if (inBase >= 0) this.#inBase = inBase + 1;
      if (inOurs >= 0) this.#inOther = inOurs + 1;
      const inner = this.#decide(key, inBase, inOurs, place);
      if (inner !== undefined) return inner;
    }
    let inTheirs = 0;
    for (let place = 0; place < ours.length; place++) {
      const key = ours.key(place);
      const other = theirs.placeOf(key, inTheirs);
      if (other >= 0) inTheirs = other + 1;
      else this.#decide(key, base === undefined ? -1 : base.placeOf(key, place), place, -1);
    }
    return undefined;
  }

  #goOnByGroups(groups: TiedGroups): Inner | undefined {
    while (this.#next < groups.all.length) {
      const group = groups.all[this.#next++] as readonly string[];
      const [key] = group;
      if (group.length > 1 || key === undefined) {
        this.#decideTogether(group, groups);
        continue;
      }
      const { base, ours, theirs } = groups.placesOf(key);
      const inner = this.#decide(key, base, ours, theirs);
      if (inner !== undefined) return inner;
    }
    return undefined;
  }

  /** @returns what has to be merged inside */
  #decide(key: string, inBase: number, inOurs: number, inTheirs: number): Inner | undefined {
    const { base, ours, theirs, conflicts, path } = this.#versions;
    const b = numberAt(base, inBase);
    const o = numberAt(ours, inOurs);
    const t = numberAt(theirs, inTheirs);
    // We changed nothing here.
    if (o === b) return undefined;
    if (t === b) {
      this.#take(key, inOurs);
      return undefined;
    }
    const before = inBase < 0 ? undefined : arrayOf(base?.kid(inBase));
    const mine = ours.kid(inOurs);
    const other = theirs.kid(inTheirs);
    if (bothAppended(before, mine, other)) {
      return this.#enter(key, before, mine as Surveyed, other as Surveyed);
    }
    // Both did the same.
    if (o === t) return undefined;
    if (inOurs < 0 || inTheirs < 0) {
      this.#take(key, -1);
      conflicts.report(new Path(path, key), 'deleted');
      return undefined;
    }
    if (arrayRule(before, mine, other) !== undefined) {
      return this.#enter(key, before, mine as Surveyed, other as Surveyed);
    }
    this.#settle(key, { base: inBase, ours: inOurs, theirs: inTheirs });
    return undefined;
  }

  #enter(key: string, base: Surveyed | undefined, ours: Surveyed, theirs: Surveyed): Inner {
    const { conflicts } = this.#versions;
    const path = new Path(this.#versions.path, key);
    const merging = mergeArrays({ base, ours, theirs, path, conflicts });
    return { key, merging, was: theirs.container };
  }

  /** A conflict: ours, unless `onConflict` says otherwise. */
  #settle(key: string, places: Places): void {
    const { base, ours, theirs, conflicts, path } = this.#versions;
    const { resolution, chosen } = conflicts.decide(new Path(path, key), {
      base: valueAt(base, places.base),
      ours: valueAt(ours, places.ours),
      theirs: valueAt(theirs, places.theirs),
    });
    if (resolution === 'theirs') return;
    this.#take(key, places.ours);
    if (resolution === 'resolved') this.#replace(key, chosen);
  }

  /** What references tie together is taken from one side as a whole. */
  #decideTogether(group: readonly string[], groups: TiedGroups): void {
    const { base, ours, theirs, conflicts, path } = this.#versions;
    const all = group.map((key) => [key, groups.placesOf(key)] as const);
    const b = new Part(
      base,
      all.map(([, places]) => places.base),
      groups,
    );
    const o = new Part(
      ours,
      all.map(([, places]) => places.ours),
      groups,
    );
    const t = new Part(
      theirs,
      all.map(([, places]) => places.theirs),
      groups,
    );
    if (o.equals(b) || o.equals(t)) return;
    const present = all.filter(([, places]) => places.ours >= 0 || places.theirs >= 0);
    const isOurs = t.equals(b);
    if (isOurs || o.isEmpty || t.isEmpty) {
      for (const [key, places] of present) {
        this.#take(key, isOurs ? places.ours : -1);
        if (!isOurs) conflicts.report(new Path(path, key), 'deleted');
      }
      return;
    }
    const decisions = present.map(([key, places]) => {
      const decision = conflicts.decide(new Path(path, key), {
        base: valueAt(base, places.base),
        ours: valueAt(ours, places.ours),
        theirs: valueAt(theirs, places.theirs),
      });
      return { key, places, ...decision };
    });
    if (decisions.every(({ resolution }) => resolution === 'theirs')) return;
    const others = decisions.map(({ places }) => valueAt(theirs, places.theirs));
    for (const { key, places } of decisions) this.#take(key, places.ours);
    // Single answers come on top.
    for (const [at, { key, resolution, chosen }] of decisions.entries()) {
      if (resolution === 'resolved') this.#replace(key, chosen);
      else if (resolution === 'theirs') this.#replace(key, others[at]);
    }
  }

  /** Ours replaces theirs in this slot; at −1 it is deleted. */
  #take(key: string, place: number): void {
    if (place < 0) {
      if (!Object.hasOwn(this.result, key)) return;
      delete this.result[key];
      this.#edit().delete(key);
      return;
    }
    const slot = this.#versions.ours.slotAt(place);
    if (Object.hasOwn(this.result, key)) {
      this.#put(key, slot);
    } else {
      this.#added ??= new Map();
      this.#added.set(key, slot);
    }
  }

  /** Another value in a slot that is taken: a float stays one. */
  #replace(key: string, value: unknown): void {
    const added = this.#added?.get(key);
    if (added !== undefined) this.#added?.set(key, { value, notes: added.notes });
    else define(this.result, key, value);
  }

  #put(key: string, { value, notes }: Slot): void {
    const editor = this.#edit();
    if (!Object.hasOwn(this.result, key) && isArrayIndex(key)) editor.keepOrder();
    define(this.result, key, value);
    editor.set(key, value, notes);
  }

  #edit(): SlotEditor {
    this.#editor ??= editSlots(this.result);
    return this.#editor;
  }

  #finish(): void {
    if (this.#added !== undefined) {
      const { ours } = this.#versions;
      for (let place = 0; place < ours.length; place++) {
        const key = ours.key(place);
        const slot = this.#added.get(key);
        if (slot !== undefined) this.#put(key, slot);
      }
    }
    this.#editor?.finish();
  }
}

interface Inner {
  readonly key: string;
  readonly merging: Merging;
  readonly was: object;
}

/** For arrays that `arrayRule` allows to be merged. */
export function mergeArrays(versions: Versions & { readonly path: Path }): Merging {
  const { base, ours, theirs } = versions;
  if (arrayRule(base, ours, theirs) === 'list') return new ListMerge(versions, mergeArrays);
  const { container } = theirs;
  // An empty PHP array and a list are JavaScript Arrays; names need an object.
  const target = Array.isArray(container) ? {} : container;
  const map = base?.kind === 'map' ? base : undefined;
  return new MapMerge({ ...versions, base: map }, target);
}

/** The keys of three versions, those together that references tie in one of them. */
class TiedGroups {
  readonly all: readonly (readonly string[])[];
  readonly #versions: Versions;
  readonly #leaders = new Map<string, string>();
  readonly #ties = new Map<Surveyed, Map<string, Tie[]>>();

  constructor(versions: Versions) {
    this.#versions = versions;
    const { base, ours, theirs } = versions;
    const keys = new Set<string>();
    for (let place = 0; place < theirs.length; place++) keys.add(theirs.key(place));
    for (let place = 0; place < ours.length; place++) keys.add(ours.key(place));
    this.all = groupTied([...keys], [base?.ties, ours.ties, theirs.ties]);
    for (const group of this.all) {
      for (const key of group) this.#leaders.set(key, group[0] as string);
    }
  }

  placesOf(key: string): Places {
    const { base, ours, theirs } = this.#versions;
    return {
      base: base?.placeOf(key, -1) ?? -1,
      ours: ours.placeOf(key, -1),
      theirs: theirs.placeOf(key, -1),
    };
  }

  /** The ties within the group of this key. */
  tiesOf(node: Surveyed, key: string): readonly Tie[] {
    let byLeader = this.#ties.get(node);
    if (byLeader === undefined) {
      byLeader = new Map();
      for (const tie of node.ties ?? []) {
        const leader = this.#leaders.get(tie.first);
        if (leader === undefined) continue;
        const list = byLeader.get(leader);
        if (list === undefined) byLeader.set(leader, [tie]);
        else list.push(tie);
      }
      this.#ties.set(node, byLeader);
    }
    return byLeader.get(this.#leaders.get(key) as string) ?? [];
  }
}

/** What one version has of a group of tied keys: values, order and sharing together. */
class Part {
  readonly #keys: readonly string[];
  readonly #numbers: readonly number[];
  readonly #ties: readonly Tie[];

  constructor(node: Surveyed | undefined, places: readonly number[], groups: TiedGroups) {
    const present = places.filter((place) => place >= 0).sort((a, b) => a - b);
    this.#keys = present.map((place) => (node as Surveyed).key(place));
    this.#numbers = present.map((place) => (node as Surveyed).numbers[place] as number);
    const [key] = this.#keys;
    this.#ties = node === undefined || key === undefined ? [] : groups.tiesOf(node, key);
  }

  get isEmpty(): boolean {
    return this.#keys.length === 0;
  }

  equals(other: Part): boolean {
    if (this.#keys.length !== other.#keys.length) return false;
    if (this.#ties.length !== other.#ties.length) return false;
    return (
      this.#keys.every((key, at) => key === other.#keys[at]) &&
      this.#numbers.every((number, at) => number === other.#numbers[at]) &&
      this.#ties.every((tie, at) => sameTie(tie, other.#ties[at] as Tie))
    );
  }
}

function sameTie(a: Tie, b: Tie): boolean {
  return (
    a.first === b.first &&
    a.second === b.second &&
    a.firstOffset === b.firstOffset &&
    a.secondOffset === b.secondOffset
  );
}

function numberAt(node: Surveyed | undefined, place: number): number | undefined {
  return place < 0 ? undefined : node?.numbers[place];
}

function valueAt(node: Surveyed | undefined, place: number): unknown {
  return place < 0 ? undefined : node?.valueAt(place);
}
