/**
 * Which items of a list are which items of another one that came from it: a longest common
 * subsequence of their numbers, ties to the earliest. The PHP class finds the same.
 *
 * Defined by a walk: with L(i, j) the length of the longest common subsequence of what begins at i
 * and at j, the item i is matched with its first equal from j on if nothing is lost by that, else
 * left out.
 */

/** Of longer lists (what differs in one times what differs in the other) nobody asks. */
export const MOST_COMPARISONS = 4_000_000;

/** Memory that is used again and again, always zero between two uses. */
let places = new Int32Array(1024);
let counts = new Int32Array(1024);
let bits = new Int32Array(4096);

/**
 * @param base the items as numbers from 0 on
 * @returns for each item of `base` its place in `side`, −1 if it is not there; `null` if that would
 *   take too many comparisons
 */
export function align(base: readonly number[], side: readonly number[]): Int32Array | null {
  const matched = new Int32Array(base.length).fill(-1);
  const shorter = Math.min(base.length, side.length);
  let head = 0;
  while (head < shorter && base[head] === side[head]) matched[head] = head++;
  if (head === shorter) return matched;

  reserve(Math.max(greatest(base, head), greatest(side, head)) + 1);
  try {
    return alignRest(base, side, head, matched);
  } finally {
    for (let i = head; i < base.length; i++) counts[base[i] as number] = 0;
    for (let j = head; j < side.length; j++) places[side[j] as number] = 0;
    release();
  }
}

function greatest(items: readonly number[], from: number): number {
  let most = 0;
  for (let i = from; i < items.length; i++) most = Math.max(most, items[i] as number);
  return most;
}

/** Counts each number: of the base in `counts`, of the side in `places`. */
function alignRest(
  base: readonly number[],
  side: readonly number[],
  head: number,
  matched: Int32Array,
): Int32Array | null {
  const inBase = counts;
  const inSide = places;
  for (let i = head; i < base.length; i++) (inBase[base[i] as number] as number)++;
  for (let j = head; j < side.length; j++) (inSide[side[j] as number] as number)++;
  // What the other has not is in no common subsequence.
  const left: number[] = [];
  const right: number[] = [];
  let repeats = false;
  for (let i = head; i < base.length; i++) {
    const item = base[i] as number;
    if (inSide[item] === 0) continue;
    left.push(i);
    if ((inBase[item] as number) > 1 || (inSide[item] as number) > 1) repeats = true;
  }
  for (let j = head; j < side.length; j++) if (inBase[side[j] as number] !== 0) right.push(j);
  // A last pair of which there is no other is in every longest common subsequence.
  let [n, m] = [left.length, right.length];
  while (n > 0 && m > 0) {
    const [i, j] = [left[n - 1] as number, right[m - 1] as number];
    const item = base[i] as number;
    if (item !== side[j] || inBase[item] !== 1 || inSide[item] !== 1) break;
    matched[i] = j;
    n--;
    m--;
  }
  if (n === 0 || m === 0) return matched;
  if (n * m > MOST_COMPARISONS) return null;
  const b = new Int32Array(n);
  const s = new Int32Array(m);
  for (let i = 0; i < n; i++) b[i] = base[left[i] as number] as number;
  for (let j = 0; j < m; j++) s[j] = side[right[j] as number] as number;
  const pairs = repeats ? alignAny(b, s) : alignDistinct(b, s);
  for (let i = 0; i < n; i++) {
    const pair = pairs[i] as number;
    if (pair !== -1) matched[left[i] as number] = right[pair] as number;
  }
  return matched;
}

/**
 * For each item of `base` that is not matched: a place of the same item in `side` that is not
 * matched either, the earliest for the earliest; −1 if there is none. `null` if all are matched.
 */
export function pairLeftOver(
  base: readonly number[],
  side: readonly number[],
  matched: Int32Array,
): Int32Array | null {
  if (!matched.includes(-1)) return null;
  const found = new Int32Array(base.length).fill(-1);
  const taken = new Uint8Array(side.length);
  for (let i = 0; i < matched.length; i++) {
    const place = matched[i] as number;
    if (place !== -1) taken[place] = 1;
  }
  reserve(Math.max(greatest(base, 0), greatest(side, 0)) + 1);
  /** For each place the next one of the same item; one more than the place, 0 for none. */
  const nexts = new Int32Array(side.length);
  for (let j = side.length - 1; j >= 0; j--) {
    if (taken[j] === 1) continue;
    const item = side[j] as number;
    nexts[j] = places[item] as number;
    places[item] = j + 1;
  }
  for (let i = 0; i < base.length; i++) {
    if (matched[i] !== -1) continue;
    const item = base[i] as number;
    const first = places[item] as number;
    if (first === 0) continue;
    found[i] = first - 1;
    places[item] = nexts[first - 1] as number;
  }
  for (let j = 0; j < side.length; j++) places[side[j] as number] = 0;
  release();
  return found;
}

/**
 * For each item of the base that has become another one in its place: where that stands; else −1.
 * Between two items that are matched, as many new ones as there were are those, changed. What was
 * moved is neither.
 *
 * @param moved what `pairLeftOver()` says
 * @param length of the side
 */
