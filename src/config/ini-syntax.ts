/**
 * The syntax of php.ini and of FPM's pool files, as PHP's own scanner reads it.
 */
import { BridgeError } from '../errors.ts';

export interface IniEntry {
  /** Name of the section it stands in, `''` before the first one. */
  readonly section: string;
  /** As written, with the brackets of `php_value[…]`. */
  readonly name: string;
  /** `undefined` for a value that is an expression or no value at all: `E_ALL & ~E_NOTICE`. */
  readonly value: string | undefined;
  /** What makes it unreadable as a text: an unquoted `=`, say. */
  readonly problem?: string;
  readonly line: number;
}

/** Value of `${NAME}`: an earlier setting or an environment variable. */
export type IniVariable = (name: string) => string | undefined;

const LITERALS: Readonly<Record<string, string>> = {
  on: '1',
  yes: '1',
  true: '1',
  off: '',
  no: '',
  false: '',
  none: '',
  null: '',
};

/** What means something else than itself without quotes. */
const OPERATORS = '=|&^~!()';

/** @param source name of the file, for messages */
export function* parseIni(
  text: string,
  variable: IniVariable,
  source: string,
): Generator<IniEntry, void, void> {
  const scanner = new Scanner(text.replace(/^\uFEFF/, ''), variable, source);
  let section = '';
  while (scanner.nextLine()) {
    const found = scanner.section();
    if (found !== undefined) {
      section = found;
      continue;
    }
    const { line } = scanner;
    const name = scanner.name();
    if (name !== undefined) yield { section, name, line, ...scanner.value() };
  }
}

class Scanner {
  line = 1;
  #at = 0;
  readonly #text: string;
  readonly #variable: IniVariable;
  readonly #source: string;

  constructor(text: string, variable: IniVariable, source: string) {
    this.#text = text;
    this.#variable = variable;
    this.#source = source;
  }

  /** Goes to the next line that says something; `false` at the end of the text. */
  nextLine(): boolean {
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at]!;
      if (character === '\n') this.line++;
      else if (character === ';') this.#at = this.#endOfLine() - 1;
      else if (!/\s/.test(character)) return true;
    }
    return false;
  }

  section(): string | undefined {
    if (this.#text[this.#at] !== '[') return undefined;
    const end = this.#endOfLine();
    const line = this.#text.slice(this.#at + 1, end);
    this.#at = end;
    const close = line.lastIndexOf(']');
    return (close < 0 ? line : line.slice(0, close)).trim().replace(/^(["'])(.*)\1$/, '$2');
  }

  /** The name in front of `=`; `undefined` for a line without one, which PHP skips. */
  name(): string | undefined {
    const end = this.#endOfLine();
    const line = this.#text.slice(this.#at, end);
    const equals = line.search(/[=;]/);
    if (equals < 0 || line[equals] === ';') {
      this.#at = end;
      return undefined;
    }
    this.#at += equals + 1;
    return line.slice(0, equals).trim();
  }

  value(): { value: string | undefined; problem?: string } {
    let value = '';
    let bare = '';
    // White space beside a quoted part is dropped, beside a variable it is kept.
    let afterQuote = true;
    let plain = true;
    let problem: string | undefined;
    const endBare = (beforeQuote: boolean): void => {
      const start = afterQuote ? bare.trimStart() : bare;
      value += beforeQuote ? start.trimEnd() : start;
      bare = '';
    };
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined || character === '\n' || character === ';') break;
      if (character === '"' || character === "'") {
        endBare(true);
        value += character === '"' ? this.#doubleQuoted() : this.#singleQuoted();
        afterQuote = true;
        plain = false;
      } else if (character === '$' && this.#text[this.#at + 1] === '{') {
        endBare(false);
        value += this.#reference();
        afterQuote = false;
        plain = false;
      } else {
        if (OPERATORS.includes(character)) problem ??= `an unquoted ${character}`;
        bare += character;
        this.#at++;
      }
    }
    endBare(true);
    this.#at = this.#endOfLine();
    if (problem !== undefined) return { value: undefined, problem };
    const literal = value.toLowerCase();
    if (plain && Object.hasOwn(LITERALS, literal)) return { value: LITERALS[literal] };
    return { value };
  }

  #singleQuoted(): string {
    const close = this.#text.indexOf("'", this.#at + 1);
    if (close < 0) this.#unclosed("'");
    const content = this.#text.slice(this.#at + 1, close);
    this.#moveTo(close + 1);
    return content;
  }

  #doubleQuoted(): string {
    let content = '';
    for (this.#at++; this.#at < this.#text.length; ) {
      const character = this.#text[this.#at]!;
      const next = this.#text[this.#at + 1];
      if (character === '"') {
        this.#at++;
        return content;
      }
      if (character === '\\' && next === '"' && /^"[ \t]*\r?(\n|$)/.test(this.#rest(1))) {
        // "C:\" at the end of a line: PHP takes the quote for the end.
        this.#at += 2;
        return `${content}\\`;
      }
      if (character === '\\' && (next === '"' || next === '\\' || next === "'")) {
        content += next;
        this.#at += 2;
      } else if (character === '\\' && next === '$') {
        content += next;
        this.#at += 2;
      } else if (character === '$' && next === '{') {
        content += this.#reference();
      } else {
        if (character === '\n') this.line++;
        content += character;
        this.#at++;
      }
    }
    return this.#unclosed('"');
  }

  /** `${NAME}`, and since PHP 8.3 `${NAME:-default}`. */
  #reference(): string {
    const close = this.#text.indexOf('}', this.#at);
    const inner = close < 0 ? '\n' : this.#text.slice(this.#at + 2, close);
    if (inner.includes('\n')) this.#unclosed('${');
    this.#at = close + 1;
    const fallback = inner.indexOf(':-');
    if (fallback < 0) return this.#variable(inner.trim()) ?? '';
    return this.#variable(inner.slice(0, fallback).trim()) || inner.slice(fallback + 2);
  }

  #rest(skip: number): string {
    return this.#text.slice(this.#at + skip, this.#at + skip + 80);
  }

  #endOfLine(): number {
    const end = this.#text.indexOf('\n', this.#at);
    return end < 0 ? this.#text.length : end;
  }

  #moveTo(at: number): void {
    for (let from = this.#at; from < at; from++) if (this.#text[from] === '\n') this.line++;
    this.#at = at;
  }

  #unclosed(what: string): never {
    throw new BridgeError(
      'ERR_PSB_PHP_INI',
      `${this.#source}, line ${this.line}: ${what} is never closed`,
    );
  }
}
