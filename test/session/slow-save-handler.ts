import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';

type Call = 'read' | 'writeIf' | 'updateTimestamp' | 'destroyIf' | 'destroy';

/** A memory save handler whose answers take their time: what happens meanwhile is the test's. */
export class SlowSaveHandler extends MemorySaveHandler {
  /** Awaited before each call reaches the store, and before its answer reaches the caller. */
  pause: (call: Call, when: 'before' | 'after') => Promise<void> | void = () => {};

  override read(...args: Parameters<MemorySaveHandler['read']>) {
    return this.#slowly('read', () => super.read(...args));
  }
  override writeIf(...args: Parameters<MemorySaveHandler['writeIf']>) {
    return this.#slowly('writeIf', () => super.writeIf(...args));
  }
  override updateTimestamp(...args: Parameters<MemorySaveHandler['updateTimestamp']>) {
    return this.#slowly('updateTimestamp', () => super.updateTimestamp(...args));
  }
  override destroyIf(...args: Parameters<MemorySaveHandler['destroyIf']>) {
    return this.#slowly('destroyIf', () => super.destroyIf(...args));
  }
  override destroy(...args: Parameters<MemorySaveHandler['destroy']>) {
    return this.#slowly('destroy', () => super.destroy(...args));
  }

  async #slowly<T>(call: Call, work: () => Promise<T>): Promise<T> {
    await this.pause(call, 'before');
    const answer = await work();
    await this.pause(call, 'after');
    return answer;
  }
}
