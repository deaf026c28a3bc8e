import { encodeSession } from '../../../src/codec/index.ts';
import type { Handler } from '../../fixtures/fixtures.ts';

const all: readonly Handler[] = ['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'];

/** The handlers that this build of the codec has. */
export const handlers: readonly Handler[] = all.filter((handler) => {
  try {
    encodeSession({}, { handler });
    return true;
  } catch {
    return false;
  }
});
