import { describe, expect, test } from 'vitest';
import {
  formatCookie,
  formatCookieDeletion,
  resolveCookieSettings,
  sessionIdOf,
} from '../../src/http/cookie.ts';
import type { CookieOptions } from '../../src/session/cookie-options.ts';

const ID = 'a,b-c0123456789ABCDEFGHIJ';

describe('which values are session ids', () => {
  test.each([
    ['letters, digits, comma, hyphen', ID, ID],
    ['22 characters', 'x'.repeat(22), 'x'.repeat(22)],
    ['256 characters', 'x'.repeat(256), 'x'.repeat(256)],
  ])('%s', (_, value, id) => {
    expect(sessionIdOf(value)).toBe(id);
  });

  test.each([
    ['absent', undefined],
    ['empty', ''],
    ['21 characters', 'x'.repeat(21)],
    ['257 characters', 'x'.repeat(257)],
    ['a path', '../../../../../../etc/passwd'],
    ['a lock key', `${'x'.repeat(32)}_LOCK`],
    ['a blank behind it', `${ID} `],
    ['a newline behind it', `${ID}\n`],
    ['a Redis pattern', '*'.repeat(32)],
    ['letters beyond ASCII', 'é'.repeat(32)],
    ['a NUL byte behind it', `${ID}\0cd`],
    ['a NUL byte before it', `ab\0${ID}`],
  ])('not one: %s', (_, value) => {
    expect(sessionIdOf(value)).toBeUndefined();
  });
});

describe('writing, as PHP 8.2 writes it', () => {
  test('the safe defaults', () => {
    const settings = resolveCookieSettings({});
    expect(formatCookie(settings, 'abc', false)).toBe(
      'PHPSESSID=abc; path=/; HttpOnly; SameSite=Lax',
    );
    expect(formatCookie(settings, 'abc', true)).toBe(
      'PHPSESSID=abc; path=/; secure; HttpOnly; SameSite=Lax',
    );
  });

  test('every attribute, in the order and spelling of PHP', () => {
    const settings = resolveCookieSettings({
      name: 'shop',
      cookieLifetime: 3600,
      cookiePath: '/a',
      cookieDomain: 'example.com',
      cookieSecure: true,
      cookieHttponly: true,
      cookieSamesite: 'Lax',
    });
    const text = formatCookie(settings, 'a,b-c', false);
    expect(text.replace(/expires=[^;]+/, 'expires=…')).toBe(
      'shop=a%2Cb-c; expires=…; Max-Age=3600; path=/a; domain=example.com; secure; HttpOnly; SameSite=Lax',
    );
    const expires = Date.parse(/expires=([^;]+)/.exec(text)?.[1] ?? '');
    expect(Math.abs(expires - Date.now() - 3_600_000)).toBeLessThan(2_000);
    expect(text).toMatch(/expires=\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT/);
  });

  test('with everything off, as an unconfigured PHP sends it', () => {
    const settings = resolveCookieSettings({
      cookieSecure: false,
      cookieHttponly: false,
      cookieSamesite: '',
    });
    expect(formatCookie(settings, 'abc', true)).toBe('PHPSESSID=abc; path=/');
  });

  test('the end of a cookie is that of setcookie($name, ""), with the same attributes', () => {
    const settings = resolveCookieSettings({ cookieDomain: 'example.com' });
    expect(formatCookieDeletion(settings, true)).toBe(
      'PHPSESSID=deleted; expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; path=/; ' +
        'domain=example.com; secure; HttpOnly; SameSite=Lax',
    );
  });
});

describe('cookies that browsers drop unless they are secure', () => {
  const past = 'expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0';

  test.each<[string, CookieOptions, string, string]>([
    ['__Host-', { name: '__Host-id' }, '__Host-id', '; path=/; secure; HttpOnly; SameSite=Lax'],
    [
      '__Secure-',
      { name: '__Secure-id', cookieDomain: 'example.com' },
      '__Secure-id',
      '; path=/; domain=example.com; secure; HttpOnly; SameSite=Lax',
    ],
    [
      'SameSite=None',
      { cookieSamesite: 'None' },
      'PHPSESSID',
      '; path=/; secure; HttpOnly; SameSite=None',
    ],
    [
      'partitioned',
      { partitioned: true, cookieSamesite: 'None' },
      'PHPSESSID',
      '; path=/; secure; HttpOnly; SameSite=None; Partitioned',
    ],
    [
      'partitioned, in the same site',
      { partitioned: true },
      'PHPSESSID',
      '; path=/; secure; HttpOnly; SameSite=Lax; Partitioned',
    ],
  ])('%s: on a request that is not seen as secure, and at its end', (_, options, name, rest) => {
    const settings = resolveCookieSettings(options);
    expect(formatCookie(settings, 'abc', false)).toBe(`${name}=abc${rest}`);
    expect(formatCookieDeletion(settings, false)).toBe(`${name}=deleted; ${past}${rest}`);
  });
});

describe('options that are refused at start', () => {
  test.each<[string, CookieOptions]>([
    ['an empty name', { name: '' }],
    ['a numeric name, as PHP', { name: '123' }],
    ['a name with a dot, which PHP turns into _', { name: 'my.sess' }],
    ['a name with a line break', { name: 'x\r\nSet-Cookie: y' }],
    ['a negative lifetime', { cookieLifetime: -1 }],
    ['a lifetime that is no number', { cookieLifetime: Number.NaN }],
    ['a path with a semicolon', { cookiePath: '/; domain=evil.example' }],
    ['a domain with a line break', { cookieDomain: 'a\r\nb' }],
    ['an unknown SameSite', { cookieSamesite: 'lax' as 'Lax' }],
    ['SameSite=None without Secure', { cookieSamesite: 'None', cookieSecure: false }],
    ['__Secure- without Secure', { name: '__Secure-id', cookieSecure: false }],
    ['partitioned without Secure', { partitioned: true, cookieSecure: false }],
    ['__Host- without Secure', { name: '__Host-id', cookieSecure: false }],
    ['__Host- with a domain', { name: '__Host-id', cookieDomain: 'example.com' }],
    ['__Host- with a path', { name: '__Host-id', cookiePath: '/a' }],
  ])('%s', (_, options) => {
    expect(() => resolveCookieSettings(options)).toThrow(
      expect.objectContaining({ code: 'ERR_PSB_OPTIONS' }),
    );
  });
});
