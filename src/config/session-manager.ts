/**
 * From the options of an application to a ready SessionManager: the one place where a save handler
 * is chosen.
 */
import { OptionsError } from '../errors.ts';
import { RedisSaveHandler } from '../save-handler/redis/redis-save-handler.ts';
import type { RedisSaveHandlerOptions } from '../save-handler/redis/storage.ts';
import type { SaveHandler } from '../save-handler/save-handler.ts';
import { resolveSaveHandlerSettings } from '../save-handler/settings.ts';
import { resolveSessionSettings, type SessionOptions } from '../session/options.ts';
import { SessionModule } from '../session/session-module.ts';

/** All options; the storage is named in exactly one way. */
export interface SessionManagerOptions
  extends SessionOptions,
    Omit<RedisSaveHandlerOptions, 'onWarning'> {
  /** A ready save handler; it is never closed by the manager. */
  readonly saveHandler?: SaveHandler | undefined;
}

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
  /** @throws OptionsError `ERR_PSB_OPTIONS`, SavePathError `ERR_PSB_SAVE_PATH` */
  constructor(options: SessionManagerOptions) {
    const { saveHandler = new RedisSaveHandler(options) } = options;
    if (options.saveHandler !== undefined && options.redis !== undefined) {
      throw new OptionsError('name the storage in one way only: saveHandler or redis');
    }
    const { locking } = resolveSaveHandlerSettings(options);
    super(
      options,
      resolveSessionSettings(options, saveHandler, locking),
      options.saveHandler === undefined,
    );
  }
}
