import { createRequire } from 'node:module';
import v8 from 'node:v8';
import { decode as msgpackDecode, encode as msgpackEncode } from '@msgpack/msgpack';
import type { Contestant } from './measure.ts';
import type { BenchPhp, ValueFormat } from './php.ts';

type Codec = typeof import('../../src/codec/index.ts');

/** What is measured is the built package, as a user gets it. */
export async function loadCodec(): Promise<Codec> {
  const built = new URL('../../dist/codec/index.js', import.meta.url).href;
  return (await import(built)) as Codec;
}

const require = createRequire(import.meta.url);

type AnyFunction = (...values: unknown[]) => unknown;
const phpSerialize = require('php-serialize') as Record<'serialize' | 'unserialize', AnyFunction>;
const phpunserialize = require('phpunserialize') as AnyFunction;
const locutus = {
  serialize: require('locutus/php/var/serialize') as AnyFunction,
  unserialize: require('locutus/php/var/unserialize') as AnyFunction,
};

/** php-serialize reads objects only into classes that it is given. */
const classes = {
  stdClass: class {},
  'Bench\\Customer': class {},
  'Bench\\Address': class {},
};

export interface Blobs {
  readonly bytes: readonly Buffer[];
  readonly json: readonly Buffer[];
}

/** A peer joins only where it gets through; what it loses on the way is not asked here. */
function joining(contestants: readonly Contestant[]): { joined: Contestant[]; failed: string[] } {
  const joined: Contestant[] = [];
  const failed: string[] = [];
  // locutus prints what it refuses.
  const { error } = console;
  console.error = () => undefined;
  for (const contestant of contestants) {
    try {
      if ('run' in contestant) contestant.run(0);
      joined.push(contestant);
    } catch {
      failed.push(contestant.name);
    }
  }
  console.error = error;
  return { joined, failed };
}

export interface Field {
  readonly joined: readonly Contestant[];
  readonly failed: readonly string[];
}

export function decoders(
  codec: Codec,
  format: ValueFormat,
  profile: string,
  { bytes, json }: Blobs,
  php: BenchPhp,
): Field {
  const options = { format: format === 'serialize' ? 'php' : format } as const;
  const at = (list: readonly Buffer[], variant: number): Buffer => list[variant] as Buffer;
  const v8Blobs = json.map((blob) => v8.serialize(JSON.parse(blob.toString())));
  const field: Contestant[] = [
    { name: 'this package', run: (variant) => codec.unserialize(at(bytes, variant), options) },
    { name: 'JSON', run: (variant) => JSON.parse(at(json, variant).toString()) },
    { name: 'v8', run: (variant) => v8.deserialize(at(v8Blobs, variant)) },
    { name: 'PHP', php: (ms) => php.time('decode', format, profile, ms) },
  ];
  if (format === 'serialize') {
    field.push(
      {
        name: 'php-serialize',
        run: (variant) => phpSerialize.unserialize(at(bytes, variant), classes),
      },
      { name: 'phpunserialize', run: (variant) => phpunserialize(at(bytes, variant).toString()) },
      {
        name: 'locutus',
        run: (variant) => {
          const value = locutus.unserialize(at(bytes, variant).toString());
          if (value === false) throw new Error('refused');
          return value;
        },
      },
    );
  }
  if (format === 'msgpack') {
    const plain = json.map((blob) => Buffer.from(msgpackEncode(JSON.parse(blob.toString()))));
    field.push({ name: '@msgpack/msgpack', run: (variant) => msgpackDecode(at(plain, variant)) });
  }
  return joining(field);
}

export function encoders(
  codec: Codec,
  format: ValueFormat,
  profile: string,
  { bytes, json }: Blobs,
  php: BenchPhp,
): Field {
  const options = { format: format === 'serialize' ? 'php' : format } as const;
  const ours = bytes.map((blob) => codec.unserialize(Buffer.from(blob), options));
  const plain = json.map((blob): unknown => JSON.parse(blob.toString()));
  ours.forEach((value, variant) => {
    if (!codec.serialize(value, options).equals(bytes[variant] as Buffer)) {
      throw new Error(`${profile}: our bytes are not PHP's`);
    }
  });
  const field: Contestant[] = [
    { name: 'this package', run: (variant) => codec.serialize(ours[variant], options) },
    { name: 'JSON', run: (variant) => Buffer.from(JSON.stringify(plain[variant])) },
    { name: 'v8', run: (variant) => v8.serialize(plain[variant]) },
    { name: 'PHP', php: (ms) => php.time('encode', format, profile, ms) },
  ];
  if (format === 'serialize') {
    field.push(
      {
        name: 'php-serialize',
        run: (variant) => Buffer.from(String(phpSerialize.serialize(plain[variant]))),
      },
      { name: 'locutus', run: (variant) => Buffer.from(String(locutus.serialize(plain[variant]))) },
    );
  }
  if (format === 'msgpack') {
    field.push({
      name: '@msgpack/msgpack',
      run: (variant) => Buffer.from(msgpackEncode(plain[variant])),
    });
  }
  return joining(field);
}
