/**
 * koa-session, set up so that it shares PHP's sessions.
 */
import type { CreateSessionOptions } from 'koa-session';
import { SessionManager, type SessionManagerOptions } from '../config/session-manager.ts';
import { OptionsError } from '../errors.ts';
import { webSettingsOf } from '../http/web-settings.ts';
import type { SessionModule } from '../session/session-module.ts';
import type { SessionVariables } from '../session/session-variables.ts';
import { PhpSessionStore } from './php-session-store.ts';

/** Options of koa-session that keep their meaning. */
export interface KoaSessionOptions
  extends Pick<
    CreateSessionOptions,
    'autoCommit' | 'valid' | 'beforeSave' | 'rolling' | 'overwrite'
  > {
  /** Milliseconds, or `'session'`: koa-session's word for `cookieLifetime`. */
  readonly maxAge?: number | 'session' | undefined;
}

/** Complete options for koa-session; `store.sessions` is the manager. */
export interface PhpKoaSessionOptions extends CreateSessionOptions {
  store: PhpSessionStore;
  path: string;
  domain?: string;
}

/**
 * What koa-session puts at `ctx.session` with these options:
 *
 * ```ts
 * declare module 'koa' {
 *   interface ExtendableContext {
 *     session: PhpKoaSession | null;
 *   }
 * }
 * ```
 */
export interface PhpKoaSession {
  /** PHP's `$_SESSION`; absent while there is no session. */
  php?: SessionVariables;
  readonly isNew: boolean;
  maxAge: number | 'session' | undefined;
  readonly externalKey: string | undefined;
  save(): Promise<void>;
  regenerate(): Promise<void>;
  manuallyCommit(): Promise<void>;
}

/** Options that would break PHP's sessions or lose writes, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  key: "the name of the cookie is PHP's session.name: use name",
  store: 'the store is what these options are for',
  ContextStore: 'the store is what these options are for',
  encode: "sessions lie in PHP's format",
  decode: "sessions lie in PHP's format",
  genid: 'PHP must accept the ids: use sidLength and sidBitsPerCharacter',
  externalKey: 'at logout koa-session clears a cookie whatever the external key is',
  renew: "it looks for an expiry inside the data, which PHP's sessions do not have: use rolling",
  secure: 'use cookieSecure',
  httpOnly: 'use cookieHttponly',
  sameSite: 'use cookieSamesite',
  path: 'use cookiePath',
  domain: 'use cookieDomain',
  cacheLimiter: 'koa-session has no place for these headers',
};

/**
 * Complete options for koa-session 7: the whole `$_SESSION` is `ctx.session.php`.
 *
 * ```ts
 * import Koa from 'koa';
 * import session from 'koa-session';
 * import { phpSessionOptions } from 'php-session-bridge/koa-session';
 *
 * const app = new Koa();
 * app.use(session(phpSessionOptions({ savePath: 'tcp://127.0.0.1:6379' }), app));
 * app.use((ctx) => {
 *   ctx.body = `Hello ${ctx.session.php?.userid}`;
 * });
 * ```
 *
 * @param options those of `SessionManager`, and koa-session's `autoCommit`, `valid`, `beforeSave`,
 *   `rolling`, `overwrite`, `maxAge`
 * @throws OptionsError `ERR_PSB_OPTIONS` for combinations that would break PHP's sessions
 */
export function phpSessionOptions(
  options: SessionManagerOptions & KoaSessionOptions,
): PhpKoaSessionOptions;
/** The same over a manager that the application made and closes itself. */
export function phpSessionOptions(
  sessions: SessionModule,
  options?: KoaSessionOptions,
): PhpKoaSessionOptions;
export function phpSessionOptions(
  first: SessionModule | (SessionManagerOptions & KoaSessionOptions),
  second: KoaSessionOptions = {},
): PhpKoaSessionOptions {
  if (typeof first !== 'object' || first === null) {
    throw new OptionsError('a SessionManager or its options are needed: { savePath }, say');
  }
  // Not instanceof: the manager may come from another copy of this package.
  const handedIn = 'open' in first && typeof first.open === 'function';
  const given = (handedIn ? second : first) as SessionManagerOptions & KoaSessionOptions;
  const { autoCommit, valid, beforeSave, rolling, overwrite, maxAge, ...managerOptions } = given;
  refuse(handedIn ? { ...first.webOptions, ...second } : given);
  const sessions = handedIn ? first : new SessionManager(managerOptions);

  const { cookie } = webSettingsOf(sessions);
  const { cookiePath, cookieDomain, cookieSecure, cookieHttponly, cookieSamesite } =
    sessions.webOptions;
  const store = new PhpSessionStore(sessions);
  const lifetime = maxAge ?? (cookie.lifetime > 0 ? cookie.lifetime * 1000 : undefined);
  return {
    key: cookie.name,
    signed: false,
    httpOnly: cookieHttponly ?? true,
    path: cookiePath ?? '/',
    ...(cookieDomain && { domain: cookieDomain }),
    // Without it koa-session follows the request, as 'auto' says.
    ...((cookieSecure === false || cookie.isSecure(false)) && { secure: cookie.isSecure(false) }),
    ...(cookie.partitioned && { partitioned: true }),
    ...(cookieSamesite !== '' && { sameSite: cookieSamesite ?? 'Lax' }),
    ...(lifetime !== undefined && { maxAge: lifetime }),
    rolling: rolling ?? sessions.webOptions.rolling ?? false,
    ...(autoCommit !== undefined && { autoCommit }),
    ...(overwrite !== undefined && { overwrite }),
    ...(valid && { valid }),
    ...(beforeSave && { beforeSave }),
    genid: (ctx: unknown) => store.createKey(ctx),
    store,
  };
}

function refuse(options: SessionManagerOptions & { readonly signed?: boolean }): void {
  for (const [name, reason] of Object.entries(REFUSED)) {
    if (Reflect.get(options, name)) throw new OptionsError(`${name} is refused here: ${reason}`);
  }
  if (options.signed) {
    throw new OptionsError("signed is refused here: PHP's session cookie has no signature");
  }
  if (options.concurrency === 'lock') {
    throw new OptionsError(
      "concurrency 'lock' is refused here: koa-session tells no store when an unchanged request " +
        "ends, so locks would stay; use php-session-bridge/koa, or 'merge'",
    );
  }
  if (options.refreshAt === 'commit' || options.refresh === 'used') {
    throw new OptionsError(
      "refreshAt 'commit' and refresh 'used' are refused here: koa-session tells no store when an " +
        'unchanged request ends',
    );
  }
}
