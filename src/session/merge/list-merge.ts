/** Merges two lists that came from one, or from none. */
import { getNotes } from '../../codec/notes.ts';
import { arrayOf, arrayRule, bothAppended } from './array-rule.ts';
import { type Conflicts, Path } from './conflicts.ts';
import { differences, type Step } from './list-difference.ts';
import { editSlots, NO_SLOT_NOTES, type Slot, type SlotNotes } from './slot-notes.ts';
import type { Surveyed } from './survey.ts';
import type { Merging } from './work.ts';

interface ListVersions {
  readonly base: Surveyed | undefined;
  readonly ours: Surveyed;
  readonly theirs: Surveyed;
  readonly path: Path;
  readonly conflicts: Conflicts;
}

export class ListMerge implements Merging {
  #result: object;
  readonly #versions: ListVersions;
  readonly #mergeArrays: (versions: ListVersions) => Merging;
  /** `null`: it could not be told what each side did, so that the list is one piece. */
  readonly #steps: readonly Step[] | null;
  #next = 0;
  #inner: Merging | undefined;
  readonly #list: unknown[] = [];
  /** What notes say of items that need some, by their place. */
  readonly #notes: [place: number, notes: SlotNotes][] = [];
  /** What `onConflict` put in the place of an item of ours. */
  readonly #answers: [place: number, value: unknown][] = [];

  /** @param mergeArrays merges an item that both sides changed */
  constructor(versions: ListVersions, mergeArrays: (versions: ListVersions) => Merging) {
    this.#versions = versions;
    this.#mergeArrays = mergeArrays;
    this.#result = versions.theirs.container;
    this.#steps = stepsFor(versions);
  }

  get result(): object {
    return this.#result;
  }

  advance(): Merging | null {
    if (this.#steps === null) {
      this.#settleWhole();
      return null;
    }
    if (this.#inner !== undefined) {
      this.#push({ value: this.#inner.result, notes: NO_SLOT_NOTES });
      this.#inner = undefined;
    }
    while (this.#next < this.#steps.length) {
      const inner = this.#step(this.#steps[this.#next++] as Step);
      if (inner === undefined) continue;
      this.#inner = inner;
      return inner;
    }
    this.#finish();
    return null;
  }

  /** @returns what has to be merged inside */
  #step(step: Step): Merging | undefined {
    const { ours, theirs, path, conflicts } = this.#versions;
    switch (step.kind) {
      case 'items': {
        const side = step.side === 'ours' ? ours : theirs;
        for (let place = step.from; place < step.to; place++) this.#push(side.slotAt(place));
        return undefined;
      }
      case 'report':
        conflicts.report(new Path(path, String(step.base)), step.resolution);
        return undefined;
      case 'both':
        return this.#both(step);
      case 'rewrite':
        this.#rewrite(step);
        return undefined;
    }
  }

  #both(places: { readonly base: number; readonly ours: number; readonly theirs: number }) {
    const { ours, theirs, path, conflicts } = this.#versions;
    const base = this.#versions.base as Surveyed;
    const before = arrayOf(base.kid(places.base));
    const mine = ours.kid(places.ours);
    const other = theirs.kid(places.theirs);
    const at = new Path(path, String(places.base));
    if (arrayRule(before, mine, other) !== undefined) {
      return this.#mergeArrays({
        base: before,
        ours: mine as Surveyed,
        theirs: other as Surveyed,
        path: at,
        conflicts,
      });
    }
    const [o, t] = [ours.slotAt(places.ours), theirs.slotAt(places.theirs)];
    const { resolution, chosen } = conflicts.decide(at, {
      base: base.valueAt(places.base),
      ours: o.value,
      theirs: t.value,
    });
    this.#push(resolution === 'theirs' ? t : o);
    // In the place of ours, of which it inherits what it does not say itself.
    if (resolution === 'resolved') this.#answers.push([this.#list.length - 1, chosen]);
    return undefined;
  }

  #rewrite({ base, ours, theirs }: Extract<Step, { kind: 'rewrite' }>): void {
    const { conflicts, path, ...versions } = this.#versions;
    const o = ours.map((place) => versions.ours.slotAt(place));
    const t = theirs.map((place) => versions.theirs.slotAt(place));
    const mine = o.map(({ value }) => value);
    const other = t.map(({ value }) => value);
    const was = base.map((place) => (versions.base as Surveyed).valueAt(place));
    const { resolution, chosen } = conflicts.decide(path, {
      base: was,
      ours: mine,
      theirs: other,
    });
    if (resolution === 'resolved' && Array.isArray(chosen)) {
      // A float of theirs or ours is one in the answer, too.
      const known = new Map([...t, ...o].map(({ value, notes }) => [value, notes]));
      for (const value of chosen) {
        this.#push({ value, notes: known.get(value) ?? NO_SLOT_NOTES });
      }
    } else for (const item of resolution === 'theirs' ? t : o) this.#push(item);
  }

  #push({ value, notes }: Slot): void {
    const place = this.#list.push(value) - 1;
    const isNoted = typeof value === 'object' && value !== null && getNotes(value) !== undefined;
    if (isNoted || notes.float !== undefined || notes.cell !== undefined) {
      this.#notes.push([place, notes]);
    }
  }

  #finish(): void {
    const list = this.#list;
    if (this.#notes.length > 0) {
      const editor = editSlots(list);
      for (const [place, notes] of this.#notes) editor.set(String(place), list[place], notes);
      editor.finish();
    }
    for (const [place, value] of this.#answers) list[place] = value;
    this.#result = list;
  }

  /** One conflict about the whole list. */
  #settleWhole(): void {
    const { base, ours, theirs, path, conflicts } = this.#versions;
    const { resolution, chosen } = conflicts.decide(path, {
      base: base?.container,
      ours: ours.container,
      theirs: theirs.container,
    });
    if (resolution === 'ours') this.#result = ours.container;
    else if (resolution === 'resolved') this.#result = chosen as object;
  }
}

function stepsFor({ base, ours, theirs }: ListVersions): readonly Step[] | null {
  if (bothAppended(base, ours, theirs)) {
    return grown(theirs, ours, base?.length ?? 0);
  }
  if (base === undefined) {
    const shorter = Math.min(ours.length, theirs.length);
    let head = 0;
    while (head < shorter && ours.numbers[head] === theirs.numbers[head]) head++;
    return hasTiedItems(ours) || hasTiedItems(theirs) ? null : grown(theirs, ours, head);
  }
  // An item that is tied to another one cannot be taken without it.
  if (hasTiedItems(base) || hasTiedItems(ours) || hasTiedItems(theirs)) return null;
  return differences(base.numbers, ours.numbers, theirs.numbers);
}

/** Not what is tied to itself: an object may know itself. */
function hasTiedItems({ ties }: Surveyed): boolean {
  return ties?.some(({ first, second }) => first !== second) === true;
}

/** All of theirs, then what we have from a place on. */
function grown(theirs: Surveyed, ours: Surveyed, from: number): Step[] {
  return [
    { kind: 'items', side: 'theirs', from: 0, to: theirs.length },
    { kind: 'items', side: 'ours', from, to: ours.length },
  ];
}
