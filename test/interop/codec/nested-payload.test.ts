import { expect, it } from 'vitest';
import { decodeSession, encodeSession, serialize, unserialize } from '../../../src/codec/index.ts';
import { runPhp } from '../../services/php-cli.ts';

/** Classes that serialize themselves, one within the other, and an object that all of them know. */
const CLASSES = `
error_reporting(E_ALL & ~E_DEPRECATED);
abstract class Own implements Serializable {
    public $d;
    public function __construct($d = null) { $this->d = $d; }
    public function serialize() { return serialize($this->d); }
    public function unserialize($s) { $this->d = unserialize($s); }
}
class Inner extends Own {}
class Outer extends Own {}
class Opaque extends Own {
    public function serialize() { return 'C:5:"Inner":4:{r:1;'; }
    public function unserialize($s) { $this->d = $s; }
}
$shared = (object) ['n' => 1];
$deepest = new Inner([$shared, $shared, new Opaque()]);
$outer = new Outer(['a' => 1, 'in' => new Inner(['x' => $deepest, 'y' => $shared]), 'again' => $shared]);
$ten = range(1, 12);
`;

function php(code: string, input = ''): string {
  return runPhp(`${CLASSES} ${code}`, { input: Buffer.from(input, 'latin1') }).toString('latin1');
}

const stored = php(`echo serialize(['first' => 'x', 'o' => $outer, 's' => $shared]);`);

it('a payload within a payload is read as PHP reads it, and goes back as it was', () => {
  const variables = unserialize(Buffer.from(stored, 'latin1'));
  expect(serialize(variables).toString('latin1')).toBe(stored);
});

it.each([
  ["['new' => 1] + ", { new: 1 }],
  ["['new' => range(1, 12)] + ", { new: Array.from({ length: 12 }, (_, i) => i + 1) }],
])('what is put in front moves the numbers in all of them', (prefix, added) => {
  const expected = php(`echo serialize(${prefix}['first' => 'x', 'o' => $outer, 's' => $shared]);`);
  const variables = unserialize<object>(Buffer.from(stored, 'latin1'));
  const bytes = serialize({ ...added, ...variables }).toString('latin1');
  expect(bytes).toBe(expected);
  const same = php(
    `$u = unserialize(file_get_contents('php://stdin'));
     var_dump($u['o']->d['in']->d['x']->d[0] === $u['s'], $u['o']->d['again'] === $u['s']);`,
    bytes,
  );
  expect(same).toBe('bool(true)\nbool(true)\n');
});

it('also in a session', () => {
  const session = php(
    `session_start(); $_SESSION = ['o' => $outer, 's' => $shared]; echo session_encode();`,
  );
  const variables = decodeSession(Buffer.from(session, 'latin1'), { handler: 'php' });
  expect(encodeSession(variables, { handler: 'php' }).toString('latin1')).toBe(session);
});

it('payloads in payloads do not drive a recursion', () => {
  let payload = 'r:1;';
  for (let i = 0; i < 20_000; i++) payload = `C:1:"A":${payload.length}:{${payload}}`;
  const blob = Buffer.from(`a:1:{i:0;${payload}}`);
  expect(serialize(unserialize(blob)).equals(blob)).toBe(true);
});
