/**
 * PHP's parse_url(), because phpredis reads `session.save_path` with it and the traps are in its
 * details: `host:6379` is a host and a port, `host:6379?database=5` a scheme and a path.
 */

export interface PhpUrl {
  scheme?: string;
  host?: string;
  /** 0 where none was named, as in PHP's own struct. */
  port: number;
  path?: string;
  query?: string;
  fragment?: string;
  /** User info was there (its content is a secret and nobody needs it). */
  hasUserInfo: boolean;
}

/** `undefined` where parse_url() answers false. */
export function parsePhpUrl(source: string): PhpUrl | undefined {
  // parse_url() does this part by part; none of the characters it looks for is among them.
  const text = source.replace(/[\x00-\x1f\x7f]/g, '_');
  const url: PhpUrl = { port: 0, hasUserInfo: false };
  const colon = text.indexOf(':');

  if (colon > 0) {
    const badScheme = /[^A-Za-z0-9+.-]/.test(text.slice(0, colon));
    if (badScheme) {
      const beforeQuery = colon < indexOfAny(text, '?#', 0);
      if (colon + 1 < text.length && beforeQuery) return withPort(url, text, colon);
      return text.startsWith('//') ? withHost(url, text, 2) : withPath(url, text, 0);
    }
    if (colon + 1 === text.length) return { ...url, scheme: text.slice(0, colon) };
    if (text[colon + 1] !== '/') {
      // `a.com:80`: digits up to the end or a slash are a port, anything else a scheme's path.
      if (/^\d{0,5}(\/|$)/.test(text.slice(colon + 1))) return withPort(url, text, colon);
      return withPath({ ...url, scheme: text.slice(0, colon) }, text, colon + 1);
    }
    url.scheme = text.slice(0, colon);
    if (text[colon + 2] !== '/') return withPath(url, text, colon + 1);
    if (url.scheme.toLowerCase() === 'file' && text[colon + 3] === '/') {
      // file:///c:/… is a Windows drive to PHP.
      const drive = colon + 5 < text.length && text[colon + 5] === ':';
      return withPath(url, text, drive ? colon + 4 : colon + 3);
    }
    return withHost(url, text, colon + 3);
  }
  if (colon === 0) return withPort(url, text, colon);
  return text.startsWith('//') ? withHost(url, text, 2) : withPath(url, text, 0);
}

function withPort(url: PhpUrl, text: string, colon: number): PhpUrl | undefined {
  const digits = /^\d{0,6}/.exec(text.slice(colon + 1))?.[0] ?? '';
  const end = colon + 1 + digits.length;
  const relative = text.startsWith('//');
  if (digits.length > 0 && digits.length < 6 && (end === text.length || text[end] === '/')) {
    if (Number(digits) > 65_535) return undefined;
    return withHost({ ...url, port: Number(digits) }, text, relative ? 2 : 0);
  }
  if (digits === '' && end === text.length) return undefined;
  return relative ? withHost(url, text, 2) : withPath(url, text, 0);
}

function withHost(url: PhpUrl, text: string, from: number): PhpUrl | undefined {
  const end = indexOfAny(text, '/?#', from);
  const at = text.slice(from, end).lastIndexOf('@');
  const start = at < 0 ? from : from + at + 1;
  const authority = text.slice(start, end);
  const hasUserInfo = url.hasUserInfo || at >= 0;

  let { port } = url;
  let hostLength = authority.length;
  const colon = /^\[.*\]$/s.test(authority) ? -1 : authority.lastIndexOf(':');
  if (colon >= 0) {
    hostLength = colon;
    if (port === 0) {
      const digits = authority.slice(colon + 1);
      if (digits.length > 5) return undefined;
      if (digits !== '') {
        // strtol(): as many digits as there are, `63a` is 63.
        const number = /^[ \t\n\v\f\r]*([+-]?\d+)/.exec(digits)?.[1];
        port = Number(number ?? Number.NaN);
        if (!(port >= 0 && port <= 65_535)) return undefined;
      }
    }
  }
  if (hostLength < 1) return undefined;
  const host = authority.slice(0, hostLength);
  const found = { ...url, host, port, hasUserInfo };
  return end === text.length ? found : withPath(found, text, end);
}

function withPath(url: PhpUrl, text: string, from: number): PhpUrl {
  const found = { ...url };
  let rest = text.slice(from);
  const hash = rest.indexOf('#');
  if (hash >= 0) {
    found.fragment = rest.slice(hash + 1);
    rest = rest.slice(0, hash);
  }
  const question = rest.indexOf('?');
  if (question >= 0) {
    found.query = rest.slice(question + 1);
    rest = rest.slice(0, question);
  }
  if (rest !== '' || from === text.length) found.path = rest;
  return found;
}

/** strcspn(): where the first of these characters is, else the end. */
function indexOfAny(text: string, characters: string, from: number): number {
  for (let at = from; at < text.length; at++) if (characters.includes(text[at]!)) return at;
  return text.length;
}
