/** igbinary as a format of single values. */
import { CodecError } from '../../errors.ts';
import type { IgbinaryReadOptions } from './read-options.ts';
import { readBlob } from './reader.ts';

export { writeIgbinary } from './writer.ts';

/** Decodes one value: `igbinary_unserialize()`, which refuses bytes behind it. */
export function readIgbinary(bytes: Buffer, options: IgbinaryReadOptions): unknown {
  const { value, end } = readBlob(bytes, options);
  if (end === bytes.length) return value;
  throw new CodecError(
    'ERR_PSB_CODEC_SYNTAX',
    `igbinary: more bytes behind the value at byte ${end}`,
    { offset: end },
  );
}
