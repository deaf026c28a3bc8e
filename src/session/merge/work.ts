/** Something that is being merged, part by part. */
export interface Merging {
  /** Goes on until it is done (`null`), or until something inside of it has to be merged first. */
  advance(): Merging | null;
  /** The merged container; may be another one than theirs. */
  readonly result: object;
}

/** Merges to the end, the innermost first. No recursion: visitors decide how deep a session is. */
export function finish(outermost: Merging): void {
  const open = [outermost];
  for (let at = open.at(-1); at !== undefined; at = open.at(-1)) {
    const inside = at.advance();
    if (inside === null) open.pop();
    else open.push(inside);
  }
}
