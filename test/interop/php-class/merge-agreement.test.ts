/** The merge of the PHP save handler and the one of this package agree, on sessions that nobody chose. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { decodeSession, encodeSession } from '../../../src/codec/session.ts';
import { merge } from '../../../src/session/merge/merge.ts';
import { runPhpFile } from '../../services/php-cli.ts';

const SCRIPT = fileURLToPath(new URL('random-merges.php', import.meta.url));

interface Case {
  base: string;
  ours: string;
  theirs: string;
  merged: string;
  conflicts: [path: string, resolution: string][];
}

test.each([1, 2, 3, 4, 5])('4000 random merges, seed %i', { timeout: 60_000 }, (seed) => {
  const lines = runPhpFile(SCRIPT, { args: [`${seed}`, '4000'] })
    .toString()
    .trimEnd()
    .split('\n');
  expect(lines).toHaveLength(4000);
  for (const line of lines) {
    const { base, ours, theirs, merged, conflicts } = JSON.parse(line) as Case;
    const text = (version: string): string => Buffer.from(version, 'base64').toString('latin1');
    const decode = (version: string) =>
      decodeSession(Buffer.from(version, 'base64'), { handler: 'php_serialize' });
    const result = decode(theirs);
    const found = merge(decode(base), decode(ours), result);
    const encoded = encodeSession(result, { handler: 'php_serialize' }).toString('latin1');
    // The three versions in the message, or a failure says nothing.
    const versions = [base, ours, theirs].map(text).join('\n');
    expect(encoded, versions).toBe(text(merged));
    expect(
      found.map(({ path, resolution }) => `${path} ${resolution}`),
      versions,
    ).toEqual(
      conflicts.map(
        ([path, resolution]) => `${keyText(Buffer.from(path, 'base64'))} ${resolution}`,
      ),
    );
  }
});

/** A path in JavaScript: bytes that are no UTF-8 stand as one code unit U+DC80–U+DCFF each. */
function keyText(path: Buffer): string {
  return path
    .toString('latin1')
    .replaceAll(/\xED\x95\x9C|[\x80-\xFF]/g, (bytes) =>
      bytes.length === 3 ? '한' : String.fromCharCode(0xdc00 + bytes.charCodeAt(0)),
    );
}
