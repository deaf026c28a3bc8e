import { describe, expect, test } from 'vitest';
import { SavePathError } from '../../../src/errors.ts';
import { selectMember } from '../../../src/save-handler/redis/pool.ts';
import { RedisSaveHandler } from '../../../src/save-handler/redis/redis-save-handler.ts';
import { parseSavePath } from '../../../src/save-handler/redis/save-path.ts';

describe('parseSavePath', () => {
  test("phpredis's defaults", () => {
    expect(parseSavePath('tcp://h')).toEqual({
      handler: 'redis',
      ignored: [],
      members: [
        {
          address: { host: 'h', port: 6379, tls: false },
          weight: 1,
          timeout: 86_400,
          readTimeout: 0,
          persistent: false,
          database: undefined,
          prefix: 'PHPREDIS_SESSION:',
          auth: undefined,
          stream: {},
        },
      ],
    });
  });

  test('everything at once', () => {
    const path = parseSavePath(
      'tls://h:1?weight=2&timeout=2.5&read_timeout=1.5&persistent=YES&database=3&prefix=a%3A' +
        '&auth[user]=u&auth[pass]=p&stream[cafile]=%2Fca.pem&stream[verify_peer]=0, unix:///s',
    );
    expect(path.members).toMatchObject([
      {
        address: { host: 'h', port: 1, tls: true },
        weight: 2,
        timeout: 2.5,
        readTimeout: 1.5,
        persistent: true,
        database: 3,
        prefix: 'a:',
        auth: { user: 'u', password: 'p' },
        stream: { cafile: '/ca.pem', verify_peer: '0' },
      },
      { address: { socketPath: '/s' } },
    ]);
  });

  test.each(['1', 'true', 'TRUE', 'yes', 'Yes'])('persistent=%s is true', (text) => {
    expect(parseSavePath(`tcp://h?persistent=${text}`).members).toMatchObject([
      { persistent: true },
    ]);
  });
  test.each(['0', '2', 'on', '', 'y', ' 1'])('persistent=%s is false', (text) => {
    const path = parseSavePath(`tcp://h?persistent=${encodeURIComponent(text)}`);
    expect(path.members).toMatchObject([{ persistent: false }]);
  });

  test.each([
    ['localhost:6379?database=5', /a scheme is needed: tcp:\/\/host:port/],
    ['redis://h', /write tcp:\/\/host:port/],
    ['rediss://h', /write tls:\/\/host:port/],
    ['TLS://h', /lower case/],
    ['unix://s', /unix:\/\/\/path/],
    ['tcp://h?weight=0', /weight=1/],
    ['tcp://h?timeout=0', /timeout=2\.5/],
    ['tcp://h:1, tcp://h:99999', /server 2 of 2/],
    ['tcp://h?prefix=my app:', /server 2 of 2.*%20/],
    ['', /is empty/],
  ])('%s: says how to write it', (text, message) => {
    expect(() => parseSavePath(text)).toThrow(SavePathError);
    expect(() => parseSavePath(text)).toThrow(message);
  });

  test.each([
    'tcp://h:x?auth=sw0rdfish',
    'h:1?auth=sw0rdfish',
    'redis://:sw0rdfish@h',
    'sw0rdfish://h',
    'tcp://h?auth=sw0rdfish&weight=0',
    'tcp://h?auth=sw0rdfish&prefix=%ff',
  ])('%s: the password is in no error', (text) => {
    try {
      parseSavePath(text);
      expect.unreachable();
    } catch (error) {
      expect(String((error as Error).stack)).not.toContain('sw0rdfish');
    }
  });

  test('no input makes it throw anything but a SavePathError', () => {
    const pieces = [
      'tcp:',
      '//',
      'h',
      ':',
      '1',
      '?',
      '#',
      '[',
      ']',
      '=',
      '&',
      '%',
      'a',
      ',',
      ' ',
      '@',
      '/',
      'auth',
      '\0',
    ];
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    for (let round = 0; round < 20_000; round++) {
      const text = Array.from({ length: random(14) }, () => pieces[random(pieces.length)]).join('');
      for (const handler of ['redis', 'rediscluster'] as const) {
        try {
          parseSavePath(text, handler);
        } catch (error) {
          if (!(error instanceof SavePathError))
            throw new Error(JSON.stringify(text), { cause: error });
        }
      }
    }
  });
});

describe('parseSavePath of another save handler', () => {
  test.each(['files', 'memcached', 'user', 'Redis', '', null, {}])('%j', (saveHandler) => {
    let error: unknown;
    try {
      parseSavePath('tcp://127.0.0.1:6379?auth=secret', saveHandler as 'redis');
    } catch (reason) {
      error = reason;
    }
    expect(error).toMatchObject({
      code: 'ERR_PSB_OPTIONS',
      message: expect.stringMatching(/^saveHandler must be 'redis' or 'rediscluster', not '/),
    });
    expect(String(error)).not.toContain('secret');
    expect(
      () => new RedisSaveHandler({ savePath: 'tcp://h', saveHandler: saveHandler as 'redis' }),
    ).toThrow(/saveHandler must be/);
  });
});

describe('selectMember', () => {
  // Seen with phpredis: the sum of the weights is 3, servers are walked from the last to the first.
  test.each([
    ['abcd', 1],
    ['foo-', 2],
    ['ji38', 2],
    ['a', 1],
    ['', 2],
  ])('%s', (id, expected) => {
    const members = [0, 1, 2].map((at) => ({ at, weight: 1 }));
    expect(selectMember(members, id).at).toBe(expected);
  });
});
