/**
 * Layouts of objects as serialize() text: what the writer copies, and what the reader compares with
 * the bytes before it, so as not to read them.
 */

import { isClassName } from '../class-name.ts';
import { tokenWords } from '../key-cache.ts';
import { INT_KEY, type Layout, type TokenWords } from '../notes.ts';
import { encodeKey } from '../text.ts';
import { canCopyEights } from './output.ts';

export interface LayoutTokens {
  /** `O:4:"User":2:{` */
  readonly head: Uint8Array;
  /** `s:4:"name";` for each property */
  readonly names: readonly Uint8Array[];
  /** Head and names as words; `null` if they cannot be compared that way. */
  readonly words: TokenWords | null;
  /** Head and names one after the other, with room behind them to be copied by eights … */
  readonly all: DataView;
  /** … where the head ends … */
  readonly headEnd: number;
  /** … and where each name does. */
  readonly ends: readonly number[];
  /** The size of the longest; infinite if they cannot be copied so. */
  readonly longest: number;
}

// Where the head of an object (`O:4:"User":2:{`) is looked up, by a few of its bytes.
const HEADS = 256;
const heads: (Layout | null)[] = new Array<Layout | null>(HEADS).fill(null);

/** The layout to expect for the object whose head stands at `p` of these bytes, seen as a view. */
export function layoutAt(b: Uint8Array, p: number, view: DataView): Layout | null {
  // The length of the class name, its first letters and one further on.
  const found = heads[headSlot(b, p)]!;
  if (found === null) return null;
  const known = found.tokens!.words!;
  const length = known.lengths[0]!;
  if (p + length > view.byteLength) return null;
  const { words } = known;
  const last = known.starts[1]! - 1;
  let word = 0;
  for (let at = p; word < last && words[word] === view.getFloat64(at); at += 8) word++;
  return word === last && words[last] === view.getFloat64(p + length - 8) ? found : null;
}

function headSlot(b: Uint8Array, p: number): number {
  return ((b[p + 2]! * 3) ^ (b[p + 3]! * 5) ^ (b[p + 6]! * 7) ^ (b[p + 9]! << 1)) & (HEADS - 1);
}

/** From now on `layoutAt` knows the head of these objects. */
export function expectHead(layout: Layout): void {
  const tokens = layoutTokens(layout);
  // What is expected is stored without a look at its name.
  if (tokens === undefined || tokens.words === null || !layout.isExpectable || layout.isGuarded)
    return;
  heads[headSlot(tokens.head, 0)] = layout;
}

/** The encoded parts of a layout; `undefined` if a name cannot be written. */
export function layoutTokens(layout: Layout): LayoutTokens | undefined {
  if (layout.tokens !== null) return layout.tokens as LayoutTokens;
  if (!isClassName(layout.className)) return undefined;
  const head = quoted('O', layout.className, `:${layout.names.length}:{`);
  const names: Buffer[] = [];
  for (let i = 0; i < layout.names.length; i++) {
    const token = propertyToken(layout.names[i]!, layout.scopes[i] ?? null);
    if (token === undefined) return undefined;
    names.push(token);
  }
  if (head === undefined) return undefined;
  const tokens = { head, names, words: wordsOf([head, ...names]), ...joined(head, names) };
  layout.tokens = tokens;
  return tokens;
}

function joined(
  head: Buffer,
  names: readonly Buffer[],
): Pick<LayoutTokens, 'all' | 'headEnd' | 'ends' | 'longest'> {
  const ends: number[] = [];
  let end = head.length;
  let longest = end;
  for (const { length } of names) {
    end += length;
    ends.push(end);
    longest = Math.max(longest, length);
  }
  const all = new Uint8Array(end + 7);
  all.set(Buffer.concat([head, ...names]));
  if (!canCopyEights(all)) longest = Number.POSITIVE_INFINITY;
  return { all: new DataView(all.buffer), headEnd: head.length, ends, longest };
}

/** Head and names as words, to be compared with what is read. */
function wordsOf(tokens: readonly Buffer[]): TokenWords | null {
  const words: number[] = [];
  const starts = new Int32Array(tokens.length + 1);
  for (const [i, token] of tokens.entries()) {
    starts[i] = words.length;
    const own = tokenWords(token);
    if (own === null) return null;
    words.push(...own);
  }
  starts[tokens.length] = words.length;
  const lengths = Int32Array.from(tokens, (token) => token.length);
  return { words: Float64Array.from(words), starts, lengths };
}

/** A property name as the key of an object's body; `undefined` if it cannot be written. */
export function propertyToken(name: string, scope: string | null): Buffer | undefined {
  if (scope === INT_KEY) return Buffer.from(`i:${name};`);
  return quoted('s', scope === null ? name : `\0${scope}\0${name}`, ';');
}

function quoted(letter: string, text: string, after: string): Buffer | undefined {
  const bytes = encodeKey(text);
  if (bytes === undefined) return undefined;
  return Buffer.concat([
    Buffer.from(`${letter}:${bytes.length}:"`),
    bytes,
    Buffer.from(`"${after}`),
  ]);
}
