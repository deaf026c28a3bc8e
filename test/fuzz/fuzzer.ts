import {
  CodecError,
  decodeSession,
  encodeSession,
  serialize,
  unserialize,
} from '../../src/codec/index.ts';
import { bytesOf, type Handler, readFixtures } from '../fixtures/fixtures.ts';
import type { PeerFormat, PhpPeer } from '../interop/codec/php-peer.ts';
import { mutate, padded, Random, repeating } from './mutate.ts';

export const fuzzFormats: readonly PeerFormat[] = [
  'serialize',
  'php',
  'php_binary',
  'php_serialize',
  'igbinary-value',
  'igbinary',
  'msgpack-value',
  'msgpack',
];

export interface Finding {
  readonly format: PeerFormat;
  readonly what: string;
  readonly input: Buffer;
}

export interface FuzzReport {
  readonly format: PeerFormat;
  readonly inputs: number;
  readonly accepted: number;
  /** How many of the accepted ones PHP was asked about. */
  readonly compared: number;
  readonly findings: readonly Finding[];
}

interface Codec {
  decode(bytes: Buffer): unknown;
  encode(value: unknown): Buffer;
}

function codecOf(format: PeerFormat): Codec {
  if (format === 'serialize' || format.endsWith('-value')) {
    const options = { format: format === 'serialize' ? 'php' : format.slice(0, -6) } as {
      format: 'php' | 'igbinary' | 'msgpack';
    };
    return {
      decode: (bytes) => unserialize(bytes, options),
      encode: (value) => serialize(value, options),
    };
  }
  const handler = format as Handler;
  return {
    decode: (bytes) => decodeSession(bytes, { handler }),
    encode: (value) => encodeSession(value as Record<string, unknown>, { handler }),
  };
}

function corpusOf(format: PeerFormat): Buffer[] {
  const family = format.startsWith('igbinary')
    ? 'igbinary'
    : format.startsWith('msgpack')
      ? 'msgpack'
      : 'php';
  const { values, sessions, inputs } = readFixtures(family);
  const isValue = format === 'serialize' || format.endsWith('-value');
  const key = isValue ? format.replace('-value', '') : format;
  const inSession = family === 'php' ? key : `${key} session`;
  const written: unknown[] = isValue
    ? values.map(({ bytes }) => bytes[key])
    : [
        ...sessions.map(({ bytes }) => bytes[key as Handler]),
        ...values.map(({ bytes }) => bytes[inSession]),
      ];
  const odd = inputs.filter((row) => row.format === format).map((row) => row.bytes);
  return [...written, ...odd]
    .filter((bytes): bytes is string => typeof bytes === 'string' && bytes.length < 600)
    .map(bytesOf);
}

/** Enums and Serializable classes must exist, and native classes have rules of their own: PHP's answer says nothing about bytes. */
const needsClass =
  /[EC]:\+?\d+:"|\x27|\x1d|\x1e|\x1f|DateTime|DateInterval|ArrayObject|ArrayIterator|Spl|Closure|Generator|Bench/i;

