<?php

declare(strict_types=1);

namespace PhpSessionBridge\Tests;

use PhpSessionBridge\Format\Formats;
use PhpSessionBridge\Format\UnreadableSession;

/** PHP's own session_encode() of what $fill puts into $_SESSION. */
function encodedByPhp(string $handler, callable $fill): string
{
    ini_set('session.serialize_handler', $handler);
    session_set_save_handler(new MemoryHandler(), false);
    session_start(['use_cookies' => 0, 'cache_limiter' => '']);
    $fill();
    $bytes = session_encode();
    session_abort();

    return (string) $bytes;
}

final class MemoryHandler implements \SessionHandlerInterface
{
    public function open($path, $name): bool
    {
        return true;
    }

    public function close(): bool
    {
        return true;
    }

    #[\ReturnTypeWillChange]
    public function read($id)
    {
        return '';
    }

    public function write($id, $data): bool
    {
        return true;
    }

    public function destroy($id): bool
    {
        return true;
    }

    #[\ReturnTypeWillChange]
    public function gc($max_lifetime)
    {
        return 0;
    }
}

class Parental
{
    public $pub = 1;
    protected $prot = 2.5;
    private $priv = 'p';
    public $self;
}

final class Child extends Parental
{
    private $priv = ['c'];
}

final class Magic
{
    public function __serialize(): array
    {
        return [10 => 'ten', 'k' => 1, 5 => null];
    }

    public function __unserialize(array $data): void
    {
    }
}

final class Refusing
{
    public static int $woken = 0;

    public function __wakeup()
    {
        self::$woken++;
        throw new \RuntimeException('woken up');
    }
}

/** Sessions that hold every kind of value, and of sharing. */
$sessions = [
    'empty' => static function (): void {
        $_SESSION = [];
    },
    'scalars' => static function (): void {
        $_SESSION = ['n' => null, 't' => true, 'f' => false, 'i' => -5, 'max' => PHP_INT_MAX, 'd' => 0.1, 'z' => -0.0,
            'big' => 1.5e300, 'inf' => -INF, 's' => '한글 "quoted"; }|', 'b' => "\xFF\0\x80", 'e' => ''];
    },
    'arrays' => static function (): void {
        $_SESSION = ['l' => [1, [2, []]], 'm' => ['x' => ['y' => 1], 5 => 'five', -1 => 'minus', '05' => 1]];
    },
    'names' => static function (): void {
        $_SESSION = ['' => 1, 'a b' => 2, "\xFF" => 3, '!x' => 4, 'with;"' => 5, '_token' => 6];
    },
    'objects' => static function (): void {
        $_SESSION = ['o' => new \stdClass(), 'c' => new Child(), 'm' => new Magic(), 'a' => new \ArrayObject([1, 2]),
            'd' => new \DateTimeImmutable('2020-01-01 00:00:00 UTC')];
    },
    'an object that knows itself' => static function (): void {
        $parental = new Parental();
        $parental->self = $parental;
        $_SESSION = ['first' => [1, 2], 'o' => $parental, 'again' => $parental, 'in' => [$parental]];
    },
    'references' => static function (): void {
        $x = 5;
        $_SESSION = ['p' => [1, 2], 'a' => &$x, 'q' => 'q', 'b' => &$x, 'c' => [&$x]];
    },
    'references and objects' => static function (): void {
        $o = new \stdClass();
        $r = &$o;
        $s = 1;
        $_SESSION = ['l' => [1, 2, [3, 4]], 'o' => $o, 'o2' => $o, 'r1' => &$r, 'r2' => &$r, 'x' => &$s, 'y' => &$s, 'o3' => $o];
    },
    'a reference into an array' => static function (): void {
        $_SESSION = ['a' => ['deep' => ['v' => 1]]];
        $_SESSION['b'] = &$_SESSION['a']['deep']['v'];
        $_SESSION['c'] = &$_SESSION['a']['deep'];
    },
    'an array within itself' => static function (): void {
        $a = ['n' => 1];
        $a['me'] = &$a;
        $_SESSION = ['a' => &$a, 'z' => 1];
    },
];

