/**
 * The handlers `php` and `php_binary`: variables side by side, each with its name before it. They
 * differ only in how a name is written. The slots of all variables are numbered as one.
 */

import { CodecError } from '../../errors.ts';
import { isIntegerKey } from '../integers.ts';
import { getNotes } from '../notes.ts';
import type { DecodeLimits, EncodeLimits } from '../options.ts';
import { readDocument } from '../php/document.ts';
import type { TextOutput } from '../php/output.ts';
import { Reader } from '../php/reader.ts';
import { badValue, skipValue } from '../php/skip.ts';
import { ROOT } from '../php/slots.ts';
import { encodeWith } from '../php/writer.ts';
import { decodeKey, encodeKey } from '../text.ts';
import { viewOf } from '../view.ts';
import { DeferredBuilder, deferredOf } from './deferred.ts';
import { pick, RootBuilder } from './root-notes.ts';
import type { SerializeHandler, Variables } from './session-handler.ts';

/** How a handler writes names. */
export interface NameStyle {
  /** Finds the name at `pos`: `start` and `end` of its bytes, and where the value starts. */
  find(bytes: Buffer, pos: number, found: FoundName): boolean;
  /** Writes the name; returns why it cannot be written. */
  write(output: TextOutput, name: Buffer): string | undefined;
}

export interface FoundName {
  start: number;
  end: number;
  value: number;
}

export function namedVariables(style: NameStyle): SerializeHandler {
  return {
    encode: (variables, limits) => encodeNamed(variables, limits, style),
    decode: (bytes, limits, only) =>
      only === undefined ? decodeAll(bytes, limits, style) : decodeOnly(bytes, limits, style, only),
    defer: (bytes, limits) => defer(bytes, limits, style),
  };
}

function decodeAll(bytes: Buffer, limits: DecodeLimits, style: NameStyle): Variables {
  return readDocument(bytes, limits, makeVariables, (reader, root: Variables) => {
    const builder = new RootBuilder(root);
    const found: FoundName = { start: 0, end: 0, value: 0 };
    reader.named = true;
    for (let pos = 0; pos < bytes.length; pos = reader.pos) {
      if (!style.find(bytes, pos, found)) throw noName(pos);
      const name = decodeKey(bytes, found.start, found.end);
      if (reader.slots !== null && builder.has(name)) reader.slots.detach(name);
      reader.pos = found.value;
      const value = reader.value(ROOT, name);
      if (reader.stopped) return;
      builder.add(name, value, reader.float);
    }
    builder.finish();
  });
}

/** Makes only the wanted variables; the others are checked and passed over. */
function decodeOnly(
  bytes: Buffer,
  limits: DecodeLimits,
  style: NameStyle,
  only: ReadonlySet<string>,
): Variables {
  const builder = new RootBuilder({});
  const found: FoundName = { start: 0, end: 0, value: 0 };
  const reader = new Reader(bytes, limits);
  reader.named = true;
  for (let pos = 0; pos < bytes.length; ) {
    if (!style.find(bytes, pos, found)) throw noName(pos);
    const name = decodeKey(bytes, found.start, found.end);
    if (only.has(name)) {
      reader.pos = found.value;
      const value = reader.value(ROOT, name);
      builder.add(name, value, reader.float);
      pos = reader.pos;
    } else {
      pos = skipValue(bytes, found.value, limits.maxDepth);
      if (pos < 0) throw badValue(-1 - pos, name);
    }
  }
  if (reader.needsSlots) return pick(decodeAll(bytes, limits, style), only);
  builder.finish();
  return builder.root;
}

function defer(bytes: Buffer, limits: DecodeLimits, style: NameStyle): Variables | undefined {
  const found: FoundName = { start: 0, end: 0, value: 0 };
  const builder = new DeferredBuilder(bytes, limits);
  for (let pos = 0; pos < bytes.length; pos = builder.pos) {
    if (!style.find(bytes, pos, found)) return undefined;
    // The mark of php_binary that PHP does not write any more.
    if (found.start > pos && bytes[pos]! > 127) return undefined;
    if (!builder.add(decodeKey(bytes, found.start, found.end), found.value)) return undefined;
  }
  return builder.finish();
}

function makeVariables(): Variables {
  return {};
}

function encodeNamed(variables: Variables, limits: EncodeLimits, style: NameStyle): Buffer {
  const deferred = deferredOf(variables);
  deferred?.prepare();
  const view = viewOf(variables, undefined);
  const keys = view === undefined ? Object.keys(variables) : view.keys();
  const notes = getNotes(variables);
  // Names that PHP has already; as keys of another handler's array they would be integers.
  const known = notes?.format?.variables === true ? notes.order : null;
  return encodeWith(variables, limits, (writer) => {
    for (const entry of keys) {
      // Hidden slots are keys that these handlers cannot tell apart.
      const name = typeof entry === 'object' ? entry.name : String(entry);
      const span = deferred?.untouched(name);
      const value = span === undefined ? variables[name] : null;
      if (value === undefined) continue;
      if (isIntegerKey(name) && known?.some((key) => String(key) === name) !== true) {
        throw new CodecError(
          'ERR_PSB_CODEC_VALUE',
          'PHP drops session variables with an integer name under this serialize handler',
          { path: name },
        );
      }
      const bytes = encodeKey(name);
      const fault = bytes === undefined ? LONE : style.write(writer.output, bytes);
      if (fault !== undefined) {
        throw new CodecError('ERR_PSB_CODEC_VALUE', fault, { path: name });
      }
      if (span === undefined) writer.value(value, name, view);
      else deferred?.write(writer, span);
    }
  });
}

const LONE = 'a name with a lone surrogate cannot be written';

function noName(offset: number): CodecError {
  return new CodecError('ERR_PSB_CODEC_SYNTAX', `no session variable at byte ${offset}`, {
    offset,
  });
}
