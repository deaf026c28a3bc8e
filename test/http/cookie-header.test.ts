import { describe, expect, test } from 'vitest';
import { readCookie } from '../../src/http/cookie-header.ts';

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

  test('as many brackets as a header can hold take linear time', () => {
    const started = performance.now();
    expect(readCookie(`${'PHPSESSID['.repeat(100_000)}; PHPSESSID=abc`, 'PHPSESSID')).toBe('abc');
    expect(readCookie(`${'PHPSESSID[;'.repeat(100_000)} PHPSESSID=abc`, 'PHPSESSID')).toBe(
      undefined,
    );
    expect(readCookie('a.'.repeat(100_000), 'a_'.repeat(50))).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
