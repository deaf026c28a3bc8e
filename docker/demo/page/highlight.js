import { element } from './element.js';

/** Enough of PHP and TypeScript to colour ten lines of each. */
const TOKENS = new RegExp(
  [
    /(?<c>\/\/[^\n]*|\/\*[\s\S]*?\*\/)/,
    /(?<s>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)/,
    /(?<v>\$\w+)/,
    /(?<k>\b(?:await|async|const|let|return|if|else|require|function|new|true|false|null|import|from|export|type|declare|isset|echo)\b|<\?php)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);

/** Source code as nodes: keywords, strings, comments and PHP's variables in spans. */
export function highlighted(source) {
  const nodes = [];
  let end = 0;
  for (const match of source.matchAll(TOKENS)) {
    nodes.push(source.slice(end, match.index));
    const [kind] = Object.entries(match.groups).find(([, text]) => text !== undefined);
    nodes.push(element('span', { class: kind }, match[0]));
    end = match.index + match[0].length;
  }
  nodes.push(source.slice(end));
  return nodes;
}
