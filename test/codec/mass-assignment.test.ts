import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import {
  decodeSession,
  encodeSession,
  PhpEnum,
  PhpObject,
  PhpSerializedObject,
  serialize,
  unserialize,
} from '../../src/codec/index.ts';
import type { Handler } from '../fixtures/fixtures.ts';

const handlers: readonly Handler[] = ['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'];
const formats = ['php', 'igbinary', 'msgpack'] as const;

/** As lodash's merge does it: into objects of any class, into their arrays and bytes as well. */
function deepMerge(target: Record<string, unknown>, source: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(source)) {
    const own = target[key];
    if (typeof value === 'object' && value !== null && typeof own === 'object' && own !== null) {
      deepMerge(own as Record<string, unknown>, value as Record<string, unknown>);
    } else {
      // What lodash writes is not in strict mode: what cannot be written stays as it is.
      Reflect.set(target, key, value);
    }
  }
}

const body = JSON.parse(
  '{"className":"Template","caseName":"Admin","data":[60,63],"0":99,"__proto__":{"className":"X"}}',
) as Record<string, unknown>;
const bytesBody = JSON.parse(
  '{"className":"Template","data":{"0":60,"1":63,"length":2}}',
) as Record<string, unknown>;

describe('values of a class that are not changed', () => {
  const values = {
    'an enum case': () => new PhpEnum('Suit', 'Hearts'),
    'a payload': () => new PhpSerializedObject('Basket', Buffer.from('abc')),
  };

  it.each(Object.entries(values))('%s takes no class and no bytes from a body', (name, make) => {
    for (const format of formats) {
      if (format === 'msgpack' && name === 'an enum case') continue;
      const value = { profile: { v: make() } };
      const before = serialize(value, { format });
      expect(() => Object.assign(value.profile.v, body)).toThrow(TypeError);
      deepMerge(value.profile as Record<string, unknown>, { v: body });
      deepMerge(value.profile as Record<string, unknown>, { v: bytesBody });
      Reflect.defineProperty(value.profile.v, 'className', { value: 'Template' });
      Reflect.deleteProperty(value.profile.v, 'className');
      Reflect.setPrototypeOf(value.profile.v, { className: 'Template' });
      expect(serialize(value, { format }).equals(before)).toBe(true);
    }
  });

  it('the bytes of a payload are a copy', () => {
    const given = Buffer.from('abc');
    const value = new PhpSerializedObject('Basket', given);
    given[0] = 0x58;
    value.data[1] = 0x58;
    expect(value.data.toString()).toBe('abc');
    expect(value.data).not.toBe(value.data);
    expect(serialize(value).toString()).toBe('C:6:"Basket":3:{abc}');
    expect(value.data.buffer.byteLength).toBe(3);
  });

  it('no bytes, no payload', () => {
    for (const data of ['abc', [60, 63], { length: 1, 0: 60 }, new ArrayBuffer(2), null]) {
      expect(() => new PhpSerializedObject('A', data as never)).toThrow(
        expect.objectContaining({ code: 'ERR_PSB_CODEC_VALUE' }),
      );
    }
  });

  it('read as they did', () => {
    const [suit, basket] = [
      new PhpEnum('Suit', 'Hearts'),
      new PhpSerializedObject('B', Buffer.of(1)),
    ];
    expect(suit.className).toBe('Suit');
    expect(suit.caseName).toBe('Hearts');
    expect(basket.className).toBe('B');
    expect(basket.data).toEqual(Buffer.of(1));
    expect(JSON.stringify(suit)).toBe('{"className":"Suit","caseName":"Hearts"}');
    expect(JSON.parse(JSON.stringify(basket))).toEqual({
      className: 'B',
      data: { type: 'Buffer', data: [1] },
    });
    expect(suit).toEqual(new PhpEnum('Suit', 'Hearts'));
    expect(suit).not.toEqual(new PhpEnum('Suit', 'Spades'));
    expect(suit).not.toEqual(new PhpEnum('Color', 'Hearts'));
    expect(basket).toEqual(new PhpSerializedObject('B', Buffer.of(1)));
    expect(basket).not.toEqual(new PhpSerializedObject('B', Buffer.of(2)));
    expect(inspect(suit)).toBe("PhpEnum { className: 'Suit', caseName: 'Hearts' }");
    expect(inspect({ basket })).toBe(
      "{ basket: PhpSerializedObject { className: 'B', data: <Buffer 01> } }",
    );
  });

  it('a value of another copy of the package is recognised, a forgery is not', async () => {
    vi.resetModules();
    const other = await import('../../src/codec/values.ts');
    expect(other.PhpEnum).not.toBe(PhpEnum);
    const suit = new other.PhpEnum('Suit', 'Hearts');
    expect(suit).toBeInstanceOf(PhpEnum);
    expect(serialize(suit).toString()).toBe('E:11:"Suit:Hearts";');
    const basket = new other.PhpSerializedObject('B', Buffer.from('x'));
    expect(serialize([basket, basket]).toString()).toBe('a:2:{i:0;C:1:"B":1:{x}i:1;r:2;}');
    for (const forged of [Object.create(suit), Object.create(PhpEnum.prototype)]) {
      expect(() => serialize({ a: { b: forged } })).toThrow(
        expect.objectContaining({ code: 'ERR_PSB_CLASS_LOST', path: 'a.b' }),
      );
    }
  });
});