foreach (['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'] as $handler) {
    foreach ($sessions as $name => $fill) {
        // msgpack's own extension can not read references back, nor what comes after them.
        if ($handler === 'msgpack' && (strpos($name, 'reference') !== false || strpos($name, 'itself') !== false)) {
            continue;
        }
        // igbinary decodes an array within itself into something that it writes differently.
        if ($handler === 'igbinary' && $name === 'an array within itself') {
            continue;
        }
        test("format $handler: $name, as PHP writes it", static function () use ($handler, $fill): void {
            $bytes = encodedByPhp($handler, $fill);
            $format = Formats::of($handler);
            same($bytes, $format->encode($format->decode($bytes)));
            same($bytes, $format->encodeLive($format->decodeLive($bytes)), 'live');
        });
    }
}

test('format: every truncated or damaged text is refused or read, never worse', static function () use ($sessions): void {
    // Not the binary ones: damaged bytes can crash the extensions themselves (msgpack on PHP 7.4 does).
    foreach (['php', 'php_binary', 'php_serialize'] as $handler) {
        $format = Formats::of($handler);
        foreach (['scalars', 'arrays', 'references and objects'] as $name) {
            $bytes = encodedByPhp($handler, $sessions[$name]);
            for ($length = 0; $length < strlen($bytes); $length++) {
                try {
                    $format->decode(substr($bytes, 0, $length));
                } catch (UnreadableSession $exception) {
                }
            }
            mt_srand(1);
            for ($round = 0; $round < 500; $round++) {
                $damaged = $bytes;
                $damaged[mt_rand(0, strlen($bytes) - 1)] = chr(mt_rand(0, 255));
                try {
                    $format->decode($damaged);
                } catch (UnreadableSession $exception) {
                }
            }
        }
    }
});

$unreadable = [
    'php' => ['x', 'a|', 'a|i:1', 'a|i:1;b', "a|i:1;\n", 'a|s:9:"abc";', 'a|i:x;', 'a|b:2;', 'a|a:1:{}', 'a|a:99999999999:{}',
        'a|R:1;', 'a|r:1;', 'a|i:1;b|r:1;', 'a|o:1:"x":0:{}', 'a|O:0:"":0:{}', 'a|d:x;', 'a|a:1:{N;i:1;}', '{"json":1}',
        'a|s:-1:"";', 'a|E:4:"Suit";', 'a|C:1:"X":5:{abc}', 'a|i:1;b|R:99999999999999999999;'],
    'php_binary' => ["\x05a", "\x01a", "\x01ai:1", "\x01ai:1;\n"],
    'php_serialize' => ['a:1:{i:0;R:1;}', 'a:3:{i:0;i:1;i:1;R:2;i:0;i:2;}', 'a:1:{i:0;O:3:"a b":0:{}}', 'i:5;', 'N;', 'a:1:{s:1:"a";i:1;', 'O:8:"stdClass":0:{}', 'x'],
    'igbinary' => ['x', "\0\0\0\2", "\0\0\0\2\x06\x01", "\0\0\0\3\x14\0", "\0\0\0\2\x14\5"],
    'msgpack' => ['x', "\xC1", "\x91\x01", "\x82\xC0\x01", "\x81\xA5a", "\xDF\xFF\xFF\xFF\xFF"],
];
foreach ($unreadable as $handler => $texts) {
    foreach ($texts as $text) {
        test("format $handler refuses " . show($text), static function () use ($handler, $text): void {
            throws(UnreadableSession::class, static function () use ($handler, $text): void {
                Formats::of($handler)->decode($text);
            });
        });
    }
}

