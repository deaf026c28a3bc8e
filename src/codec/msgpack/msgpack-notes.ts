/**
 * What only msgpack remembers beside a container. Other formats carry it along and ignore it.
 */
import { Cell, type FormatNotes, getNotes, makeNotes, type Notes, setNotes } from '../notes.ts';

declare module '../notes.ts' {
  interface FormatNotes {
    readonly msgpack?: MsgpackNotes;
  }
}

export interface MsgpackNotes {
  /** An object whose properties are the array that `__serialize` returned. */
  readonly wrapped?: boolean;
  /** An enum case in the form of version 3 of the extension, which reads it back. */
  readonly enumCase?: boolean;
  /** NANs by slot, whose bits are not those of PHP's NAN constant. */
  readonly nans?: ReadonlyMap<string, Buffer>;
}

/**
 * A reference that PHP's extension wrote itself. Others are refused by the writer: the extension
 * loses them, or mistakes what stands behind them.
 */
export class MsgpackCell extends Cell {}

export function msgpackNotes(notes: Notes | undefined): MsgpackNotes | undefined {
  return notes?.format?.msgpack;
}

/** Adds to what msgpack remembers about a container. */
export function noteMsgpack(container: object, more: MsgpackNotes): void {
  const old = getNotes(container);
  const format: FormatNotes = { ...old?.format, msgpack: { ...old?.format?.msgpack, ...more } };
  setNotes(container, makeNotes({ ...old, format }));
}
