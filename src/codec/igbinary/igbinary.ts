/** igbinary as a format of values, and as what a session is made of. */
import { CodecError } from '../../errors.ts';
import { PhpFloat } from '../values.ts';
import { IgbinaryReader, type IgbinaryReadOptions } from './reader.ts';

export { writeIgbinary } from './writer.ts';

/** Decodes one value: `igbinary_unserialize()`, which refuses bytes behind it. */
export function readIgbinary(bytes: Buffer, options: IgbinaryReadOptions): unknown {
  const { value, isFloat, end } = IgbinaryReader.read(bytes, options);
  if (end < bytes.length) {
    throw new CodecError(
      'ERR_PSB_CODEC_SYNTAX',
      `igbinary: more bytes behind the value at byte ${end}`,
      {
        offset: end,
      },
    );
  }
  // Alone, a number could not say that it was a float.
  return isFloat && Number.isInteger(value) && !Object.is(value, -0)
    ? new PhpFloat(value as number)
    : value;
}
