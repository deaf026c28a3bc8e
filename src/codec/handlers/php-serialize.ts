/** `session.serialize_handler = php_serialize`: serialize($_SESSION). */

import { CodecError } from '../../errors.ts';
import type { DecodeLimits } from '../options.ts';
import { readValue, writeValue } from '../php/document.ts';
import { Reader } from '../php/reader.ts';
import { badValue, skipValue } from '../php/skip.ts';
import { ROOT } from '../php/slots.ts';
import { decodeKey } from '../text.ts';
import { isObjectValue } from '../values.ts';
import { pick, RootBuilder } from './root-notes.ts';
import type { SerializeHandler, Variables } from './session-handler.ts';

export const phpSerializeHandler: SerializeHandler = {
  encode: writeValue,
  decode(bytes, limits, only) {
    if (only !== undefined && bytes[0] === 97) return decodeOnly(bytes, limits, only);
    return decodeAll(bytes, limits);
  },
};

function decodeAll(bytes: Buffer, limits: DecodeLimits): Variables {
  const root = readValue(bytes, limits, true);
  if (typeof root !== 'object' || root === null || isObjectValue(root) || Buffer.isBuffer(root)) {
    throw new CodecError('ERR_PSB_CODEC_VALUE', 'the session is no array of variables', {
      offset: 0,
    });
  }
  return root as Variables;
}

/** Makes only the wanted variables; the others are checked and passed over. */
function decodeOnly(bytes: Buffer, limits: DecodeLimits, only: ReadonlySet<string>): Variables {
  const builder = new RootBuilder({});
  const keys = new Reader(bytes, limits);
  const reader = new Reader(bytes, limits);
  reader.named = true;
  const open = bytes.indexOf(123) + 1;
  const header = /^a:(\d{1,15}):\{$/.exec(bytes.toString('latin1', 0, Math.min(open, 32)));
  const count = Number(header?.[1]);
  if (header === null || count > (bytes.length - open) / 2) throw badValue(0, '');
  let pos = open;
  for (let i = 0; i < count; i++) {
    const letter = bytes[pos];
    if (letter !== 105 && letter !== 115 && letter !== 83) throw badValue(pos, '');
    keys.pos = pos;
    const name = keyText(keys.value(ROOT, ''));
    pos = keys.pos;
    if (only.has(name)) {
      reader.pos = pos;
      const value = reader.value(ROOT, name);
      builder.add(name, value, reader.float);
      pos = reader.pos;
    } else {
      const next = skipValue(bytes, pos, Math.max(limits.maxDepth - 1, 0));
      if (next < 0) throw badValue(-1 - next, name);
      pos = next;
    }
  }
  if (bytes[pos] !== 125) throw badValue(pos, '');
  if (reader.needsSlots) return pick(decodeAll(bytes, limits), only);
  builder.finish();
  return builder.root;
}

function keyText(key: unknown): string {
  return key instanceof Uint8Array ? decodeKey(key as Buffer, 0, key.length) : String(key);
}
