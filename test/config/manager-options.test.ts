import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fromPhpIni } from '../../src/config/php-ini.ts';
import { SessionManager, type SessionManagerOptions } from '../../src/config/session-manager.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import { temporaryFolder } from '../services/folder.ts';

const memory = (): MemorySaveHandler => new MemorySaveHandler();
const path = 'tcp://127.0.0.1:1';
const redis = { command: async () => null };

function make(options: object): SessionManager {
  return new SessionManager(options as SessionManagerOptions);
}

describe('the storage is named in exactly one way', () => {
  test.each([
    ['savePath', { savePath: path }],
    ['savePath and its handler', { savePath: 'seed[]=a:1', saveHandler: 'rediscluster' }],
    ['redis', { redis, prefix: 'x:' }],
    ['saveHandler', { saveHandler: memory() }],
    [
      'phpIni',
      {
        phpIni: `session.save_handler = redis\nsession.save_path = "${path}"`,
        useStrictMode: true,
      },
    ],
  ])('%s', async (_, options) => {
    await make(options).close();
  });

  test.each([
    ['nothing', {}, /not named/],
    ['no object', undefined, /must be an object/],
    ['savePath and redis', { savePath: path, redis }, /savePath and redis/],
    [
      'savePath and saveHandler',
      { savePath: path, saveHandler: memory() },
      /savePath and saveHandler/,
    ],
    ['phpIni and redis', { phpIni: 'a=1\n', redis }, /phpIni and redis/],
    ['savePath and prefix', { savePath: path, prefix: 'x' }, /prefix is a part/],
    ['phpIni and prefix', { phpIni: 'a=1\n', prefix: 'x' }, /prefix is what PHP has/],
    ['an unknown handler', { savePath: path, saveHandler: 'memcached' }, /'redis', 'rediscluster'/],
    ['a handler that is none', { saveHandler: {} }, /no read\(\)/],
    ['redis that is no client', { redis: {} }, /ioredis or node-redis/],
    ['its own client with our time limit', { redis, commandTimeout: 5 }, /your own Redis client/],
    [
      'a save handler with our compression',
      { saveHandler: memory(), compression: 'lz4' },
      /belongs to the save handler/,
    ],
    [
      'PHP that keeps files',
      { phpIni: 'session.save_handler = files\n', useStrictMode: true },
      /session\.save_handler = files/,
    ],
  ])('refused: %s', (_, options, message) => {
    expect(() => make(options as object)).toThrow(
      expect.objectContaining({ code: 'ERR_PSB_OPTIONS', message: expect.stringMatching(message) }),
    );
  });
});

describe('options by name and range', () => {
  test.each([
    ['gc_maxlifetime', 'gcMaxlifetime'],
    ['session.gc_maxlifetime', 'gcMaxlifetime'],
    ['gcMaxLifetime', 'gcMaxlifetime'],
    ['redis.session.lock_expire', 'lockExpire'],
    ['serialiseHandler', 'serializeHandler'],
    ['cookieHttpOnly', 'cookieHttponly'],
    ['httpOnly', 'cookieHttponly'],
    ['store', 'saveHandler'],
    ['ttl', 'gcMaxlifetime'],
    ['save_path', 'savePath'],
  ])('%s: did you mean %s?', (wrong, right) => {
    expect(() => make({ saveHandler: memory(), [wrong]: 1 })).toThrow(`did you mean ${right}?`);
  });

  test('a name like no other has no hint', () => {
    expect(() => make({ saveHandler: memory(), bananas: 1 })).toThrow(
      /^there is no option "bananas"$/,
    );
    expect(() => make({ saveHandler: memory(), ['__proto__x']: 1 })).toThrow(/there is no option/);
  });

  test.each([
    ['connectTimeout', 0],
    ['commandTimeout', Number.POSITIVE_INFINITY],
    ['commandTimeout', '5'],
    ['sidLength', 21],
    ['sidBitsPerCharacter', 7],
    ['serializePrecision', 1.5],
    ['identity', 'userid'],
    ['identity', ['']],
    ['useStrictMode', 'yes'],
    ['closeTimeout', -1],
    ['onLost', true],
    ['lockRetries', -2],
    ['concurrency', 'optimistic'],
    ['savePath', 6379],
  ])('%s: %s is refused', (name, value) => {
    const storage =
      name === 'savePath'
        ? {}
        : name.endsWith('Timeout')
          ? { savePath: path }
          : { saveHandler: memory() };
    expect(() => make({ ...storage, [name]: value })).toThrow(
      expect.objectContaining({ code: 'ERR_PSB_OPTIONS', message: expect.stringContaining(name) }),
    );
  });

  test('undefined is as if it were not there', async () => {
    await make({
      saveHandler: memory(),
      savePath: undefined,
      redis: undefined,
      gcMaxlifetime: undefined,
    }).close();
  });
});

