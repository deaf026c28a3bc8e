import { describe, expect, it } from 'vitest';
import {
  decodeSession,
  encodeSession,
  type PhpObject,
  type PhpSerializedObject,
} from '../../../src/codec/index.ts';
import { runPhp } from '../../services/php-cli.ts';
import { handlers } from './supported.ts';

const CLASSES = `
error_reporting(E_ALL & ~E_DEPRECATED);
class Base { private $secret = 's'; public $shared = ['x' => 1.5]; }
class User extends Base {
    public $name = 'Ada'; public $none = null; protected $role = 'guest'; private $credit = 5;
    public $friend;
    public function role() { return $this->role . ' ' . $this->credit; }
}
class Basket implements Serializable {
    public $data = 'abc';
    public function serialize() { return $this->data; }
    public function unserialize($s) { $this->data = $s; }
}
class Template implements Serializable {
    public function serialize() { return ''; }
    public function unserialize($s) { echo 'GADGET'; }
    public function __wakeup() { echo 'GADGET'; }
    public function __destruct() { echo 'GADGET'; }
}
`;

function php(handler: string, code: string, input = Buffer.alloc(0)): Buffer {
  const ini = { 'session.serialize_handler': handler, 'session.use_cookies': '0' };
  return runPhp(`${CLASSES} session_start(); ${code}`, { ini, input });
}

describe.each(handlers)('under %s', (handler) => {
  const store = (): Buffer =>
    php(
      handler,
      `$user = new User; $user->friend = new User; $_SESSION['user'] = $user;
       $_SESSION['basket'] = new Basket; echo session_encode();`,
    );
  interface Variables {
    user: PhpObject;
    basket: PhpSerializedObject;
  }

  it('JSON.stringify() of an object is what json_encode() makes of it', () => {
    const { user } = decodeSession<Variables>(store(), { handler });
    const expected = php(handler, `$u = new User; $u->friend = new User; echo json_encode($u);`);
    // PHP's order is that of the declarations, with those of the parent first.
    expect(JSON.parse(JSON.stringify(user))).toEqual(JSON.parse(expected.toString()));
  });

  it('no merged body reaches class, bytes or what is not public', () => {
    const session = decodeSession<Variables>(store(), { handler });
    const body = JSON.parse('{"className":"Template","data":{"0":60,"1":63},"n":"x"}');
    for (const target of [session.basket, session.basket.data]) {
      for (const [name, value] of Object.entries(body)) Reflect.set(target, name, value);
    }
    Object.assign(session.basket.data, body.data);
    session.user['name'] = 'Eve';
    for (const name of ['\0*\0role', '\0User\0credit', '__PHP_Incomplete_Class_Name']) {
      session.user[name] = 'Template';
      expect(() => encodeSession(session, { handler })).toThrow(
        expect.objectContaining({ code: 'ERR_PSB_CODEC_VALUE' }),
      );
      delete session.user[name];
    }
    const said = php(
      handler,
      `session_decode(file_get_contents('php://stdin'));
       // PHP's msgpack hands a NUL over that ends the bytes.
       ['user' => $u, 'basket' => $b] = $_SESSION;
       echo get_class($b), ' ', rtrim($b->data, chr(0)), ' ', get_class($u), ' ', $u->name, ' ', $u->role();`,
      Buffer.from(encodeSession(session, { handler })),
    );
    expect(said.toString()).toBe('Basket abc User Eve guest 5');
  });
});