export function pairChanged(
  matched: Int32Array,
  moved: Int32Array | null,
  length: number,
): Int32Array {
  const changed = new Int32Array(matched.length).fill(-1);
  const copies = new Uint8Array(length);
  for (const place of moved ?? []) if (place !== -1) copies[place] = 1;
  let run: number[] = [];
  let next = 0;
  for (let i = 0; i <= matched.length; i++) {
    const place = i === matched.length ? length : (matched[i] as number);
    if (place === -1) {
      if ((moved?.[i] ?? -1) === -1) run.push(i);
      continue;
    }
    const fresh: number[] = [];
    for (; next < place; next++) if (copies[next] === 0) fresh.push(next);
    if (fresh.length === run.length) {
      for (const [at, item] of run.entries()) changed[item] = fresh[at] as number;
    }
    run = [];
    next++;
  }
  return changed;
}

/** Larger memory is not kept for the next list. */
const MOST_KEPT = 1 << 18;

function release(): void {
  if (places.length > MOST_KEPT) {
    places = new Int32Array(1024);
    counts = new Int32Array(1024);
  }
  if (bits.length > MOST_KEPT * 4) bits = new Int32Array(4096);
}

function reserve(size: number): void {
  if (size <= places.length) return;
  places = new Int32Array(size * 2);
  counts = new Int32Array(size * 2);
}

/** Without repetition the common subsequences are the rising ones of the places. */
function alignDistinct(base: Int32Array, side: Int32Array): Int32Array {
  const n = base.length;
  for (let j = 0; j < side.length; j++) places[side[j] as number] = j;
  /** The length of the longest rising sequence that begins at i. */
  const lengths = new Int32Array(n);
  /** For each length the greatest place at which such a sequence begins; falling. */
  const starts = new Int32Array(n);
  let most = 0;
  for (let i = n - 1; i >= 0; i--) {
    const place = places[base[i] as number] as number;
    let [low, high] = [0, most];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] as number) > place) low = middle + 1;
      else high = middle;
    }
    starts[low] = place;
    lengths[i] = low + 1;
    if (low === most) most++;
  }
  const pairs = new Int32Array(n).fill(-1);
  let from = 0;
  for (let i = 0; i < n && most > 0; i++) {
    const place = places[base[i] as number] as number;
    if (place < from || lengths[i] !== most) continue;
    pairs[i] = place;
    from = place + 1;
    most--;
  }
  return pairs;
}

/** Columns in one word: sum and carry of two words stay small integers. */
const WIDTH = 30;
const ONES = 2 ** WIDTH - 1;

/**
 * With repetition: one row of bits for each item of the base, thirty columns at a time (Hyyrö,
 * "Bit-parallel LCS-length computation revisited"). The columns are read from the end of the side,
 * and a zero at the column of j says that L(i, j) is more than L(i, j + 1).
 */
function alignAny(base: Int32Array, side: Int32Array): Int32Array {
  const [n, m] = [base.length, side.length];
  const words = Math.ceil(m / WIDTH);
  /** For each column the next one of the same item, for each item its first one. */
  const nexts = new Int32Array(m);
  const kinds: number[] = [];
  const kindOf = new Int32Array(m);
  for (let j = 0; j < m; j++) places[side[j] as number] = -1;
  for (let j = 0; j < m; j++) {
    const item = side[j] as number;
    if (places[item] === -1) {
      places[item] = kinds.length;
      kinds.push(item);
    }
    kindOf[j] = places[item] as number;
  }
  const firsts = new Int32Array(kinds.length).fill(m);
  const size = (n + 1 + kinds.length) * words;
  if (bits.length < size) bits = new Int32Array(size);
  else bits.fill(0, 0, size);
  const rows = bits;
  const masks = (n + 1) * words;
  for (let j = m - 1; j >= 0; j--) {
    const kind = kindOf[j] as number;
    nexts[j] = firsts[kind] as number;
    firsts[kind] = j;
    const column = m - 1 - j;
    const word = masks + kind * words + Math.trunc(column / WIDTH);
    rows[word] = (rows[word] as number) | (1 << (column % WIDTH));
  }
  rows.fill(ONES, n * words, masks);
  for (let i = n - 1; i >= 0; i--) {
    const mask = masks + (places[base[i] as number] as number) * words;
    const [row, below] = [i * words, (i + 1) * words];
    let carry = 0;
    for (let w = 0; w < words; w++) {
      const v = rows[below + w] as number;
      const u = v & (rows[mask + w] as number);
      const sum = v + u + carry;
      carry = sum >>> WIDTH;
      rows[row + w] = (sum & ONES) | (v & ~u);
    }
  }
  const pairs = new Int32Array(n).fill(-1);
  let from = 0;
  for (let i = 0; i < n && from < m; i++) {
    const kind = places[base[i] as number] as number;
    let place = firsts[kind] as number;
    while (place < from) place = nexts[place] as number;
    firsts[kind] = place;
    // With its first equal nothing is lost that lies behind it; what lies before is, if L falls there.
    if (place === m || !areOnes(rows, i * words, m - place, m - 1 - from)) continue;
    pairs[i] = place;
    from = place + 1;
  }
  return pairs;
}

/** Are these columns of the row all ones, both ends included? */
function areOnes(rows: Int32Array, row: number, first: number, last: number): boolean {
  for (let column = first; column <= last; ) {
    const bit = column % WIDTH;
    const many = Math.min(WIDTH - bit, last - column + 1);
    const wanted = many === WIDTH ? ONES : ((1 << many) - 1) << bit;
    if (((rows[row + Math.trunc(column / WIDTH)] as number) & wanted) !== wanted) return false;
    column += many;
  }
  return true;
}