describe.each(handlers)('under %s', (handler) => {
  const hasEnums = handler !== 'msgpack';
  const stored = () => {
    const variables: Record<string, unknown> = {
      user: new PhpObject('User', { name: 'a' }),
      basket: new PhpSerializedObject('Basket', Buffer.from('abc')),
      list: [new PhpSerializedObject('Basket', Buffer.from('abc'))],
      deep: { map: { basket: new PhpSerializedObject('Basket', Buffer.from('abc')) } },
      object: new PhpObject('Box', { basket: new PhpSerializedObject('Basket', Buffer.from('a')) }),
    };
    const [user, basket] = [variables['user'], variables['basket']];
    variables['again'] = [user, basket];
    variables['againByName'] = { user, basket };
    if (hasEnums) {
      variables['suit'] = new PhpEnum('Suit', 'Hearts');
      variables['suits'] = [new PhpEnum('Suit', 'Spades'), { suit: new PhpEnum('Suit', 'Hearts') }];
    }
    return decodeSession<Record<string, Record<string, unknown>>>(
      encodeSession(variables, { handler }),
      { handler },
    );
  };

  const places: readonly (readonly [string, readonly (string | number)[]])[] = [
    ['user', ['user']],
    ['basket', ['basket']],
    ['list[0]', ['list', 0]],
    ['deep.map.basket', ['deep', 'map', 'basket']],
    ['object.basket', ['object', 'basket']],
    ['again[0]', ['again', 0]],
    ['again[1]', ['again', 1]],
    ['againByName.user', ['againByName', 'user']],
    ['againByName.basket', ['againByName', 'basket']],
    ...(hasEnums
      ? ([
          ['suit', ['suit']],
          ['suits[0]', ['suits', 0]],
          ['suits[1].suit', ['suits', 1, 'suit']],
        ] as const)
      : []),
  ];

  it.each(places)('a plain object in the place of %s is refused', (path, keys) => {
    for (const replacement of [{ className: 'Template' }, { ...body }, {}, Object.create(null)]) {
      const session = stored();
      let container: Record<string, unknown> = session;
      for (const key of keys.slice(0, -1)) container = container[key] as Record<string, unknown>;
      container[keys.at(-1)!] = replacement;
      expect(() => encodeSession(session, { handler })).toThrow(
        expect.objectContaining({ code: 'ERR_PSB_CLASS_LOST', path }),
      );
      container[keys.at(-1)!] = PhpObject.toArray(replacement);
      expect(() => encodeSession(session, { handler })).not.toThrow();
    }
  });

  it('untouched it goes back as it was', () => {
    const session = stored();
    const bytes = encodeSession(session, { handler });
    expect(encodeSession(decodeSession(bytes, { handler }), { handler }).equals(bytes)).toBe(true);
  });

  const clones: Readonly<Record<string, (value: object) => object>> = {
    'what cloneDeep makes': (value) =>
      Object.assign(Object.create(Object.getPrototypeOf(value) as object), value) as object,
    'an object that inherits from it': (value) => Object.create(value) as object,
    'a Proxy over it': (value) => new Proxy(value, {}),
    'a Proxy over a Proxy': (value) => new Proxy(new Proxy(value, {}), {}),
  };

  it.each(Object.entries(clones))('%s is refused with its path', (_, clone) => {
    const kinds = [
      new PhpObject('User', { name: 'a' }),
      new PhpSerializedObject('Basket', Buffer.from('a')),
      ...(hasEnums ? [new PhpEnum('Suit', 'Hearts')] : []),
    ];
    for (const value of kinds) {
      const lost = expect.objectContaining({ code: 'ERR_PSB_CLASS_LOST' });
      let made: object;
      try {
        made = clone(value);
      } catch {
        continue;
      }
      expect(() => encodeSession({ a: { b: [1, made] } }, { handler })).toThrow(lost);
      expect(() => encodeSession({ a: { b: [1, made] } }, { handler })).toThrow(
        expect.objectContaining({ path: 'a.b[1]' }),
      );
      expect(() => encodeSession({ made }, { handler })).toThrow(
        expect.objectContaining({ code: 'ERR_PSB_CLASS_LOST', path: 'made' }),
      );
    }
  });

  const names = ['\0*\0role', '\0User\0credit', '\0', '__PHP_Incomplete_Class_Name', 'toJSON'];
  it.each(names)('a new property %j of an object is refused with its path', (name) => {
    const visibility = { role: 'protected', credit: 'private' } as const;
    const session = decodeSession<{ a: { user: PhpObject } }>(
      encodeSession(
        {
          a: {
            user: new PhpObject('User', { name: 'x', role: 'guest', credit: 1 }, { visibility }),
          },
        },
        { handler },
      ),
      { handler },
    );
    const before = encodeSession(session, { handler });
    Object.assign(session.a.user, JSON.parse(`{${JSON.stringify(name)}:"admin"}`));
    let error: unknown;
    try {
      encodeSession(session, { handler });
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: 'ERR_PSB_CODEC_VALUE' });
    expect((error as { path: string }).path).toContain('a.user');
    const refused = expect.objectContaining({ code: 'ERR_PSB_CODEC_VALUE' });
    expect(() => session.a.user.with({ [name]: 1 })).toThrow(refused);
    expect(() => new PhpObject('User', { [name]: 1 })).toThrow(refused);
    // In an array it is a key like any other.
    expect(() => encodeSession({ a: { [name]: 1 } }, { handler })).not.toThrow();
    delete session.a.user[name];
    expect(encodeSession(session, { handler }).equals(before)).toBe(true);
  });
});

