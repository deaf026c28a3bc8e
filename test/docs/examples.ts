/**
 * The code blocks of the README and of docs/, so that tests can run them: what a reader copies
 * must work.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Example {
  /** File and line, for messages. */
  readonly place: string;
  readonly language: string;
  readonly code: string;
}

/** The README, SECURITY.md and the pages of docs/. */
export function pages(): string[] {
  const docs = readdirSync(`${root}docs`).filter((name) => name.endsWith('.md'));
  return ['README.md', 'SECURITY.md', ...docs.map((name) => `docs/${name}`)];
}

/** All their fenced blocks. */
export function examples(): Example[] {
  return pages().flatMap((file) => {
    const text = readFileSync(root + file, 'utf8');
    return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(
      ({ index, 1: language = '', 2: code = '' }) => ({
        place: `${file}:${text.slice(0, index).split('\n').length}`,
        language,
        code,
      }),
    );
  });
}

/** The one block of a file that contains this text. */
export function example(file: string, text: string): Example {
  const found = examples().filter(
    ({ place, code }) => place.startsWith(`${file}:`) && code.includes(text),
  );
  const [only] = found;
  if (!only || found.length > 1) {
    throw new Error(`${found.length} examples in ${file} contain ${text}`);
  }
  return only;
}

/** The source file of a public entry, `/koa` say. */
export function sourceOf(entry = ''): string {
  return `${root}src${entry === '/testing' ? entry : `${entry}/index`}.ts`;
}

export interface RunOptions {
  /** What to put in the place of texts of the example: addresses, mostly. */
  readonly replace?: Readonly<Record<string, string>>;
  /** What the example takes as given. */
  readonly given?: Readonly<Record<string, unknown>>;
}

let runs = 0;

/** Runs an example as a module of its own, with the package's sources; returns its exports. */
export async function run(
  { code, language }: Example,
  { replace = {}, given = {} }: RunOptions = {},
): Promise<Record<string, unknown>> {
  let text = code.replace(
    /'php-session-bridge(\/[\w-]+)?'/g,
    (_, entry: string | undefined) => `'${sourceOf(entry)}'`,
  );
  for (const [from, to] of Object.entries(replace)) {
    if (!text.includes(from)) throw new Error(`the example does not contain ${from}`);
    text = text.replaceAll(from, to);
  }
  Object.assign(globalThis, given);
  const folder = `${root}artifacts/examples`;
  mkdirSync(folder, { recursive: true });
  runs += 1;
  const file = `${folder}/${process.pid}-${runs}.${language}`;
  writeFileSync(file, text);
  return import(file);
}
