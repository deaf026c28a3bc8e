/**
 * What an operator may watch: diagnostics channels with times, sizes and a hash of the id, never
 * the id itself and never a value. Costs nothing without a subscriber.
 */
import { createHash } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';

const CHANNELS = {
  open: channel('php-session-bridge:open'),
  commit: channel('php-session-bridge:commit'),
  conflict: channel('php-session-bridge:conflict'),
  lock: channel('php-session-bridge:lock'),
  destroy: channel('php-session-bridge:destroy'),
  error: channel('php-session-bridge:error'),
} as const;

/** What a message on a channel holds; members that do not apply are absent. */
export interface SessionEvent {
  /** The first 16 hexadecimal digits of the SHA-256 of the session id. */
  readonly session: string;
  /** Milliseconds that the operation took. */
  readonly ms: number;
  /** Size of the session in bytes, uncompressed. */
  readonly bytes?: number;
  readonly outcome?: string;
  /** Paths of session variables on which both sides disagreed. */
  readonly paths?: readonly string[];
  /** `ERR_PSB_…`. */
  readonly code?: string;
}

/** A stopwatch that only runs if somebody watches this channel. */
export function watch(
  name: keyof typeof CHANNELS,
): (id: string, details?: Omit<SessionEvent, 'session' | 'ms'>) => void {
  const target = CHANNELS[name];
  if (!target.hasSubscribers) return ignore;
  const started = performance.now();
  return (id, details) => {
    const session = createHash('sha256').update(id).digest('hex').slice(0, 16);
    target.publish({ session, ms: performance.now() - started, ...details } satisfies SessionEvent);
  };
}

function ignore(): void {}
