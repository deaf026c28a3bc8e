/** The bytes of msgpack, and what PHP's extension says with maps whose first key is nil. */

export const NIL = 0xc0;
export const FALSE = 0xc2;
export const TRUE = 0xc3;
export const BIN8 = 0xc4;
export const BIN32 = 0xc6;
export const EXT8 = 0xc7;
export const EXT32 = 0xc9;
export const FLOAT32 = 0xca;
export const FLOAT64 = 0xcb;
export const UINT8 = 0xcc;
export const UINT64 = 0xcf;
export const INT8 = 0xd0;
export const INT64 = 0xd3;
export const FIXEXT1 = 0xd4;
export const FIXEXT16 = 0xd8;
export const STR8 = 0xd9;
export const STR16 = 0xda;
export const STR32 = 0xdb;
export const ARRAY16 = 0xdc;
export const ARRAY32 = 0xdd;
export const MAP16 = 0xde;
export const MAP32 = 0xdf;

/** `{nil: 1, …}`: the array or object is a PHP reference. */
export const MARK_REFERENCE = 1;
/** `{nil: 2, 0: id}`: the same reference to an array again. */
export const MARK_ARRAY = 2;
/** `{nil: 3, class: payload}`: an object of a `Serializable` class. */
export const MARK_PAYLOAD = 3;
/** `{nil: 4, 0: id}`: the same object again. */
export const MARK_OBJECT = 4;
/** `{nil: 5, 0: id}`: the same object again, through a reference. */
export const MARK_OBJECT_REFERENCE = 5;

/** `{nil: 6, class: case}`: an enum case, as version 3 of the extension writes it. */
export const MARK_ENUM = 6;

/** What PHP's extension reads; deeper data it refuses. */
export const MAX_DEPTH = 1024;
