/**
 * Whose session it is: what the application says tells one login from another. Two versions of a
 * session that differ in it are not merged.
 */
import { isDeepStrictEqual } from 'node:util';
import { isPlain } from '../codec/plain.ts';
import { PhpObject } from '../codec/values.ts';
import { OptionsError } from '../errors.ts';
import type { WarningListener } from '../save-handler/settings.ts';
import { sameSlots } from './merge/slots.ts';
import type { SessionVariables } from './session-variables.ts';

/**
 * Names of session variables (`['userid']`), paths into them (`['user.id']`), or a function of the
 * variables, `({ userid }) => userid` say.
 *
 * A path leads through arrays and the public properties of objects, integer keys as plain steps:
 * `users.0.id`. Where either version has a variable of that very name, dot and all, it is that one.
 * What a path leads to is compared by value and PHP type; absent in both is the same.
 *
 * A function is called with the variables of the session that was read (`{}` if there was none)
 * and with those that are stored now. It must be synchronous and must not change them. Its results
 * are compared deeply by value; JavaScript has one kind of number, so that 1 and 1.0 are the same
 * to it.
 */
export type IdentityOption =
  | readonly string[]
  | ((variables: Readonly<SessionVariables>) => unknown);

/** The option, checked. */
export interface Identity {
  /**
   * @returns what differs, for a message; `undefined` if both are the same user's
   * @throws OptionsError `ERR_PSB_OPTIONS` if a function's answer is a promise
   */
  difference(base: SessionVariables | null, theirs: SessionVariables): string | undefined;
  /** At every merge: the first one in an application that named no identity is warned of. */
  merging(): void;
}

/**
 * @param warn `undefined` where nothing is ever merged
 * @throws OptionsError `ERR_PSB_OPTIONS`
 */
export function resolveIdentity(
  option: IdentityOption | undefined,
  warn: WarningListener | undefined,
): Identity {
  if (option === undefined) return { difference: () => undefined, merging: warnedOnce(warn) };
  const merging = (): void => {};
  if (typeof option === 'function') {
    // Only the answer can tell for certain, but that comes with the first merge.
    if (Object.prototype.toString.call(option) === '[object AsyncFunction]') throw asynchronous();
    return { difference: (base, theirs) => differentAnswer(option, base, theirs), merging };
  }
  if (!Array.isArray(option) || !option.every((path) => typeof path === 'string' && path !== '')) {
    throw new OptionsError(
      "identity must be a list of variable names or paths, ['userid'] or ['user.id'] say, or a function of the variables",
    );
  }
  // The caller's list may change; what was checked stays.
  const paths: readonly string[] = [...option];
  return {
    difference: (base, theirs) => paths.find((path) => !samePath(path, base ?? {}, theirs)),
    merging,
  };
}

function warnedOnce(warn: WarningListener | undefined): () => void {
  let warned = false;
  return () => {
    if (warned) return;
    warned = true;
    warn?.(
      'PSB_IDENTITY',
      'a session was merged with what another request stored, and nothing says whose session it ' +
        "is: set identity, ['userid'] or ['user.id'] say, so that a login in between is never " +
        'merged into; identity: [] if sessions have no users',
    );
  };
}

function differentAnswer(
  identify: (variables: Readonly<SessionVariables>) => unknown,
  base: SessionVariables | null,
  theirs: SessionVariables,
): string | undefined {
  const before = identify(base ?? {});
  const now = identify(theirs);
  if ([before, now].some(isThenable)) {
    // Nobody else will ever look at them.
    for (const answer of [before, now]) Promise.resolve(answer).catch(() => {});
    throw asynchronous();
  }
  return sameAnswer(before, now) ? undefined : 'identity()';
}

function sameAnswer(before: unknown, now: unknown): boolean {
  // What came out of the session may be nested deeper than Node's comparison reaches.
  const written = typeof before === 'object' && typeof now === 'object';
  if (written && sameSlots({ before }, ['before'], { before: now }, ['before'])) return true;
  try {
    return isDeepStrictEqual(before, now);
  } catch (error) {
    // Too deep to compare: to call it the same user could give one user's data to another.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function isThenable(value: unknown): boolean {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

function asynchronous(): OptionsError {
  return new OptionsError('identity must be a synchronous function: what it returns is compared');
}

function samePath(path: string, base: SessionVariables, theirs: SessionVariables): boolean {
  const named = Object.hasOwn(base, path) || Object.hasOwn(theirs, path);
  const steps = named ? [path] : path.split('.');
  const before = find(base, steps);
  const now = find(theirs, steps);
  if (before === undefined || now === undefined) return before === now;
  return sameSlots(before.container, [before.key], now.container, [now.key]);
}

interface Place {
  readonly container: object;
  readonly key: string;
}

/** Where a path ends; `undefined` if it leads nowhere. */
function find(variables: SessionVariables, steps: readonly string[]): Place | undefined {
  let container: object = variables;
  let key = '';
  for (const [at, step] of steps.entries()) {
    if (at > 0) {
      const value = (container as Record<string, unknown>)[key];
      if (!isArrayOrObject(value)) return undefined;
      container = value;
    }
    if (!isVisible(container, step)) return undefined;
    key = step;
  }
  return { container, key };
}

function isArrayOrObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || value instanceof PhpObject || isPlain(value);
}

function isVisible(container: object, key: string): boolean {
  // A list's length is a property of its own, but none of PHP's.
  if (!Object.prototype.propertyIsEnumerable.call(container, key)) return false;
  return !(container instanceof PhpObject) || PhpObject.visibility(container, key) === 'public';
}
