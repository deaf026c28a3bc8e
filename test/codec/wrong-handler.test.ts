/** Bytes of every serialize handler, written by PHP, read by every other one: refused, and named. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { detectSerialization } from '../../src/codec/detect.ts';
import {
  decodeSession,
  encodeSession,
  openSession,
  type SessionHandlerName,
} from '../../src/codec/session.ts';
import { CodecError } from '../../src/errors.ts';
import { bytesOf, readFixtures } from '../fixtures/fixtures.ts';

const HANDLERS = ['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'] as const;
const families = ['php', 'igbinary', 'msgpack'] as const;
const rows = families.flatMap((family) =>
  readFixtures(family).sessions.flatMap(({ name, bytes }) =>
    Object.entries(bytes).flatMap(([handler, text]) =>
      typeof text === 'string' && text !== '' ? [{ name, handler, bytes: bytesOf(text) }] : [],
    ),
  ),
);

type Decode = (bytes: Buffer, options: { readonly handler: SessionHandlerName }) => unknown;

function refusal(
  bytes: Buffer,
  handler: SessionHandlerName,
  decode: Decode = decodeSession,
): CodecError {
  try {
    decode(bytes, { handler });
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
  throw new Error(`${handler} reads it`);
}

describe.each(HANDLERS)('%s', (written) => {
  const own = rows.filter(({ handler }) => handler === written);

  test.each(HANDLERS.filter((read) => read !== written))('read by %s', (read) => {
    expect(own.length).toBeGreaterThan(50);
    for (const { name, bytes } of own) {
      for (const error of [refusal(bytes, read), refusal(bytes, read, openSession)]) {
        expect(error.message, name).toContain(
          `these bytes look like ${written}, not ${read}: both sides need one session.serialize_handler`,
        );
        expect(error.path).toBeUndefined();
      }
    }
  });

  test('damaged: its own handler is not blamed', () => {
    // Cut off, so that it is no session any more.
    for (const { bytes, name } of own.filter((row) => row.bytes.length > 40)) {
      const cut = bytes.subarray(0, bytes.length - 9);
      let error: CodecError;
      try {
        error = refusal(Buffer.from(cut), written);
      } catch {
        continue;
      }
      expect(error.message, name).not.toContain('look like');
    }
  });
});

test('no value is shown, though the wrong handler takes it for a name', () => {
  const secret = 'hunter2-token';
  // a:2:{s:5:"token";s:13:"…";s:4:"note";s:5:"a|b:c";} written by PHP's serialize().
  const bytes = Buffer.from(`a:2:{s:5:"token";s:13:"${secret}";s:4:"note";s:5:"a|b:c";}`);
  for (const handler of ['php', 'php_binary', 'igbinary', 'msgpack'] as const) {
    const shown = inspect(refusal(bytes, handler), { depth: 9, showHidden: true });
    expect(shown).toContain('php_serialize');
    expect(shown).not.toContain(secret);
  }
});

test('bytes that look like nothing get no hint', () => {
  for (const text of ['{"user":1}', 'hello', '\0', '<html>']) {
    for (const handler of HANDLERS) {
      expect(refusal(Buffer.from(text), handler).message).not.toContain('look like');
    }
  }
});

test('detectSerialization names what damaged bytes begin like', () => {
  for (const handler of HANDLERS) {
    const whole = encodeSession({ userid: 42, name: 'x'.repeat(40), list: [1, 2] }, { handler });
    const found = detectSerialization(Buffer.from(whole.subarray(0, whole.length - 20)));
    expect(found.handler).toBeUndefined();
    expect(found.reason).toContain(`they begin like those of ${handler}`);
  }
  expect(detectSerialization(Buffer.from('{"user":1}')).reason).not.toContain('begin');
});
