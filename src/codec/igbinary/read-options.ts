/** What the readers of igbinary are asked for, and what they return. */

export interface IgbinaryReadOptions {
  /** Levels of nested arrays and objects; 0 for no limit. */
  readonly maxDepth: number;
  readonly maxElements: number;
  /** The root is the session variables: always a plain object. */
  readonly isSession?: boolean;
  /** The session variables that are wanted; the others are passed over. */
  readonly only?: ReadonlySet<string> | null | undefined;
}

export interface IgbinaryValue {
  readonly value: unknown;
  /** Where the value ends. */
  readonly end: number;
}
