/** Everything that a decoder has made for one value: the containers in it, itself the first. */

/**
 * @param isTree no container stands in it twice, as it is where nothing is an object or a reference
 */
export function containersIn(value: object, isTree: boolean): object[] {
  const found = [value];
  const seen = isTree ? undefined : new Set<object>(found);
  for (let i = 0; i < found.length; i++) {
    const container = found[i] as object;
    const values: readonly unknown[] = Array.isArray(container)
      ? container
      : Object.values(container);
    for (const inner of values) {
      if (typeof inner !== 'object' || inner === null || inner instanceof Uint8Array) continue;
      if (seen?.has(inner)) continue;
      seen?.add(inner);
      found.push(inner);
    }
  }
  return found;
}
