/**
 * What only igbinary remembers beside a container. Other formats carry it along and ignore it.
 */
import {
  type FormatNotes,
  getNotes,
  type HiddenSlot,
  makeNotes,
  type Notes,
  setNotes,
} from '../notes.ts';

declare module '../notes.ts' {
  interface FormatNotes {
    readonly igbinary?: IgbinaryNotes;
  }
}

export interface IgbinaryNotes {
  /** Root only: written with `igbinary.compact_strings=Off`, every string in full. */
  readonly fullStrings?: boolean;
  /** Keys that look like integers and are strings: igbinary does not normalise keys. */
  readonly stringKeys?: ReadonlySet<string>;
  /**
   * Objects: places (counted in properties and placeholders) of declared properties without a
   * value. igbinary counts them, but does not name them.
   */
  readonly placeholders?: readonly number[];
  /**
   * Slots that were marked as a reference though nobody else in the blob holds it; hidden ones as
   * `hiddenPlace` has them.
   */
  readonly loneCells?: ReadonlySet<string>;
  /** NANs by slot, whose bits are not those of PHP's NAN constant. */
  readonly nans?: ReadonlyMap<string, Buffer>;
}

/** A hidden slot among the names of the others. */
export function hiddenPlace({ name, scope }: HiddenSlot): string {
  return `\0${scope ?? ''}\0${name}`;
}

export function igbinaryNotes(notes: Notes | undefined): IgbinaryNotes | undefined {
  return notes?.format?.igbinary;
}

/** Adds to what igbinary remembers about a container. */
export function noteIgbinary(container: object, more: IgbinaryNotes): void {
  const old = getNotes(container);
  const format: FormatNotes = { ...old?.format, igbinary: { ...old?.format?.igbinary, ...more } };
  setNotes(container, makeNotes({ ...old, format }));
}
