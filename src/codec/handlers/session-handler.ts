/** What a `session.serialize_handler` does: all session variables to bytes and back. */

import type { DecodeLimits, EncodeLimits } from '../options.ts';

export type Variables = Record<string, unknown>;

export interface SerializeHandler {
  encode(variables: Variables, limits: EncodeLimits): Buffer;
  /**
   * @param bytes Never empty: zero bytes are an empty session under every handler.
   * @param only The variables that are wanted; undefined for all.
   */
  decode(bytes: Buffer, limits: DecodeLimits, only: ReadonlySet<string> | undefined): Variables;
  /**
   * Decodes so that arrays are made when they are first asked for; `undefined` if that is not
   * possible with these bytes, or if they are no session at all.
   */
  defer?(bytes: Buffer, limits: DecodeLimits): Variables | undefined;
}
