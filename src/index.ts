/**
 * PHP's sessions in Redis, shared with Node: codecs, save handlers, sessions.
 *
 * @module php-session-bridge
 */

// Codecs: PHP's bytes and JavaScript's values.
export * from './codec/index.ts';
// Configuration: from options to a manager.
export { fromPhpIni, type PhpConfiguration, type PhpIniOptions } from './config/php-ini.ts';
export { SessionManager, type SessionManagerOptions } from './config/session-manager.ts';
// Errors.
export {
  BridgeError,
  type BridgeErrorCode,
  LockError,
  OptionsError,
  SavePathError,
  SessionError,
  StoreError,
} from './errors.ts';
export type { BorrowedClient } from './save-handler/redis/borrowed-client.ts';
// Save handlers: where sessions lie.
export type { RedisCommands } from './save-handler/redis/client.ts';
export type { CredentialsFunction, RedisCredentials } from './save-handler/redis/login.ts';
export { RedisSaveHandler } from './save-handler/redis/redis-save-handler.ts';
export { parseSavePath, type SavePath } from './save-handler/redis/save-path.ts';
export type { RedisSaveHandlerOptions } from './save-handler/redis/storage.ts';
export type {
  ReadOptions,
  SaveHandler,
  Seen,
  SessionLock,
  WriteCondition,
  WriteResult,
} from './save-handler/save-handler.ts';
export {
  createSessionId,
  isSessionId,
  type SessionIdOptions,
} from './save-handler/session-id.ts';
export type { SaveHandlerOptions, WarningListener } from './save-handler/settings.ts';
// Sessions.
export type { CommitResult } from './session/commit-result.ts';
export type { CookieOptions } from './session/cookie-options.ts';
export type { IdentityOption } from './session/identity.ts';
export type { DestroyResult } from './session/log-out.ts';
export type { Conflict, ConflictValues, OnConflict } from './session/merge/conflicts.ts';
export type { SessionEvent } from './session/observe.ts';
export type { ObservedSession, SessionOptions } from './session/options.ts';
export type { RegenerateOptions, Session } from './session/session.ts';
export type {
  FindOptions,
  OpenOptions,
  RunOptions,
  StorageDescription,
} from './session/session-module.ts';
export type { SessionVariables } from './session/session-variables.ts';
