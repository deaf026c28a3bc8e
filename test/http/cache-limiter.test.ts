import { expect, test } from 'vitest';
import { createCacheLimiter } from '../../src/http/cache-limiter.ts';

// The right-hand sides are what PHP 8.2 sends.
test.each([
  ['', {}],
  [
    'nocache',
    {
      Expires: 'Thu, 19 Nov 1981 08:52:00 GMT',
      'Cache-Control': 'no-store, no-cache, must-revalidate',
      Pragma: 'no-cache',
    },
  ],
  [
    'private',
    { Expires: 'Thu, 19 Nov 1981 08:52:00 GMT', 'Cache-Control': 'private, max-age=10800' },
  ],
  ['private_no_expire', { 'Cache-Control': 'private, max-age=10800' }],
] as const)('cacheLimiter %j', (cacheLimiter, headers) => {
  expect(createCacheLimiter({ cacheLimiter })()).toEqual(headers);
});

test('public expires cacheExpire minutes from now', () => {
  const headers = createCacheLimiter({ cacheLimiter: 'public', cacheExpire: 1 })();
  expect(headers['Cache-Control']).toBe('public, max-age=60');
  expect(Math.abs(Date.parse(headers['Expires'] ?? '') - Date.now() - 60_000)).toBeLessThan(2_000);
});

test('what PHP does not have is refused at start', () => {
  const code = 'ERR_PSB_OPTIONS';
  expect(() => createCacheLimiter({ cacheLimiter: 'none' as '' })).toThrow(
    expect.objectContaining({ code }),
  );
  expect(() => createCacheLimiter({ cacheLimiter: 'public', cacheExpire: -1 })).toThrow(
    expect.objectContaining({ code }),
  );
});
