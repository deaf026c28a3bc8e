/** `session.serialize_handler = php`: `NAME|VALUE` for each variable. */

import { namedVariables } from './named-variables.ts';

const PIPE = 124;

export const phpHandler = namedVariables({
  find(bytes, pos, found) {
    const pipe = bytes.indexOf(PIPE, pos);
    if (pipe < 0) return false;
    found.start = pos;
    found.end = pipe;
    found.value = pipe + 1;
    return true;
  },
  write(output, name) {
    // PHP would save nothing at all.
    if (name.includes(PIPE)) return 'a name with | cannot be written by the php serialize handler';
    output.raw(name);
    output.byte(PIPE);
    return undefined;
  },
});
