import { describe, expect, test } from 'vitest';
import {
  formatCookie,
  formatCookieDeletion,
  readCookie,
  resolveCookieSettings,
  sessionIdOf,
} from '../../src/http/cookie.ts';
import type { CookieOptions } from '../../src/session/cookie-options.ts';

const ID = 'a,b-c0123456789ABCDEFGHIJ';

describe('reading, as var_export($_COOKIE) shows it in PHP 8.2', () => {
  test.each<[name: string, header: string | undefined, value: string | undefined]>([
    ['no header', undefined, undefined],
    ['an empty header', '', undefined],
    ['another cookie', 'x=1', undefined],
    ['the first of duplicates wins', 'PHPSESSID=abc; PHPSESSID=def', 'abc'],
    ['a pair without a value is empty, and first', 'PHPSESSID; PHPSESSID=abc', ''],
    ['an empty value is a value, and first', 'PHPSESSID=; PHPSESSID=abc', ''],
    ['a blank behind the name makes it another name', 'PHPSESSID = abc ; x=1', undefined],
    ['%2C is a comma, + stays +, stray % stays', 'PHPSESSID=a%2Cb+c%zz%4', 'a,b+c%zz%4'],
    ['quotes belong to the value', 'PHPSESSID="abc"', '"abc"'],
    ['names are not decoded', 'PHP%53ESSID=x', undefined],
    ['the name is not a prefix', 'PHPSESSID2=x; PHPSESSID=abc', 'abc'],
    ['a comma does not separate cookies', 'x=1,PHPSESSID=abc', undefined],
    ['the second = belongs to the value', 'PHPSESSID=a=b', 'a=b'],
    ['white space in front of the name is skipped', '\tPHPSESSID=tab\t', 'tab\t'],
    ['empty pairs are skipped', ';;  PHPSESSID=abc;', 'abc'],
    ['letters are told apart', 'phpsessid=abc', undefined],
  ])('%s', (_, header, value) => {
    expect(readCookie(header, 'PHPSESSID')).toBe(value);
  });

  test('a hostile header takes linear time', () => {
    const started = performance.now();
    expect(readCookie(`${'; '.repeat(500_000)}x`, 'PHPSESSID')).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('which values are session ids', () => {
  test.each([
    ['letters, digits, comma, hyphen', ID, ID],
    ['PHP cuts at a NUL byte', `${ID}\0cd`, ID],
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
    ['a short rest before a NUL byte', `ab\0${ID}`],
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
    ['__Host- with a domain', { name: '__Host-id', cookieDomain: 'example.com' }],
    ['__Host- with a path', { name: '__Host-id', cookiePath: '/a' }],
  ])('%s', (_, options) => {
    expect(() => resolveCookieSettings(options)).toThrow(
      expect.objectContaining({ code: 'ERR_PSB_OPTIONS' }),
    );
  });
});
