/** `session.serialize_handler = msgpack`: msgpack_serialize($_SESSION), by reference. */

import { CodecError } from '../../errors.ts';
import { MsgpackReader } from '../msgpack/reader.ts';
import { writeMsgpack } from '../msgpack/writer.ts';
import { isObjectValue } from '../values.ts';
import { pick } from './root-notes.ts';
import type { SerializeHandler, Variables } from './session-handler.ts';

export const msgpackHandler: SerializeHandler = {
  encode: (variables, limits) => writeMsgpack(variables, limits, true),
  decode(bytes, limits, only) {
    // PHP's extension takes whatever it cannot read for an empty session, and PHP then stores
    // that: here it is an error, as under every other handler.
    const { value } = MsgpackReader.read(bytes, { ...limits, isSession: true });
    if (
      typeof value !== 'object' ||
      value === null ||
      Array.isArray(value) ||
      isObjectValue(value)
    ) {
      throw new CodecError('ERR_PSB_CODEC_VALUE', 'the session is no array of variables', {
        offset: 0,
      });
    }
    return only === undefined ? (value as Variables) : pick(value as Variables, only);
  },
};
