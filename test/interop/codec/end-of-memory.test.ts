import { expect, it } from 'vitest';
import { encodeSession } from '../../../src/codec/index.ts';
import { CHUNK } from '../../../src/codec/output.ts';
import type { Handler } from '../../fixtures/fixtures.ts';
import { runPhp } from '../../services/php-cli.ts';
import { handlers } from './supported.ts';

const big = Array.from({ length: 430 }, (_, i) => `${i}`.padStart(150, 'f'));
const small = Array.from({ length: 900 }, (_, i) => (i + 1).toString(36).padStart(3, 'g'));

/** Fillers after which `left` bytes and then fewer and fewer are left in the memory of the writer. */
function* fillers(handler: Handler, left: number): Generator<string[]> {
  const size = (filler: readonly string[]) => encodeSession({ filler }, { handler }).length;
  let count = big.length;
  while (size(big.slice(0, count)) > CHUNK - 1500) count -= 2;
  const first = big.slice(0, count);
  let items = 1;
  while (size([...first, ...small.slice(0, items)]) < CHUNK - left) items++;
  const step = size([...first, ...small.slice(0, 2)]) - size([...first, ...small.slice(0, 1)]);
  for (let more = 0; more < 60; more += step, items++) {
    for (let pad = 0; pad < step; pad++) {
      yield [...first, ...small.slice(0, items), `${small[items]}`.padEnd(3 + pad, 'h')];
    }
  }
}

it.each(handlers)('text that ends there is under %s what PHP reads', (handler) => {
  const blobs: Buffer[] = [];
  const texts: string[] = [];
  for (const length of [11, 31, 86, 255]) {
    for (const filler of fillers(handler, 3 * length + 45)) {
      // Another session, of a letter that this one does not have.
      encodeSession({ other: 'S'.repeat(CHUNK * 1.5) }, { handler });
      blobs.push(encodeSession({ filler, text: '이'.repeat(length), after: 'z' }, { handler }));
      texts.push(`${'이'.repeat(length)}z`);
    }
  }
  const frames = blobs.flatMap((blob) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(blob.length);
    return [length, blob];
  });
  const said = runPhp(
    `session_start(); $in = file_get_contents('php://stdin'); $out = [];
     for ($at = 0; $at < strlen($in); $at += 4 + $n) {
         $n = unpack('N', $in, $at)[1];
         $_SESSION = [];
         session_decode(substr($in, $at + 4, $n));
         $out[] = bin2hex(($_SESSION['text'] ?? 'none') . ($_SESSION['after'] ?? 'none'));
     }
     session_abort(); echo json_encode($out);`,
    {
      ini: {
        'session.serialize_handler': handler,
        'session.use_cookies': '0',
        memory_limit: '512M',
      },
      input: Buffer.concat(frames),
    },
  );
  const wrong = (JSON.parse(said.toString()) as string[]).filter(
    (hex, i) => Buffer.from(hex, 'hex').toString() !== texts[i],
  );
  expect(wrong).toEqual([]);
});
