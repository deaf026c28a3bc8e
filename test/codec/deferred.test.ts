/**
 * Sessions whose arrays are decoded when they are first asked for must be the same to everybody as
 * sessions that were decoded at once, for every row that PHP wrote and for damaged ones.
 */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../src/codec/index.ts';
import {
  decodeDeferred,
  decodeSession,
  encodeSession,
  isAsRead,
  isUntouched,
  openSession,
} from '../../src/codec/session.ts';
import { PhpEnum, PhpFloat, PhpObject } from '../../src/codec/values.ts';
import { bytesOf, type Handler, readFixtures } from '../fixtures/fixtures.ts';
import { mutate, Random } from '../fuzz/mutate.ts';

const textHandlers = ['php', 'php_binary', 'php_serialize'] as const;
const { values, sessions, inputs, edits } = readFixtures('php');

type Variables = Record<string, unknown>;

function isText(handler: string): handler is (typeof textHandlers)[number] {
  return (textHandlers as readonly string[]).includes(handler);
}

function open(bytes: Buffer, handler: Handler): Variables {
  return openSession(bytes, { handler });
}

function decode(bytes: Buffer, handler: Handler): Variables {
  return decodeSession(bytes, { handler });
}

function encode(variables: Variables, handler: Handler): Buffer {
  return encodeSession(variables, { handler });
}

/** The encoding, or the error's code: what PHP cannot hold must be refused either way. */
function outcome(run: () => Buffer): string {
  try {
    return run().toString('latin1');
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return error.code;
  }
}

const rows: { readonly name: string; readonly handler: Handler; readonly bytes: Buffer }[] = [];
for (const { name, bytes } of [...values, ...sessions]) {
  for (const [handler, latin1] of Object.entries(bytes)) {
    if (isText(handler) && typeof latin1 === 'string' && latin1 !== '') {
      rows.push({ name, handler, bytes: bytesOf(latin1) });
    }
  }
}

describe('what PHP wrote', () => {
  it.each(rows)('$handler: $name', ({ handler, bytes }) => {
    expect(encode(open(bytes, handler), handler)).toEqual(bytes);
    const variables = open(bytes, handler);
    const whole = decode(bytes, handler);
    expect(Object.keys(variables)).toEqual(Object.keys(whole));
    expect(variables).toEqual(whole);
    expect(encode(variables, handler)).toEqual(bytes);
    if (isAsRead(variables)) expect(encode(whole, handler)).toEqual(bytes);
    // Asked for in the other order, half of it, and half of it assigned to itself.
    for (const [remainder, assigns] of [
      [0, false],
      [1, false],
      [0, true],
      [1, true],
    ] as const) {
      const some = open(bytes, handler);
      const names = Object.keys(some).reverse();
      for (const [at, name] of names.entries()) {
        if (at % 2 !== remainder) continue;
        const value = some[name];
        if (assigns) Reflect.set(some, name, value);
      }
      expect(encode(some, handler)).toEqual(bytes);
    }
  });
});

describe('the same edit in PHP and in JavaScript', () => {
  for (const row of edits) {
    it(row.name, () => {
      for (const [key, { before, after }] of Object.entries(row.bytes)) {
        if (!isText(key)) continue;
        const variables = open(bytesOf(before), key);
        const edit = new Function('s', 'PhpObject', 'PhpEnum', 'PhpFloat', row.js);
        edit(variables, PhpObject, PhpEnum, PhpFloat);
        expect(encode(variables, key).toString('latin1')).toBe(after);
        expect(encode(variables, key).toString('latin1')).toBe(after);
      }
    });
  }
});

describe('bytes that PHP did not write', () => {
  it.each(inputs.filter(({ format }) => isText(format)))('$format: $name', (row) => {
    expectSame(bytesOf(row.bytes), row.format as Handler);
  });

  it('damaged blobs are refused, or read the same', () => {
    const random = new Random(20261121);
    for (let round = 0; round < 6_000; round++) {
      const { handler, bytes } = random.of(rows);
      expectSame(mutate(random, bytes, random.of(rows).bytes, false), handler);
    }
  }, 60_000);
});

/** Refused by both or by neither, and then equal once all of it was asked for. */
function expectSame(bytes: Buffer, handler: Handler): void {
  const whole = outcome(() => encode(decode(bytes, handler), handler));
  const later = outcome(() => {
    const variables = open(bytes, handler);
    decodeDeferred(variables);
    return encode(variables, handler);
  });
  expect(later).toBe(whole);
  const untouched = outcome(() => {
    const variables = open(bytes, handler);
    const isSame = isUntouched(variables);
    const again = encode(variables, handler);
    if (isSame) expect(again).toEqual(bytes);
    return encode(decode(again, handler), handler);
  });
  expect(untouched).toBe(whole);
}

