/** Which objects were written, and as which slots: what `r:` and `R:` point at. */

/** Up to this many are searched one by one, which is faster than a Map. */
const FEW = 64;

export class Identities {
  readonly #list: unknown[] = [];
  readonly #slots: number[] = [];
  #map: Map<unknown, number> | null = null;

  get size(): number {
    return this.#list.length;
  }

  /** @returns the slot, or 0 if it was not written yet */
  find(identity: unknown): number {
    if (this.#map !== null) return this.#map.get(identity) ?? 0;
    const at = this.#list.indexOf(identity);
    return at < 0 ? 0 : this.#slots[at]!;
  }

  /** Adds one that is not there yet. */
  add(identity: unknown, slot: number): void {
    const size = this.#list.push(identity);
    this.#slots.push(slot);
    if (this.#map !== null) {
      this.#map.set(identity, slot);
    } else if (size > FEW) {
      this.#map = new Map();
      for (let i = 0; i < size; i++) this.#map.set(this.#list[i], this.#slots[i]!);
    }
  }

  /** Forgets all but the first `size`. */
  forget(size: number): void {
    while (this.#list.length > size) {
      this.#slots.pop();
      const identity = this.#list.pop();
      this.#map?.delete(identity);
    }
  }
}
