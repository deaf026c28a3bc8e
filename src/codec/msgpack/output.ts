/** msgpack's scalars, each in its smallest form, as PHP's extension writes them. */
import { BinaryOutput } from '../binary-output.ts';
import { encodeKey } from '../text.ts';
import * as F from './format.ts';

export class MsgpackOutput extends BinaryOutput {
  int(value: number): void {
    if (value >= 0) {
      if (value < 128) {
        this.byte(value);
      } else if (value < 256) {
        this.byte(F.UINT8);
        this.byte(value);
      } else if (value < 65536) {
        this.byte(F.UINT8 + 1);
        this.uint16(value);
      } else if (value < 4294967296) {
        this.byte(F.UINT8 + 2);
        this.uint32(value);
      } else {
        this.byte(F.UINT64);
        this.uint64(BigInt(value));
      }
    } else if (value >= -32) {
      this.byte(value + 256);
    } else if (value >= -128) {
      this.byte(F.INT8);
      this.byte(value + 256);
    } else if (value >= -32768) {
      this.byte(F.INT8 + 1);
      this.uint16(value + 65536);
    } else if (value >= -2147483648) {
      this.byte(F.INT8 + 2);
      this.uint32(value + 4294967296);
    } else {
      this.byte(F.INT64);
      this.uint64(BigInt.asUintN(64, BigInt(value)));
    }
  }

  bigInt(value: bigint): void {
    if (value >= -9007199254740991n && value <= 9007199254740991n) {
      this.int(Number(value));
    } else {
      this.byte(value < 0n ? F.INT64 : F.UINT64);
      this.uint64(BigInt.asUintN(64, value));
    }
  }

  /** The header of an array or map; its width is that of `headerWidth`. */
  container(isMap: boolean, count: number): void {
    if (count < 16) {
      this.byte((isMap ? 0x80 : 0x90) | count);
    } else if (count < 65536) {
      this.byte(isMap ? F.MAP16 : F.ARRAY16);
      this.uint16(count);
    } else {
      this.byte(isMap ? F.MAP32 : F.ARRAY32);
      this.uint32(count);
    }
  }

  /** A string value; false if it has lone surrogates. */
  string(text: string): boolean {
    const { length } = text;
    const guess = length < 32 ? 1 : length < 256 ? 2 : length < 65536 ? 3 : 5;
    const written = this.text(text, guess);
    if (written < 0) return false;
    const header = written < 32 ? 1 : written < 256 ? 2 : written < 65536 ? 3 : 5;
    const start = this.pos;
    if (header !== guess) this.move(start + header, start + guess, start + guess + written);
    this.#stringHeader(written);
    this.pos = start + header + written;
    return true;
  }

  /** A key or a name, whose lone U+DC80–U+DCFF stand for bytes; false if it cannot be said. */
  name(text: string): boolean {
    if (this.string(text)) return true;
    const bytes = encodeKey(text);
    if (bytes === undefined) return false;
    this.buffer(bytes);
    return true;
  }

  /** Bytes are strings too: PHP's extension knows no binaries. */
  buffer(bytes: Uint8Array): void {
    this.#stringHeader(bytes.length);
    this.raw(bytes);
  }

  #stringHeader(length: number): void {
    if (length < 32) {
      this.byte(0xa0 | length);
    } else if (length < 256) {
      this.byte(F.STR8);
      this.byte(length);
    } else if (length < 65536) {
      this.byte(F.STR16);
      this.uint16(length);
    } else {
      this.byte(F.STR32);
      this.uint32(length);
    }
  }
}
