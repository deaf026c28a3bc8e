/** `session.serialize_handler = igbinary`: igbinary_serialize($_SESSION). */

import { readBlob } from '../igbinary/reader.ts';
import { writeIgbinary } from '../igbinary/writer.ts';
import { pick, rootVariables } from './root-notes.ts';
import type { SerializeHandler } from './session-handler.ts';

export const igbinaryHandler: SerializeHandler = {
  encode: writeIgbinary,
  decode(bytes, limits, only) {
    // Bytes behind the variables are ignored, as PHP's session module does.
    const { value } = readBlob(bytes, { ...limits, isSession: true, only });
    const variables = rootVariables(value, 4);
    // What a wanted variable points at may have been read as well.
    return only === undefined ? variables : pick(variables, only);
  },
};