describe('warnings', () => {
  const warned = (options: object): string[] => {
    const codes: string[] = [];
    make({ ...options, onWarning: (code: string) => codes.push(code) });
    return codes;
  };

  test('a pool and PHP locks', () => {
    const pool = 'tcp://a:1, tcp://b:1';
    expect(warned({ savePath: pool, lockingEnabled: true })).toContain('PSB_POOL_LOCKS');
    expect(warned({ savePath: pool, concurrency: 'lock' })).toContain('PSB_POOL_LOCKS');
    expect(warned({ savePath: pool })).toEqual([]);
    expect(warned({ savePath: path, lockingEnabled: true })).toEqual([]);
  });

  test('parts of the save path without effect, by name and without value', () => {
    const messages: string[] = [];
    make({
      savePath: 'tcp://user:sw0rdfish@a:1/4?name=sesame&auth[]=1&auth[]=2&auth[]=3',
      onWarning: (code: string, message: string) => messages.push(`${code} ${message}`),
    });
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatch(/^PSB_SAVE_PATH /);
    for (const part of ['name (', 'auth (', 'user:password@ (', 'path (']) {
      expect(messages[0]).toContain(part);
    }
    expect(messages[0]).not.toMatch(/sw0rdfish|sesame/);
  });

  test("strict mode that is off in php.ini, unless it is the application's word", () => {
    const phpIni = `session.save_handler = redis\nsession.save_path = "${path}"\n`;
    expect(warned({ phpIni })).toEqual(['PSB_STRICT_MODE']);
    expect(warned({ phpIni, useStrictMode: true })).toEqual([]);
    expect(warned({ phpIni, useStrictMode: false })).toEqual([]);
  });
});

describe('php.ini that cannot be meant', () => {
  const folder = temporaryFolder('ini');
  afterAll(() => folder.remove());

  test.each([
    ['session.save_path = tcp://h:1?auth=sw0rdfish', 'an unquoted ='],
    ['session.save_path = tcp://h:1?x&y', 'an unquoted &'],
    ['session.save_path = "tcp://sw0rdfish', 'never closed'],
    ['session.save_path = ${REDIS', 'never closed'],
  ])('%s', (line, problem) => {
    const file = join(folder.path, 'php.ini');
    writeFileSync(file, `; comment\n\n[Session]\n${line}\n`);
    const error = (() => {
      try {
        return fromPhpIni(file);
      } catch (reason) {
        return reason as Error & { code: string };
      }
    })();
    expect(error).toMatchObject({ code: 'ERR_PSB_PHP_INI' });
    expect((error as Error).message).toContain(problem);
    expect((error as Error).message).toContain(`${file}, line `);
    expect((error as Error).message).not.toContain('sw0rdfish');
  });

  test('a file that is not there', () => {
    expect(() => fromPhpIni('/nowhere/php.ini')).toThrow(/cannot read \/nowhere\/php\.ini/);
  });

  test('a pool file with several pools wants a name', () => {
    const file = join(folder.path, 'pools.conf');
    writeFileSync(file, '[a]\nphp_value[session.name] = A\n[b]\nphp_value[session.name] = B\n');
    expect(() => fromPhpIni('a = 1', { fpmPool: file })).toThrow(/pools a, b/);
    expect(() => fromPhpIni('a = 1', { fpmPool: file, pool: 'c' })).toThrow(/pools a, b/);
    expect(fromPhpIni('a = 1', { fpmPool: file, pool: 'b' }).name).toBe('B');
  });

  test("phpredis's version decides its lock defaults", () => {
    expect(fromPhpIni('', { phpredis: '5.3.7' })).toMatchObject({
      lockRetries: 10,
      lockWaitTime: 2000,
    });
    expect(fromPhpIni('', { phpredis: '6.2.0' })).toMatchObject({
      lockRetries: 100,
      lockWaitTime: 20_000,
    });
  });
});
