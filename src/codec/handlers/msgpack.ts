/** `session.serialize_handler = msgpack`: msgpack_serialize($_SESSION), by reference. */

import { MsgpackReader } from '../msgpack/reader.ts';
import { writeMsgpack } from '../msgpack/writer.ts';
import { pick, rootVariables } from './root-notes.ts';
import type { SerializeHandler } from './session-handler.ts';

export const msgpackHandler: SerializeHandler = {
  encode: (variables, limits) => writeMsgpack(variables, limits, true),
  decode(bytes, limits, only) {
    // PHP's extension takes whatever it cannot read for an empty session, and PHP then stores
    // that: here it is an error, as under every other handler.
    const { value } = MsgpackReader.read(bytes, { ...limits, isSession: true, only });
    const variables = rootVariables(value, 0);
    // What a wanted variable points at may have been read as well.
    return only === undefined ? variables : pick(variables, only);
  },
};
