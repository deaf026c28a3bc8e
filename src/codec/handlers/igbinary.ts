/** `session.serialize_handler = igbinary`: igbinary_serialize($_SESSION). */

import { CodecError } from '../../errors.ts';
import { IgbinaryReader } from '../igbinary/reader.ts';
import { writeIgbinary } from '../igbinary/writer.ts';
import { isObjectValue } from '../values.ts';
import { pick } from './root-notes.ts';
import type { SerializeHandler, Variables } from './session-handler.ts';

export const igbinaryHandler: SerializeHandler = {
  encode: writeIgbinary,
  decode(bytes, limits, only) {
    // Bytes behind the variables are ignored, as PHP's session module does.
    const { value } = IgbinaryReader.read(bytes, { ...limits, isSession: true, only });
    if (
      typeof value !== 'object' ||
      value === null ||
      Array.isArray(value) ||
      isObjectValue(value)
    ) {
      throw new CodecError('ERR_PSB_CODEC_VALUE', 'the session is no array of variables', {
        offset: 4,
      });
    }
    // What a wanted variable points at may have been read as well.
    return only === undefined ? (value as Variables) : pick(value as Variables, only);
  },
};
