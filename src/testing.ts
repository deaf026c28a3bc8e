/**
 * For the tests of applications: sessions without Redis and without PHP.
 *
 * @module php-session-bridge/testing
 */
import { webSettingsOf } from './http/web-settings.ts';
import type { SessionModule } from './session/session-module.ts';
import type { SessionVariables } from './session/session-variables.ts';

export { MemorySaveHandler } from './save-handler/memory/memory-save-handler.ts';

/**
 * Stores a session with these variables and returns the `Cookie` header of the client that has it.
 *
 * ```ts
 * import { SessionManager } from 'php-session-bridge';
 * import { MemorySaveHandler, signIn } from 'php-session-bridge/testing';
 *
 * const sessions = new SessionManager({ saveHandler: new MemorySaveHandler() });
 * const cookie = await signIn(sessions, { userid: 'kky' });
 * await fetch(url, { headers: { cookie } });
 * ```
 */
export async function signIn(
  sessions: SessionModule,
  variables: SessionVariables = {},
): Promise<string> {
  const session = await sessions.open();
  session.variables = variables;
  await session.commit();
  return `${webSettingsOf(sessions).cookie.name}=${encodeURIComponent(session.id)}`;
}
