/** The bytes of igbinary's format 2. All numbers are big-endian. */

export const HEADER = 2;
export const HEADER_LENGTH = 4;

export const NULL = 0x00;
/** Back-reference to an array or a reference cell; the id is 8, 16 or 32 bits wide. */
export const REF8 = 0x01;
export const REF16 = 0x02;
export const REF32 = 0x03;
export const FALSE = 0x04;
export const TRUE = 0x05;
/** Integers by sign and width of the magnitude: +8, −8, +16, −16, +32, −32. */
export const POSITIVE8 = 0x06;
export const NEGATIVE8 = 0x07;
export const POSITIVE16 = 0x08;
export const NEGATIVE16 = 0x09;
export const POSITIVE32 = 0x0a;
export const NEGATIVE32 = 0x0b;
export const DOUBLE = 0x0c;
export const STRING_EMPTY = 0x0d;
export const STRING_ID8 = 0x0e;
export const STRING_ID16 = 0x0f;
export const STRING_ID32 = 0x10;
export const STRING8 = 0x11;
export const STRING16 = 0x12;
export const STRING32 = 0x13;
export const ARRAY8 = 0x14;
export const ARRAY16 = 0x15;
export const ARRAY32 = 0x16;
/** An object with its class name in full … */
export const OBJECT8 = 0x17;
export const OBJECT16 = 0x18;
export const OBJECT32 = 0x19;
/** … or by the name's string id. */
export const OBJECT_ID8 = 0x1a;
export const OBJECT_ID16 = 0x1b;
export const OBJECT_ID32 = 0x1c;
/** An object's body that is the payload of a `Serializable` class. */
export const PAYLOAD8 = 0x1d;
export const PAYLOAD16 = 0x1e;
export const PAYLOAD32 = 0x1f;
export const POSITIVE64 = 0x20;
export const NEGATIVE64 = 0x21;
export const OBJECT_REF8 = 0x22;
export const OBJECT_REF16 = 0x23;
export const OBJECT_REF32 = 0x24;
/** The next value is a PHP reference. */
export const CELL = 0x25;
export const STRING64 = 0x26;
/** An object's body that is the name of an enum case. */
export const ENUM_CASE = 0x27;

/** PHP's constant NAN. */
export const NAN_BITS = Buffer.from('7ff8000000000000', 'hex');
