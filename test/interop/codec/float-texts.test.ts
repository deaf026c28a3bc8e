/** Floats under every `serialize_precision`, exact ties above all: the same text as PHP's. */
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { decodeSession, encodeSession, PhpFloat, serialize } from '../../../src/codec/index.ts';
import { PhpPeer } from './php-peer.ts';

const peer = new PhpPeer();
afterAll(() => peer[Symbol.asyncDispose]());

/** Dyadic fractions of few bits: their decimal digits end soon, often on a 5. */
const dyadic = fc
  .tuple(fc.integer({ min: -(2 ** 30), max: 2 ** 30 }), fc.integer({ min: -60, max: 40 }))
  .map(([mantissa, exponent]) => mantissa * 2 ** exponent);
const halves = fc.integer({ min: -(2 ** 51), max: 2 ** 51 }).map((n) => n + 0.5);
const value = fc.oneof(dyadic, halves, fc.double());

it.each([-1, 0, 1, 2, 3, 6, 10, 14, 15, 16, 17, 18, 25, 40])(
  'precision %i',
  async (precision) => {
    const values = fc
      .sample(value, { numRuns: 2000, seed: 20261121 + precision })
      // PHP writes `d:NA;` then, and cannot read it.
      .filter((number) => Number.isFinite(number) || precision < 0 || precision > 3);
    const bytes = Buffer.alloc(values.length * 8);
    for (const [i, number] of values.entries()) bytes.writeDoubleBE(number, i * 8);
    const said = await peer.run(`
    ini_set('serialize_precision', '${precision}');
    $texts = [];
    foreach (str_split(hex2bin('${bytes.toString('hex')}'), 8) as $part) {
        $texts[] = serialize(unpack('E', $part)[1]);
    }
    ini_set('serialize_precision', '-1');
    return implode(' ', $texts);`);
    const ours = values.map((number) =>
      serialize(new PhpFloat(number), { serializePrecision: precision }).toString(),
    );
    expect(ours).toEqual(said.split(' '));
  },
  60_000,
);

it('forgets the text of a property without a name when its reference is assigned', async () => {
  const hex = await peer.run(`
    ini_set('serialize_precision', '17');
    $o = new Shaded;
    $r = &$o->x();
    $r = 0.1;
    $bytes = serialize(['o' => $o, 'r' => &$r]);
    ini_set('serialize_precision', '-1');
    return bin2hex($bytes);`);
  const bytes = Buffer.from(hex, 'hex');
  expect(bytes.toString()).toContain('d:0.10000000000000001;');
  const session = decodeSession(bytes, { handler: 'php_serialize' });
  expect(encodeSession(session, { handler: 'php_serialize' })).toEqual(bytes);
  session['r'] = 5.5;
  const [answer] = await peer.edit('php_serialize', [{ php: '$_SESSION["r"] = 5.5;', bytes }]);
  expect(answer).toEqual({ bytes: encodeSession(session, { handler: 'php_serialize' }) });
});
