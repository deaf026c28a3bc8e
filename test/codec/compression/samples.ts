/** Inputs that reach every branch of the compressors: lengths, distances, overlaps, ends. */
export function compressionSamples(): [name: string, bytes: Buffer][] {
  const random = generator(20_260_101);
  const noise = (length: number) => Buffer.from(Array.from({ length }, () => random() & 0xff));
  const words = (length: number) => {
    const vocabulary = [
      's:4:"name";',
      'i:',
      'a:2:{',
      's:5:"price";d:',
      '}',
      '이다은',
      '";',
      '12.5',
    ];
    let text = '';
    while (text.length < length) text += vocabulary[random() % vocabulary.length];
    return Buffer.from(text);
  };
  const samples: [string, Buffer][] = [
    ['one variable', Buffer.from('a|i:1;')],
    ['one byte', Buffer.from('x')],
    ['two bytes', Buffer.from('xx')],
    ['twelve bytes', Buffer.from('abcabcabcabc')],
    ['sixty k', Buffer.from(`a|s:60:"${'k'.repeat(60)}";`)],
    ['a login', Buffer.from('user|s:9:"이다은";id|s:8:"oooaaaaa";cart|a:0:{}')],
    ['zeros', Buffer.alloc(100_000)],
    ['all bytes, twice', Buffer.concat([everyByte(), everyByte()])],
    [
      'a match at the far end',
      Buffer.concat([Buffer.from('needle!!'), noise(8184), Buffer.from('needle!!')]),
    ],
    [
      'a match beyond LZ4 distance',
      Buffer.concat([
        Buffer.from('needle!!needle'),
        noise(65_530),
        Buffer.from('needle!!needle more'),
      ]),
    ],
  ];
  for (const length of [5, 12, 13, 31, 32, 33, 64, 255, 256, 270, 300, 5000, 70_000]) {
    samples.push(
      [`${length} bytes of noise`, noise(length)],
      [`${length} bytes of words`, words(length)],
    );
    samples.push([`a run of ${length}`, Buffer.alloc(length, 0x61)]);
  }
  return samples;
}

function everyByte(): Buffer {
  return Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 8;
  };
}
