/**
 * References before writing: one variable under several names has one value. In JavaScript each
 * name has its own, so an assignment to one holder is found by comparing with what was read, and
 * given to all; two different assignments contradict each other.
 */

import { CodecError } from '../errors.ts';
import { type Cell, getNotes, type Key } from './notes.ts';
import { joinPath } from './path.ts';
import { propertyNames } from './property-names.ts';
import { isOpaque, PhpFloat } from './values.ts';
import { type View, viewOf } from './view.ts';

interface Step {
  readonly above: Step | null;
  readonly key: Key;
}

interface Holder {
  readonly container: Record<Key, unknown>;
  readonly key: Key;
  readonly step: Step;
}

interface Visit {
  readonly container: object;
  readonly before: object | undefined;
  readonly step: Step | null;
}

/**
 * Gives every holder of a reference the value that was assigned to one of them.
 * @returns the references that have only one holder left: no references any more
 * @throws CodecError `ERR_PSB_CODEC_REFERENCE` if two holders were assigned different values
 */
export function settleReferences(root: object): ReadonlySet<Cell> {
  const holders = new Map<Cell, Holder[]>();
  const seen = new Set<object>([root]);
  const todo: Visit[] = [{ container: root, before: undefined, step: null }];
  for (let visit = todo.pop(); visit !== undefined; visit = todo.pop()) {
    const { container, before } = visit;
    const view = viewOf(container, before);
    for (const key of propertyNames(container)) {
      const value = (container as Record<string, unknown>)[key];
      const step = { above: visit.step, key };
      const cell = view?.cell(key, value);
      if (cell !== undefined) {
        const holder = { container: container as Record<Key, unknown>, key, step };
        const list = holders.get(cell);
        if (list === undefined) holders.set(cell, [holder]);
        else list.push(holder);
      }
      follow(value, view, key, step, seen, todo);
    }
    for (const slot of getNotes(container)?.order ?? []) {
      if (typeof slot !== 'object') continue;
      const step = { above: visit.step, key: slot.name };
      if (slot.cell !== null) {
        const holder = { container: slot as unknown as Record<Key, unknown>, key: 'value', step };
        const list = holders.get(slot.cell);
        if (list === undefined) holders.set(slot.cell, [holder]);
        else list.push(holder);
      }
      follow(slot.value, undefined, slot.name, step, seen, todo);
    }
  }
  const single = new Set<Cell>();
  const self = getNotes(root)?.self;
  for (const [cell, list] of holders) {
    settle(cell, list);
    if (list.length === 1 && cell !== self) single.add(cell);
  }
  return single;
}

function follow(
  value: unknown,
  view: View | undefined,
  key: Key,
  step: Step,
  seen: Set<object>,
  todo: Visit[],
): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  if (value instanceof Uint8Array || isOpaque(value)) return;
  seen.add(value);
  todo.push({ container: value, before: view?.kid(key), step });
}

function settle(cell: Cell, holders: readonly Holder[]): void {
  let chosen: Holder | undefined;
  for (const holder of holders) {
    const value = holder.container[holder.key];
    if (same(value, cell.value)) continue;
    if (chosen === undefined) {
      chosen = holder;
    } else if (!same(value, chosen.container[chosen.key])) {
      const [first, second] = [pathOf(chosen.step), pathOf(holder.step)];
      throw new CodecError(
        'ERR_PSB_CODEC_REFERENCE',
        `${first} and ${second} are one variable in PHP (a reference), but were assigned different values`,
        { path: second },
      );
    }
  }
  if (chosen === undefined) return;
  const value = chosen.container[chosen.key];
  for (const { container, key, step } of holders) {
    if (Object.is(container[key], value) || Reflect.set(container, key, value)) continue;
    throw new CodecError(
      'ERR_PSB_CODEC_REFERENCE',
      `${pathOf(step)} and ${pathOf(chosen.step)} are one variable in PHP (a reference), but ${pathOf(step)} is read-only`,
      { path: pathOf(step) },
    );
  }
  cell.value = value;
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a instanceof PhpFloat && b instanceof PhpFloat && Object.is(a.value, b.value);
}

function pathOf(step: Step): string {
  const keys: Key[] = [];
  for (let at: Step | null = step; at !== null; at = at.above) keys.unshift(at.key);
  return joinPath(keys);
}
