import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import type {
  ReadOptions,
  SessionLock,
  WriteCondition,
  WriteResult,
} from '../../src/save-handler/save-handler.ts';

/** A memory save handler that notes what it was asked, and fails on demand. */
export class RecordingSaveHandler extends MemorySaveHandler {
  readonly calls: string[] = [];
  /** Makes the calls of this name reject. */
  failing: { readonly call: string; readonly error: Error } | undefined;
  /** Awaited before each write. */
  beforeWrite: (() => Promise<void> | void) | undefined;

  /** What was asked since the last time. */
  take(): string[] {
    return this.calls.splice(0);
  }

  override async read(id: string, options?: ReadOptions): Promise<Buffer | null> {
    this.#note(options?.refresh ? 'read+refresh' : 'read');
    return super.read(id, options);
  }

  override async write(id: string, bytes: Buffer): Promise<void> {
    this.#note('write');
    return super.write(id, bytes);
  }

  override async writeIf(
    id: string,
    bytes: Buffer,
    condition: WriteCondition,
  ): Promise<WriteResult> {
    this.#note('writeIf');
    await this.beforeWrite?.();
    return super.writeIf(id, bytes, condition);
  }

  override async updateTimestamp(id: string, lifetime?: number): Promise<boolean> {
    this.#note('updateTimestamp');
    return super.updateTimestamp(id, lifetime);
  }

  override async destroy(id: string): Promise<void> {
    this.#note('destroy');
    return super.destroy(id);
  }

  override async destroyIf(id: string, condition: WriteCondition): Promise<WriteResult> {
    this.#note('destroyIf');
    return super.destroyIf(id, condition);
  }

  override async lock(id: string): Promise<SessionLock> {
    this.#note('lock');
    return super.lock(id);
  }

  #note(call: string): void {
    this.calls.push(call);
    if (this.failing?.call === call) throw this.failing.error;
  }
}
