/** `session.serialize_handler = php_binary`: one byte of length and the name before each value. */

import { namedVariables } from './named-variables.ts';

const MAX_NAME = 127;

export const phpBinaryHandler = namedVariables({
  find(bytes, pos, found) {
    // Bit 7 meant "undefined" in old versions; PHP masks it off.
    const length = bytes[pos]! & MAX_NAME;
    found.start = pos + 1;
    found.end = found.start + length;
    found.value = found.end;
    return found.end < bytes.length;
  },
  write(output, name) {
    // PHP drops such a variable silently.
    if (name.length > MAX_NAME) {
      return 'a name beyond 127 bytes cannot be written by the php_binary serialize handler';
    }
    output.byte(name.length);
    output.raw(name);
    return undefined;
  },
});
