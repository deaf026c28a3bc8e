import { CodecError } from '../errors.ts';

/**
 * A byte that is written beyond the end of its memory is lost, and in its place another one shows,
 * of whatever the memory held before. It must not happen; where it does, nothing is returned.
 */
export function overrun(): CodecError {
  return new CodecError(
    'ERR_PSB_CODEC_INTERNAL',
    'the encoder wrote beyond its room, which is a fault of this library; nothing was encoded',
  );
}
