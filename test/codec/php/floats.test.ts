/** Texts of floats as PHP 8.2 writes them under this `serialize_precision`. */
import { describe, expect, test } from 'vitest';
import { PhpFloat, serialize } from '../../../src/codec/index.ts';

describe('few digits: a tie goes to the even one', () => {
  test.each([
    [0, 0.25, 'd:0.2;'],
    [0, 1.5, 'd:2.0E+0;'],
    [0, 2.5, 'd:2.0E+0;'],
    [0, 3.5, 'd:4.0E+0;'],
    [0, 1, 'd:1.0E+0;'],
    [0, 12.5, 'd:1.0E+1;'],
    [1, 0.25, 'd:0.2;'],
    [1, 0.75, 'd:0.8;'],
    [1, 2.5, 'd:2;'],
    [1, 3.5, 'd:4;'],
    [2, 0.125, 'd:0.12;'],
    [2, 0.375, 'd:0.38;'],
    [2, 12.5, 'd:12;'],
    [14, 12345678901234.5, 'd:12345678901234;'],
    [14, 12345678901235.5, 'd:12345678901236;'],
    [14, 1000000000000000, 'd:1.0E+15;'],
    [15, 1000000000000000.5, 'd:1.0E+15;'],
    [15, 0.1, 'd:0.1;'],
    [17, 0.1, 'd:0.10000000000000001;'],
    [17, 4503599627370498, 'd:4503599627370498;'],
    [17, 9.313225746154785e-10, 'd:9.3132257461547852E-10;'],
    [17, 6.938893903907228e-18, 'd:6.9388939039072284E-18;'],
    [20, 9.5367431640625e-7, 'd:9.5367431640625E-7;'],
    [20, 0.1, 'd:0.10000000000000000555;'],
  ] as const)('precision %i: %d is %s', (serializePrecision, value, text) => {
    expect(serialize(new PhpFloat(value), { serializePrecision }).toString()).toBe(text);
  });
});
