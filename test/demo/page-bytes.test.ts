import { expect, it } from 'vitest';
import { bytesOf, type Handler, readFixtures } from '../fixtures/fixtures.ts';

interface Slot {
  name: string | null;
  pieces: { type: string; text: string; inner?: string }[];
}
type SlotsOf = (bytes: Uint8Array, handler: string) => Slot[];
type BinaryPieces = (bytes: Uint8Array, handler: string) => { type: string; length: number }[];

// The page is plain JavaScript without types, as the browser gets it.
const page = (file: string) =>
  import(new URL(`../../docker/demo/page/${file}`, import.meta.url).href);
const { slotsOf, textOf } = (await page('serialized.js')) as {
  slotsOf: SlotsOf;
  textOf: (bytes: Uint8Array) => string;
};
const { binaryPieces } = (await page('binary.js')) as { binaryPieces: BinaryPieces };

/** Everything that PHP wrote under this handler: values stand in the variable `v`. */
function sessions(family: 'php' | 'igbinary' | 'msgpack', handler: Handler): [string, Buffer][] {
  const { values, sessions: whole } = readFixtures(family);
  return [...values, ...whole].flatMap(({ name, bytes }) => {
    const own = (bytes as Record<string, string | false | undefined>)[handler];
    return typeof own === 'string' ? [[name, bytesOf(own)] as [string, Buffer]] : [];
  });
}

it.each(['php', 'php_binary', 'php_serialize'] as const)(
  'cuts every session of %s into pieces, and every byte is in one',
  (handler) => {
    const rows = sessions('php', handler);
    expect(rows.length).toBeGreaterThan(100);
    for (const [name, bytes] of rows) {
      const slots = slotsOf(bytes, handler);
      const shown = slots.flatMap(({ pieces }) =>
        pieces.map(({ text, inner = '' }) => text + inner),
      );
      const utf8 = Buffer.from(bytes.toString('utf8')).equals(bytes);
      // The length of a name is a byte of its own there, and shown as such even if it is a letter.
      if (utf8 && handler !== 'php_binary') expect(shown.join(''), name).toBe(textOf(bytes));
      // A rest that it could not read is one piece of no type, without a name.
      const unread = slots.filter(
        ({ name, pieces }) => name === null && pieces[0]?.type === 'mark',
      );
      expect(unread, name).toEqual([]);
    }
  },
);

it.each(['igbinary', 'msgpack'] as const)('knows the type of every byte of %s', (handler) => {
  const rows = sessions(handler, handler);
  expect(rows.length).toBeGreaterThan(100);
  for (const [name, bytes] of rows) {
    const pieces = binaryPieces(bytes, handler);
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    expect(length, name).toBe(bytes.length);
    const header = handler === 'igbinary' ? 1 : 0;
    const unknown = pieces.slice(header).filter(({ type }) => type === 'mark');
    expect(unknown, name).toEqual([]);
  }
});

it('shows bytes that are no session without complaint', () => {
  for (const text of [
    '',
    '0',
    'x',
    'a|s:99:"b";',
    'a|a:9999999:{',
    'a|O:1:"A":1:{i:0;',
    '|',
    'a|N',
  ]) {
    const slots = slotsOf(Buffer.from(text), 'php');
    const shown = slots.flatMap(({ pieces }) =>
      pieces.map((piece) => piece.text + (piece.inner ?? '')),
    );
    expect(text).toContain(shown.at(-1) ?? '');
  }
  expect(binaryPieces(Buffer.from([0, 0]), 'igbinary')).toEqual([{ type: 'mark', length: 2 }]);
  expect(binaryPieces(Buffer.from([0xdb, 1]), 'msgpack')).toHaveLength(2);
});
