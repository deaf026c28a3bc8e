/** msgpack, as PHP's extension writes it, as a format of single values. */
import { CodecError } from '../../errors.ts';
import { MsgpackReader, type MsgpackReadOptions } from './reader.ts';

export { writeMsgpack } from './writer.ts';

/** Decodes one value. Bytes behind it, of which PHP warns, are refused. */
export function readMsgpack(bytes: Buffer, options: MsgpackReadOptions): unknown {
  const { value, end } = MsgpackReader.read(bytes, options);
  if (end === bytes.length) return value;
  throw new CodecError(
    'ERR_PSB_CODEC_SYNTAX',
    `msgpack: more bytes behind the value at byte ${end}`,
    { offset: end },
  );
}
