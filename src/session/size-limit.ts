/**
 * How large a session may grow. Redis takes 512 MiB, but PHP dies of its memory_limit at
 * session_start(), and then nobody can repair the session from there.
 */
import { SessionError } from '../errors.ts';

/**
 * @param bytes what is to be written, uncompressed
 * @param known versions that were read: what is no larger than one of them makes nothing worse
 * @throws SessionError `ERR_PSB_SESSION_TOO_LARGE`
 */
export function assertSize(
  bytes: Buffer,
  maxBytes: number,
  ...known: readonly (Buffer | null)[]
): void {
  if (bytes.length <= maxBytes) return;
  if (known.some((read) => read !== null && bytes.length <= read.length)) return;
  throw new SessionError(
    'ERR_PSB_SESSION_TOO_LARGE',
    `the session would be ${bytes.length} bytes, more than maxBytes (${maxBytes}); nothing was written`,
  );
}
