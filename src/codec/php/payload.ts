/**
 * Payloads of `Serializable` objects (`C:`). Nothing in the bytes says whether such a class called
 * serialize() inside; if the payload reads as one whole value it is taken that it did, and then
 * its values take slots of the numbering outside.
 */

import { asText } from '../text.ts';
import { NESTED_PAYLOADS, skipped, skipValue } from './skip.ts';

export interface PayloadInfo {
  /** Slots that the payload takes beyond the object's own. */
  readonly slots: number;
  readonly backReferences: boolean;
}

const NONE: PayloadInfo = { slots: 0, backReferences: false };

export function payloadInfo(payload: Buffer, maxDepth: number): PayloadInfo {
  skipped.slots = 0;
  skipped.backReferences = false;
  if (skipValue(payload, 0, maxDepth) !== payload.length) return NONE;
  return { slots: skipped.slots, backReferences: skipped.backReferences };
}

/**
 * The payload with its back-references moved: the object has another slot number than when it was
 * read. `undefined` if it points at something outside of itself, which cannot be followed.
 */
export function movePayload(payload: Buffer, from: number, to: number): Buffer | undefined {
  return from === to ? payload : moved(payload, from, to, 0);
}

/** @param payloads How many payloads this one stands in. */
function moved(payload: Buffer, from: number, to: number, payloads: number): Buffer | undefined {
  const parts: Buffer[] = [];
  let copied = 0;
  for (let p = 0; p < payload.length; ) {
    const letter = payload[p];
    if (letter === 114 || letter === 82) {
      const close = payload.indexOf(59, p);
      const number = Number(asText(payload).latin1Slice(p + 2, close));
      if (number < from) return undefined;
      parts.push(payload.subarray(copied, p + 2), Buffer.from(String(number - from + to)));
      copied = close;
      p = close + 1;
    } else if (letter === 97) {
      p = payload.indexOf(123, p) + 1;
    } else if (letter === 79) {
      p = payload.indexOf(123, skipQuoted(payload, p)) + 1;
    } else if (letter === 125) {
      p++;
    } else if (letter === 67 && payloads < NESTED_PAYLOADS) {
      // The payload of an object within this one is as long as its numbers make it.
      const length = skipQuoted(payload, p) + 2;
      const open = payload.indexOf(123, length) + 1;
      const close = open + Number(asText(payload).latin1Slice(length, open - 2));
      const inner = payload.subarray(open, close);
      if (payloadInfo(inner, 0).backReferences) {
        const other = moved(inner, from, to, payloads + 1);
        if (other === undefined) return undefined;
        parts.push(payload.subarray(copied, length), Buffer.from(`${other.length}:{`), other);
        copied = close;
      }
      p = close + 1;
    } else {
      const next = skipValue(payload, p, 0);
      if (next < 0) return undefined;
      p = next;
    }
  }
  parts.push(payload.subarray(copied));
  return Buffer.concat(parts);
}

/** `X:LENGTH:"…"`: the position of the closing quote. */
function skipQuoted(bytes: Buffer, p: number): number {
  const colon = bytes.indexOf(58, p + 2);
  return colon + 2 + Number(asText(bytes).latin1Slice(p + 2, colon));
}