test('format: decoding for a merge wakes nothing up and loads no class', static function (): void {
    $loaded = [];
    $spy = static function (string $class) use (&$loaded): void {
        $loaded[] = $class;
    };
    $text = 'a|O:31:"PhpSessionBridge\Tests\Refusing":0:{}b|O:7:"Unknown":1:{s:1:"x";i:1;}c|E:10:"Unknown:It";d|C:7:"Unknown":3:{abc}';
    spl_autoload_register($spy, true, true);
    try {
        $format = Formats::of('php');
        same($text, $format->encode($format->decode($text)));
    } finally {
        spl_autoload_unregister($spy);
    }
    same(0, Refusing::$woken);
    same([], array_values(array_filter($loaded, static function (string $class): bool {
        return strpos($class, 'PhpSessionBridge') === false;
    })));
});

test('format: classes that refuse are an error of their own kind', static function (): void {
    throws(UnreadableSession::class, static function (): void {
        Formats::of('php')->decodeLive('a|O:31:"PhpSessionBridge\Tests\Refusing":0:{}');
    });
});

test('format: slots that a Serializable payload takes are counted', static function (): void {
    foreach (['a|C:1:"X":20:{a:2:{i:0;i:1;i:1;N;}}b|O:1:"Y":0:{}c|r:5;', 'a|C:1:"X":3:{raw}b|O:1:"Y":0:{}c|r:2;'] as $text) {
        $format = Formats::of('php');
        $variables = $format->decode($text);
        same(true, $variables['b'] === $variables['c']);
        same($text, $format->encode($variables));
    }
    throws(UnreadableSession::class, static function (): void {
        Formats::of('php')->decode('b|O:1:"Y":0:{}a|C:1:"X":4:{r:1;}');
    });
});

/** A Serializable object whose payload is one serialize() of what it holds. */
function serializable($held): object
{
    if (!class_exists('PhpSessionBridge\Tests\Payload', false)) {
        // Deprecated since PHP 8.1, and still what sessions hold.
        $before = error_reporting(E_ALL & ~E_DEPRECATED);
        eval('namespace PhpSessionBridge\Tests; final class Payload implements \Serializable {
            public $held;
            public function serialize() { return serialize($this->held); }
            public function unserialize($data) { $this->held = unserialize($data); }
        }');
        error_reporting($before);
    }
    $object = new Payload();
    $object->held = $held;

    return $object;
}

foreach (['php', 'php_binary', 'php_serialize'] as $handler) {
    test("format $handler: Serializable objects within Serializable objects, as PHP writes them", static function () use ($handler): void {
        $bytes = encodedByPhp($handler, static function (): void {
            $last = new \stdClass();
            $_SESSION = ['a' => serializable([1, serializable([2, serializable('three')]), 4]), 'b' => $last, 'c' => $last];
        });
        same(1, preg_match('/C:30:".*C:30:".*C:30:".*r:[0-9]+;/s', $bytes));
        $format = Formats::of($handler);
        $variables = $format->decode($bytes);
        same(true, $variables['b'] === $variables['c']);
        same($bytes, $format->encode($variables));
        // PHP's own numbers, behind something new in front.
        $grown = encodedByPhp($handler, static function () use ($bytes, $handler): void {
            $variables = Formats::of($handler)->decodeLive($bytes);
            $_SESSION = ['new' => [1, 2]] + $variables;
        });
        same($grown, $format->encode(['new' => [1, 2]] + $variables));
    });
}

test('format: a nesting beyond PHP\'s own limit is refused, one within it is not', static function (): void {
    $nested = static function (int $depth): string {
        return 'a|' . str_repeat('a:1:{i:0;', $depth) . 'N;' . str_repeat('}', $depth);
    };
    $format = Formats::of('php');
    same($nested(4000), $format->encode($format->decode($nested(4000))));
    throws(UnreadableSession::class, static function () use ($format, $nested): void {
        $format->decode($nested(5000));
    });
});

test('format: floats are written as serialize_precision says', static function (): void {
    $before = ini_set('serialize_precision', '17');
    same('a|d:0.10000000000000001;', Formats::of('php')->encode(['a' => 0.1]));
    ini_set('serialize_precision', $before);
});
