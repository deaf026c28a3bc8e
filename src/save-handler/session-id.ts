/**
 * Session ids: how PHP makes them and which ones are let near a store.
 */
import { randomBytes } from 'node:crypto';
import { OptionsError } from '../errors.ts';

/** PHP: `session.sid_bits_per_character` 4 takes the first 16 characters, 5 takes 32, 6 takes all. */
const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-,';

export interface SessionIdOptions {
  /** Characters, 22 to 256; PHP's `session.sid_length`. Default 32. */
  readonly sidLength?: number | undefined;
  /** 4, 5 or 6; PHP's `session.sid_bits_per_character`. Default 4 (hexadecimal). */
  readonly sidBitsPerCharacter?: 4 | 5 | 6 | undefined;
}

/**
 * A new session id. The default, 32 hexadecimal characters from 16 random bytes, is accepted by
 * every version of PHP and phpredis, strict mode included.
 *
 * @throws OptionsError `ERR_PSB_OPTIONS` for a length or a number of bits that PHP does not have
 */
export function createSessionId(options: SessionIdOptions = {}): string {
  const { sidLength = 32, sidBitsPerCharacter = 4 } = options;
  if (!Number.isInteger(sidLength) || sidLength < 22 || sidLength > 256) {
    throw new OptionsError('sidLength must be a whole number from 22 to 256');
  }
  if (sidBitsPerCharacter === 4) {
    return randomBytes((sidLength + 1) >> 1)
      .toString('hex')
      .slice(0, sidLength);
  }
  if (sidBitsPerCharacter !== 5 && sidBitsPerCharacter !== 6) {
    throw new OptionsError('sidBitsPerCharacter must be 4, 5 or 6');
  }
  // Both alphabets have a power of two of characters, so masking keeps the choice uniform.
  const mask = (1 << sidBitsPerCharacter) - 1;
  let id = '';
  for (const byte of randomBytes(sidLength)) id += ALPHABET[byte & mask];
  return id;
}

/**
 * May this text be used as a session id? Letters, digits, `,` and `-` as in PHP's own ids, 22 to
 * 256 of them. phpredis itself would take nearly anything, even `X_LOCK`, the lock of session X:
 * whatever is not an id must never become a key.
 */
export function isSessionId(text: unknown): text is string {
  return typeof text === 'string' && /^[A-Za-z0-9,-]{22,256}$/.test(text);
}
