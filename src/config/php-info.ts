/**
 * The output of `php -i`, or a saved page of phpinfo(): what PHP really has, whatever files it
 * came from.
 */
import type { IniContext } from './ini-files.ts';

/** Is it such an output and not an ini text? */
export function isPhpInfo(text: string): boolean {
  return /^(phpinfo\(\)\s*$|Directive => Local Value => Master Value)/m.test(text) || isHtml(text);
}

function isHtml(text: string): boolean {
  return /<td class="e">/.test(text);
}

/** phpredis's version is read as the setting `redis.version`. */
export function readPhpInfo(text: string, { settings, isWanted }: IniContext): void {
  for (const [name, value] of isHtml(text) ? htmlRows(text) : textRows(text)) {
    if (name === 'Redis Version') settings.set('redis.version', value);
    if (isWanted(name)) settings.set(name, written(value));
  }
}

/** `name => local value => master value`; a value may itself contain an arrow. */
function* textRows(text: string): Generator<readonly [string, string]> {
  for (const line of text.split(/\r?\n/)) {
    const [name, ...values] = line.split(' => ');
    if (name === undefined || values.length === 0) continue;
    const half = values.length / 2;
    const local = values.length % 2 === 0 ? values.slice(0, half) : values;
    yield [name, local.join(' => ')];
  }
}

function* htmlRows(text: string): Generator<readonly [string, string]> {
  const row = /<tr><td class="e">(.*?)<\/td><td class="v">(.*?)<\/td>/gs;
  for (const [, name = '', value = ''] of text.matchAll(row)) {
    yield [plain(name), /^\s*<i>no value<\/i>\s*$/.test(value) ? 'no value' : plain(value)];
  }
}

function plain(html: string): string {
  return html
    .replace(/<[^>]*>/g, '')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#0?39;/g, "'")
    .replace(/&amp;/g, '&')
    .trim();
}

/** phpinfo() shows flags as words, and nothing as "no value". */
function written(value: string): string {
  if (value === 'no value') return '';
  if (value === 'On') return '1';
  return value === 'Off' ? '0' : value;
}