/** Fuzzes one format for so long. PHP must have been started without classes. */
export async function fuzz(
  format: PeerFormat,
  peer: PhpPeer,
  options: {
    readonly milliseconds: number;
    readonly seed: number;
    readonly onInput?: (input: Buffer) => void;
  },
): Promise<FuzzReport> {
  const codec = codecOf(format);
  const corpus = corpusOf(format);
  const random = new Random(options.seed);
  const findings: Finding[] = [];
  const isBinary = format.startsWith('igbinary') || format.startsWith('msgpack');
  let inputs = 0;
  let accepted = 0;
  let compared = 0;
  const end = performance.now() + options.milliseconds;

  const find = (what: string, input: Buffer): void => {
    findings.push({ format, what, input: Buffer.from(input) });
  };

  while (performance.now() < end && findings.length < 40) {
    const batch: { readonly input: Buffer; readonly again: Buffer }[] = [];
    for (let n = 0; n < 400; n++) {
      const input = isText(format)
        ? textInput(format, random, corpus)
        : mutate(random, random.of(corpus), random.of(corpus), isBinary);
      inputs++;
      options.onInput?.(input);
      const again = tryOne(codec, input, find);
      if (again === undefined) continue;
      accepted++;
      // A mutant that was found worth accepting is a good parent.
      if (random.below(8) === 0 && input.length < 600) corpus.push(input);
      batch.push({ input, again });
    }
    // msgpack's reader calls anything a success, so only our own side can be judged.
    const asked = format.startsWith('msgpack')
      ? []
      : batch.filter(({ input }) => !needsClass.test(input.toString('latin1')));
    compared += asked.length;
    const php = await peer.again(
      format,
      asked.map(({ input }) => input),
    );
    const ofOurs = await peer.again(
      format,
      asked.map(({ again }) => again),
    );
    asked.forEach(({ input, again }, index) => {
      const said = php[index];
      const ours = ofOurs[index];
      if (!said || !ours) return;
      if ('refused' in said) {
        if (!said.crashed) find(`accepted, but PHP refuses: ${said.refused}`, input);
      } else if ('refused' in ours) {
        find(
          `PHP refuses what we wrote for it (${ours.refused}): ${again.toString('latin1')}`,
          input,
        );
      } else if (!ours.bytes.equals(said.bytes) && !holdsItself(input)) {
        const text = `ours ${again.toString('latin1')} is to PHP ${ours.bytes.toString('latin1')}, not ${said.bytes.toString('latin1')}`;
        find(text, input);
      }
    });
  }
  return { format, inputs, accepted, compared, findings };
}

function isText(format: PeerFormat): format is 'serialize' | 'php' | 'php_binary' {
  return format === 'serialize' || format === 'php' || format === 'php_binary';
}

function textInput(
  format: 'serialize' | 'php' | 'php_binary',
  random: Random,
  corpus: readonly Buffer[],
): Buffer {
  const input =
    format === 'serialize' && random.below(4) === 0
      ? repeating(random)
      : mutate(random, random.of(corpus), random.of(corpus), false);
  return random.below(3) === 0 ? padded(format, input) : input;
}

/** PHP writes an array that holds itself from the root unrolled, and again differently: nothing to compare. */
function holdsItself(input: Buffer): boolean {
  return /[Rr]:0*1;|[\x01\x02\x03"#$]\0/.test(input.toString('latin1'));
}

function tryOne(
  codec: Codec,
  input: Buffer,
  find: (what: string, input: Buffer) => void,
): Buffer | undefined {
  const start = performance.now();
  let value: unknown;
  try {
    value = codec.decode(Buffer.from(input));
  } catch (error) {
    if (!(error instanceof CodecError)) find(`decode threw ${String(error)}`, input);
    else if (typeof error.offset !== 'number') find(`no offset: ${error.message}`, input);
    return undefined;
  }
  // A number by itself has no container that could remember that it was a float.
  if (typeof value === 'number') return input;
  let again: Buffer;
  try {
    again = codec.encode(value);
  } catch (error) {
    // Whether a payload holds slots is guessed from its looks; a mutant may refute the guess.
    if (error instanceof CodecError && needsClass.test(input.toString('latin1'))) return undefined;
    find(`accepted, but encoding threw ${String(error)}`, input);
    return undefined;
  }
  try {
    const twice = codec.encode(codec.decode(Buffer.from(again)));
    if (!twice.equals(again)) {
      find(`not stable: ${again.toString('latin1')} became ${twice.toString('latin1')}`, input);
    }
  } catch (error) {
    find(`what we wrote is refused (${String(error)}): ${again.toString('latin1')}`, input);
    return undefined;
  }
  if (performance.now() - start > 1000) find('took more than a second', input);
  return again;
}
