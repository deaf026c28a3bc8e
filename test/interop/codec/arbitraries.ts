import fc from 'fast-check';
import { PhpEnum, PhpFloat, PhpObject } from '../../../src/codec/index.ts';
import type { Handler } from '../../fixtures/fixtures.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

const edgeIntegers = fc.constantFrom(
  ...[0, 1, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1],
  ...[2 ** 32, 2 ** 53 - 1],
);

const numbers = fc.oneof(
  fc.integer(),
  edgeIntegers,
  edgeIntegers.map((n) => -n),
  fc.double(),
  fc.integer({ min: -1e6, max: 1e6 }).map((n) => n / 100),
  fc.constantFrom(-0, Number.NaN, Infinity, -Infinity, 1e15, 1e16, 1e17, 1e21, 1e-5, 1e-7, 5e-324),
);

const strings = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom(
    '이다은',
    '이다은oooaa',
    'a|b',
    'i:1;',
    '";}',
    '__proto__',
    '\u{feff}',
    '\0',
    'N;',
  ),
  fc.string({ minLength: 90, maxLength: 140 }),
);

const bytes = fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array));

/** Keys as a decoder makes them: text, integers as text, and the escapes of odd bytes. */
const keys = fc.oneof(
  fc.constantFrom('id', 'name', 'price', '이름', 'constructor', 'toString', 'length', ''),
  strings,
  fc.integer({ min: -20, max: 20 }).map(String),
  int64.map(String),
  fc.constantFrom(
    '05',
    '-0',
    '1.5',
    '9223372036854775808',
    '\udcff',
    'a\udc80',
    '\udced\udcb2\udc80',
  ),
);

const propertyNames = keys.filter((name) => !name.startsWith('\0'));

const visibilities = fc.constantFrom(...(['public', 'protected', 'private'] as const), {
  private: 'Parent',
} as const);

function plainObject(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [name, value] of entries) {
    const attributes = { enumerable: true, configurable: true, writable: true };
    Object.defineProperty(object, name, { value, ...attributes });
  }
  return object;
}

export interface Choice {
  readonly enums: boolean;
  readonly bigints?: boolean;
}

/** Values that a JavaScript application may put into a session. */
export function phpValues({ enums }: Choice): fc.Arbitrary<unknown> {
  const leaves: fc.Arbitrary<unknown>[] = [
    fc.constantFrom(null, true, false),
    numbers,
    int64,
    fc.double({ noNaN: true }).map((n) => new PhpFloat(n)),
    strings,
    strings,
    bytes,
  ];
  if (enums)
    leaves.push(fc.constantFrom('Hearts', 'Spades').map((name) => new PhpEnum('Suit', name)));
  return fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(...leaves),
      tie('list'),
      tie('map'),
      tie('object'),
      tie('sameObjectTwice'),
    ),
    list: fc.array(tie('value'), { maxLength: 6 }),
    map: fc
      .uniqueArray(fc.tuple(keys, tie('value')), { maxLength: 6, selector: ([k]) => k })
      .map(plainObject),
    object: fc
      .tuple(
        fc.constantFrom('stdClass', 'Unknown', 'App\\Unknown', '사용자들'),
        fc.uniqueArray(fc.tuple(propertyNames, tie('value'), visibilities), {
          maxLength: 5,
          selector: ([k]) => k,
        }),
      )
      .map(([className, properties]) => {
        const isStd = className === 'stdClass';
        // PHP's msgpack, which has no enums either, makes integers of such names in a class that
        // it does not know.
        const given = properties;
        properties = enums || isStd ? given : given.filter(([name]) => !isInt.test(name));
        const named = properties.map(([name, value]) => [name, value] as const);
        const seen = properties.map(([name, , visibility]) => [name, visibility] as const);
        const visibility = isStd ? {} : (plainObject(seen) as Record<string, 'public'>);
        return new PhpObject(className, plainObject(named), { visibility });
      }),
    sameObjectTwice: fc
      .tuple(tie('object'), tie('value'))
      .map(([object, between]) => [object, between, object]),
  })).value;
}

const isInt = /^(0|-?[1-9]\d*)$/;

function isName(handler: Handler, name: string): boolean {
  if (handler !== 'php_serialize' && isInt.test(name)) return false;
  if (handler === 'php') return !name.includes('|');
  return (
    handler !== 'php_binary' || Buffer.byteLength(name.replace(/[\udc80-\udcff]/g, 'x')) <= 127
  );
}

/** Session variables that the handler can hold. */
export function sessions(handler: Handler): fc.Arbitrary<Record<string, unknown>> {
  const names = keys.filter((name) => isName(handler, name));
  return fc
    .uniqueArray(fc.tuple(names, phpValues({ enums: handler !== 'msgpack' })), {
      maxLength: 5,
      selector: ([name]) => name,
    })
    .map(plainObject);
}

export type ListKind = 'int' | 'float' | 'fraction' | 'string' | 'mixed';

/** A number as PHP source: JavaScript has no float that looks like an integer, PHP has. */
export function phpNumber(value: number, isFloat: boolean): string {
  return isFloat && Number.isInteger(value) ? `${value}.0` : `${value}`;
}