describe.each(textHandlers)('%s: ordinary objects', (handler) => {
  const cart = [
    { sku: 'A-1', name: '홍길동', price: 12.5, weight: new PhpFloat(3), tags: ['a', 'b'] },
    { sku: 'A-2', name: 'tea', price: 3, weight: new PhpFloat(0.5), tags: [] },
  ];
  const plain = {
    userid: 'kky',
    visits: 5,
    rate: new PhpFloat(2),
    cart,
    address: { city: 'Seoul', lat: new PhpFloat(37) },
    seen: [1, 2, 3],
  };
  const bytes = encode(plain, handler);
  const opened = (): Variables => open(bytes, handler);
  const whole = (): Variables => decode(bytes, handler);
  const isWaiting = (variables: Variables, name: string): boolean =>
    Object.getOwnPropertyDescriptor(variables, name)?.get !== undefined;

  it('makes an array when it is asked for, and only that one', () => {
    const variables = opened();
    expect(isWaiting(variables, 'cart')).toBe(true);
    expect(isWaiting(variables, 'userid')).toBe(false);
    const first = variables['cart'];
    expect(variables['cart']).toBe(first);
    expect(isWaiting(variables, 'cart')).toBe(false);
    expect(isWaiting(variables, 'address')).toBe(true);
  });

  it('knows that nobody changed it', () => {
    const variables = opened();
    expect(isUntouched(variables)).toBe(true);
    expect(variables['userid']).toBe('kky');
    variables['visits'] = 5;
    expect(isUntouched(variables)).toBe(true);
    for (const change of [
      (v: Variables) => Reflect.set(v, 'visits', 6),
      (v: Variables) => Reflect.set(v, 'visits', new PhpFloat(5)),
      (v: Variables) => Reflect.set(v, 'added', null),
      (v: Variables) => Reflect.deleteProperty(v, 'userid'),
      (v: Variables) => Reflect.deleteProperty(v, 'cart'),
      (v: Variables) => Reflect.set(v, 'cart', []),
      (v: Variables) => Reflect.get(v, 'cart'),
    ]) {
      const changed = opened();
      change(changed);
      expect(isUntouched(changed)).toBe(false);
    }
  });

  it.each<[string, (v: Variables) => unknown]>([
    ['a deep change', (v) => Reflect.set((v['cart'] as object[])[0] as object, 'price', 13)],
    ['a replacement', (v) => Reflect.set(v, 'address', { city: 'Busan', lat: 37 })],
    ['one after a deletion', (v) => delete v['address'] && Reflect.set(v, 'address', { lat: 37 })],
    ['a deletion', (v) => Reflect.deleteProperty(v, 'cart')],
    ['an addition', (v) => Reflect.set(v, 'more', [v['seen']])],
    ['an integer name', (v) => Reflect.set(v, '5', 1)],
    ['undefined', (v) => Reflect.set(v, 'cart', undefined)],
    ['a lone surrogate', (v) => Reflect.set(v, '\ud800', 1)],
    ['a function', (v) => Reflect.set(v, 'f', () => 1)],
    ['the same object twice', (v) => Object.assign(v, twice())],
    ['a scalar of another type', (v) => Reflect.set(v, 'rate', '2')],
    ['the order', (v) => Reflect.set(v, 'userid', Reflect.deleteProperty(v, 'userid'))],
  ])('%s is written as from a session decoded at once', (_, edit) => {
    const later = opened();
    const once = whole();
    edit(later);
    edit(once);
    expect(outcome(() => encode(later, handler))).toBe(outcome(() => encode(once, handler)));
  });

  function twice(): Variables {
    const object = new PhpObject('App\\User', { name: 'kky' });
    return { one: object, two: object };
  }

  it('shows, copies, clones and compares like any object', () => {
    const expected = whole();
    expect(inspect(opened())).toBe(inspect(expected));
    expect(JSON.stringify(opened())).toBe(JSON.stringify(expected));
    expect({ ...opened() }).toEqual({ ...expected });
    expect(Object.entries(opened())).toEqual(Object.entries(expected));
    expect(structuredClone(opened())).toEqual(structuredClone(expected));
    expect(Object.getOwnPropertySymbols({ ...opened() })).toEqual([]);
    const { cart: taken } = opened();
    expect(taken).toEqual(expected['cart']);
  });

  it('answers behind a proxy, as a prototype and when its properties were copied', () => {
    const variables = opened();
    expect(new Proxy(variables, {})['cart']).toEqual(whole()['cart']);
    const source = opened();
    const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(source)) as Variables;
    expect(copy['cart']).toEqual(whole()['cart']);
    expect(encode(copy, handler)).toEqual(encode({ ...whole() }, handler));
    copy['cart'] = 1;
    expect(copy['cart']).toBe(1);
    expect(source['cart']).toEqual(whole()['cart']);
    const heir = Object.create(opened()) as Variables;
    heir['cart'] = 2;
    expect(heir['cart']).toBe(2);
    expect((Object.getPrototypeOf(heir) as Variables)['cart']).toEqual(whole()['cart']);
  });

  it('stays frozen and sealed', () => {
    const frozen = Object.freeze(opened());
    expect(() => Reflect.apply(assignCart, undefined, [frozen])).toThrow(TypeError);
    expect(frozen['cart']).toEqual(whole()['cart']);
    expect(frozen['cart']).toBe(frozen['cart']);
    expect(encode(frozen, handler)).toEqual(bytes);
    const sealed = Object.seal(opened());
    assignCart(sealed);
    expect(sealed['cart']).toBe(1);
    expect(decode(encode(sealed, handler), handler)['cart']).toBe(1);
  });

  function assignCart(variables: Variables): void {
    variables['cart'] = 1;
  }
});