describe('names that PHP wrote', () => {
  const blobs = [
    'O:8:"stdClass":2:{s:2:"\0a";i:1;s:1:"b";i:2;}',
    'O:1:"A":1:{s:27:"__PHP_Incomplete_Class_Name";s:1:"B";}',
    'O:1:"A":2:{s:6:"toJSON";s:1:"x";s:1:"b";i:2;}',
    'O:1:"A":2:{s:9:"\0*\0toJSON";s:1:"x";s:4:"\0A\0b";i:2;}',
  ];
  it.each(blobs)('%j goes back as it was, also after an edit', (blob) => {
    const bytes = Buffer.from(blob);
    const object = unserialize<PhpObject>(bytes);
    expect(serialize(object).toString()).toBe(blob);
    for (const format of formats) {
      const again = unserialize<PhpObject>(serialize(object, { format }), { format });
      expect(serialize(again).toString()).toBe(blob);
    }
    object['added'] = true;
    expect(serialize(object).toString()).toContain('s:5:"added";b:1;}');
    const name = PhpObject.className(object) === 'stdClass' ? '\0a' : 'b';
    if (!(name in object)) return;
    object[name] = 7;
    expect(serialize(object).toString()).toContain('i:7;');
    expect(serialize(object.with({ [name]: 8 })).toString()).toContain('i:8;');
  });
});
