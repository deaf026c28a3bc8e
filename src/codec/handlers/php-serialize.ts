/** `session.serialize_handler = php_serialize`: serialize($_SESSION). */

import { CodecError } from '../../errors.ts';
import { isIntegerKey } from '../integers.ts';
import type { DecodeLimits, EncodeLimits } from '../options.ts';
import { readValue, writeValue } from '../php/document.ts';
import { Reader } from '../php/reader.ts';
import { badValue, skipValue } from '../php/skip.ts';
import { ROOT } from '../php/slots.ts';
import { encodeWith } from '../php/writer.ts';
import { decodeKey } from '../text.ts';
import { isObjectValue } from '../values.ts';
import { viewOf } from '../view.ts';
import { type Deferred, DeferredBuilder, deferredOf } from './deferred.ts';
import { pick, RootBuilder } from './root-notes.ts';
import type { SerializeHandler, Variables } from './session-handler.ts';

export const phpSerializeHandler: SerializeHandler = {
  encode(variables, limits) {
    const deferred = deferredOf(variables);
    if (deferred !== undefined) {
      try {
        return encodeDeferred(variables, limits, deferred);
      } catch {
        // Whatever it is: written as a whole it is done rightly, or refused with its path.
        deferred.settle();
      }
    }
    return writeValue(variables, limits);
  },
  decode(bytes, limits, only) {
    if (only !== undefined && bytes[0] === 97) return decodeOnly(bytes, limits, only);
    return decodeAll(bytes, limits);
  },
  defer,
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
    const name = readKey(keys, pos);
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

function defer(bytes: Buffer, limits: DecodeLimits): Variables | undefined {
  const header = /^a:(0|[1-9]\d{0,14}):\{/.exec(bytes.toString('latin1', 0, 20));
  // The outermost array takes a level.
  if (header === null || limits.maxDepth === 1) return undefined;
  const inner = { ...limits, maxDepth: Math.max(limits.maxDepth - 1, 0) };
  const builder = new DeferredBuilder(bytes, inner);
  const keys = new Reader(bytes, limits);
  builder.pos = header[0].length;
  for (let i = Number(header[1]); i > 0; i--) {
    if (bytes[builder.pos] !== 115 || bytes[builder.pos + 2] === 48) return undefined;
    const name = readKey(keys, builder.pos);
    if (!builder.add(name, keys.pos)) return undefined;
  }
  if (bytes[builder.pos] !== 125 || builder.pos + 1 !== bytes.length) return undefined;
  return builder.finish();
}

function encodeDeferred(variables: Variables, limits: EncodeLimits, deferred: Deferred): Buffer {
  deferred.prepare();
  const view = viewOf(variables, undefined);
  const names = Object.keys(variables).filter(
    (name) => deferred.untouched(name) !== undefined || variables[name] !== undefined,
  );
  return encodeWith(variables, limits, (writer) => {
    // PHP makes these keys integers, and their place may be noted.
    if (names.some(isIntegerKey)) throw WHOLE;
    writer.passed(Buffer.from(`a:${names.length}:{`), 1);
    for (const name of names) {
      if (!writer.output.name(name)) throw WHOLE;
      const span = deferred.untouched(name);
      if (span === undefined) writer.value(variables[name], name, view);
      else deferred.write(writer, span);
    }
    writer.output.byte(125);
  });
}

const WHOLE = Symbol('to be written as a whole');

/** The key at `pos` as a name; leaves the reader behind it. */
function readKey(keys: Reader, pos: number): string {
  keys.pos = pos;
  const key = keys.value(ROOT, '');
  return key instanceof Uint8Array ? decodeKey(key as Buffer, 0, key.length) : String(key);
}
