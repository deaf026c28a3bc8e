/**
 * Asks phpredis itself: `Redis::_compress()` and `_uncompress()` are the functions that its save
 * handler uses.
 */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { compress, decompress } from '../../../src/codec/compression/compression.ts';
import { compressionSamples } from './samples.ts';

const SCRIPT = `
$codecs = ['lzf' => Redis::COMPRESSION_LZF, 'lz4' => Redis::COMPRESSION_LZ4, 'zstd' => Redis::COMPRESSION_ZSTD];
$answers = [];
foreach (json_decode(stream_get_contents(STDIN), true) as [$codec, $level, $plain, $stored]) {
  $redis = new Redis();
  // phpredis 5 sets no option without a connection.
  if ($argv[1] ?? '') $redis->connect($argv[1]);
  $redis->setOption(Redis::OPT_COMPRESSION, $codecs[$codec]);
  $redis->setOption(Redis::OPT_COMPRESSION_LEVEL, $level);
  $answers[] = [base64_encode($redis->_compress(base64_decode($plain))), base64_encode($redis->_uncompress(base64_decode($stored)))];
}
echo json_encode($answers);
`;

const CASES: readonly (readonly ['lzf' | 'lz4' | 'zstd', number])[] = [
  ['lzf', 3],
  ['lz4', 0],
  ['lz4', 3],
  ['lz4', 12],
  ['lz4', 40],
  ['zstd', 0],
  ['zstd', 3],
  ['zstd', 19],
];

/**
 * @param php Command and arguments that run PHP source given as one more argument.
 * @param socket Where a Redis listens, for a phpredis that wants one.
 */
export function describePhpredisCompression(
  title: string,
  php: () => readonly string[],
  socket: () => string = () => '',
): void {
  describe(title, () => {
    it.each(CASES)('%s at level %i: each reads what the other packed', (codec, level) => {
      const samples = compressionSamples();
      const [command, ...args] = php();
      const run = spawnSync(command!, [...args, SCRIPT, '--', socket()], {
        input: JSON.stringify(
          samples.map(([, bytes]) => [
            codec,
            level,
            bytes.toString('base64'),
            compress(bytes, codec, { level }).toString('base64'),
          ]),
        ),
        maxBuffer: 1 << 28,
      });
      expect(run.status, String(run.stderr)).toBe(0);
      const answers = JSON.parse(String(run.stdout)) as [string, string][];
      samples.forEach(([name, bytes], index) => {
        const packed = Buffer.from(answers[index]![0], 'base64');
        const unpacked = Buffer.from(answers[index]![1], 'base64');
        expect(unpacked.equals(bytes), `PHP reads ours: ${name}`).toBe(true);
        expect(decompress(packed, codec).equals(bytes), `we read PHP's: ${name}`).toBe(true);
        // LibLZF has one way to pack; the other two change with the library's version.
        if (codec === 'lzf') {
          expect(compress(bytes, codec).equals(packed), `same bytes: ${name}`).toBe(true);
        }
      });
    });
  });
}
