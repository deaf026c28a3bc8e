import type { SessionModule } from '../session/session-module.ts';

/**
 * What of a manager may be shown in a log. One from another copy of this package may not know how
 * to show itself: then nothing.
 */
export function describeSessions(sessions: SessionModule): object {
  const { toJSON } = sessions as { readonly toJSON?: () => object };
  return typeof toJSON === 'function' ? toJSON.call(sessions) : {};
}
