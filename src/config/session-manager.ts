/**
 * From the options of an application to a ready SessionManager: the one place where a save handler
 * is chosen.
 */
import { resolveSaveHandlerSettings } from '../save-handler/settings.ts';
import { resolveSessionSettings } from '../session/options.ts';
import { SessionModule } from '../session/session-module.ts';
import { completeOptions, type SessionManagerOptions } from './manager-options.ts';
import { webOptionsOf } from './web-options.ts';

export type { SessionManagerOptions };

/**
 * Opens sessions that PHP and Node share.
 *
 * ```ts
 * import { SessionManager } from 'php-session-bridge';
 *
 * await using sessions = new SessionManager({ savePath: 'tcp://127.0.0.1:6379' });
 * await using session = await sessions.open(id);
 * ```
 */
export class SessionManager extends SessionModule {
  /**
   * @throws OptionsError `ERR_PSB_OPTIONS`, SavePathError `ERR_PSB_SAVE_PATH`, BridgeError
   * `ERR_PSB_PHP_INI`
   */
  constructor(given: SessionManagerOptions) {
    const { options, saveHandler, owned, storage } = completeOptions(given);
    const { locking } = resolveSaveHandlerSettings(options);
    const settings = resolveSessionSettings(options, saveHandler, locking);
    super(webOptionsOf(options, settings), settings, storage, owned);
  }
}
