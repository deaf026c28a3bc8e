/** Why both sides need one serialize handler: what PHP makes of strings under another one. */
import { afterAll, expect, test } from 'vitest';
import { decodeSession, encodeSession } from '../../../src/codec/index.ts';
import { temporaryFolder } from '../../services/folder.ts';
import { runPhp } from '../../services/php-cli.ts';

/** What a visitor types into a form. */
const TYPED = 'x|O:6:"Gadget":1:{s:4:"file";s:7:"/tmp/me";}';

const READ = `
  class Gadget { public $file; function __wakeup() { echo 'woken '; } }
  session_start();
  session_decode(file_get_contents('php://stdin'));
  echo implode(',', array_map('get_debug_type', $_SESSION));`;

const folder = temporaryFolder('wrong-handler');
afterAll(() => folder.remove());

function readByPhp(handler: string, bytes: Buffer): string {
  const ini = {
    'session.serialize_handler': handler,
    'session.save_handler': 'files',
    'session.save_path': folder.path,
    'session.use_cookies': 0,
  };
  return String(runPhp(READ, { ini, input: bytes }));
}

test('php_serialize read as php: a string becomes an object', () => {
  const bytes = encodeSession({ comment: TYPED }, { handler: 'php_serialize' });
  expect(readByPhp('php_serialize', bytes)).toBe('string');
  expect(readByPhp('php', bytes)).toContain('woken');
  // The bridge refuses such bytes, and says whose they are.
  expect(() => decodeSession(bytes, { handler: 'php' })).toThrow(
    /look like php_serialize, not php/,
  );
});

test.each(['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'] as const)(
  '%s on both sides: it stays a string',
  (handler) => {
    const bytes = encodeSession({ comment: TYPED }, { handler });
    expect(readByPhp(handler, bytes)).toBe('string');
  },
);
