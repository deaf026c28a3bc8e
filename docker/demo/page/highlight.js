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

/** Source code, one block for each line, so that a long one is wrapped under its own beginning. */
export function highlightedLines(source) {
  return source.split('\n').map((line) => {
    const indent = /^ */.exec(line)[0].length;
    const block = element('span', { class: 'line' }, ...highlighted(line.slice(indent)), '\n');
    block.style.setProperty('--indent', `${indent}ch`);
    return block;
  });
}

/** Keywords, strings, comments and PHP's variables in spans. */
function highlighted(source) {
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
