/**
 * Calls of the application's listeners. What one of them throws is its own affair: what became of
 * the session stands, and the request goes on.
 */
import { types } from 'node:util';
import type { WarningListener } from '../save-handler/settings.ts';

type Listener<A extends unknown[]> = (...args: A) => unknown;

/** The same listener; what it throws, or what its promise rejects with, becomes `PSB_LISTENER`. */
export function heard<A extends unknown[]>(
  name: string,
  listener: Listener<A> | undefined,
  warn: WarningListener,
): ((...args: A) => void) | undefined {
  if (listener === undefined) return undefined;
  const failed = (error: unknown) => reportListener(name, error, warn);
  return (...args) => {
    try {
      const result = listener(...args);
      if (types.isPromise(result)) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}

/** Warns of a listener that failed. */
export function reportListener(name: string, error: unknown, warn: WarningListener): void {
  const text = error instanceof Error ? error.message : String(error);
  try {
    warn('PSB_LISTENER', `the listener ${name} failed; the session is not concerned: ${text}`);
  } catch {
    // Who throws at a warning of having thrown will not be told a third time.
  }
}
