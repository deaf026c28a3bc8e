<?php

declare(strict_types=1);

namespace PhpSessionBridge\Format;

/**
 * Reads values in the format of serialize(), without unserialize(): no class is loaded, no
 * __wakeup() runs, and several values of one text share their slot numbers as the session formats
 * `php` and `php_binary` need it. Objects become {@see StoredObject}.
 */
final class SerializedReader
{
    /** As PHP's own unserialize_max_depth. */
    private const MAX_DEPTH = 4096;

    private string $bytes;
    private int $at;
    private int $depth = 0;

    /** Whether the text may hold back-references; without any, no slot needs remembering. */
    private bool $shares;

    /** Whether the text certainly holds neither objects nor back-references. */
    private bool $plain;

    /** How many bytes the shortcut for arrays may still look at, so that all of them stay linear. */
    private int $shortcuts;

    /** Every value read so far by its slot number, each a PHP reference to the place it stands in. */
    private array $slots = [];
    private int $count = 0;
    private int $root = 0;

    public function __construct(string $bytes, int $at = 0)
    {
        $this->bytes = $bytes;
        $this->at = $at;
        $this->shares = preg_match('/[Rr]:[0-9]+;/', $bytes) === 1;
        $this->plain = self::isPlain($bytes);
        $this->shortcuts = 64 * strlen($bytes);
    }

    /** Whether the text certainly holds neither objects nor back-references; a string may look so. */
    public static function isPlain(string $bytes): bool
    {
        return preg_match('/[OCESRr]:[0-9]/', $bytes) === 0;
    }

    public function position(): int
    {
        return $this->at;
    }

    public function moveTo(int $position): void
    {
        $this->at = $position;
    }

    /**
     * Reads the one array that holds all others. Nothing may refer to it as a whole: PHP itself
     * writes something else for such a session than it read.
     *
     * @return mixed
     * @throws UnreadableSession
     */
    public function readRoot()
    {
        $this->root = 1;
        $holder = [];
        $this->readInto($holder, 0);

        return $holder[0];
    }

    /**
     * Reads one value into `$container[$key]`. A value is read in its place, not returned, because
     * a later back-reference may tie another place to it.
     *
     * @param int|string $key
     * @throws UnreadableSession
     */
    public function readInto(array &$container, $key): void
    {
        // PHP never writes a key twice. To read it as PHP does, a place would have to leave its
        // reference without leaving its position.
        if ($this->shares && array_key_exists($key, $container)) {
            throw $this->unreadable($this->at, 'one key twice, and references');
        }
        if (($this->bytes[$this->at] ?? '') === 'R') {
            $number = $this->backReference();
            $container[$key] = &$this->slots[$number];

            return;
        }
        $container[$key] = null;
        $this->count++;
        if ($this->shares) {
            $this->slots[$this->count] = &$container[$key];
        }
        $this->readValue($container[$key]);
    }

    /** @param mixed $target */
    private function readValue(&$target): void
    {
        $start = $this->at;
        switch ($this->bytes[$start] ?? '') {
            case 'N':
                $this->expect('N;');
                $target = null;
                break;
            case 'b':
                $target = $this->match('/\Gb:([01]);/') === '1';
                break;
            case 'i':
                $target = (int) $this->match('/\Gi:([+-]?[0-9]+);/');
                break;
            case 'd':
                $target = $this->readFloat();
                break;
            case 's':
            case 'S':
                $target = $this->readString();
                $this->expect(';');
                break;
            case 'a':
                $this->readArray($target);
                break;
            case 'O':
                $this->readObject($target);
                break;
            case 'C':
                $target = $this->readSerializable();
                break;
            case 'E':
                $target = $this->readEnum();
                break;
            case 'r':
                $number = $this->backReference();
                if ($number === $this->count || !is_object($this->slots[$number])) {
                    throw $this->unreadable($start, 'a back-reference to something that is no object');
                }
                $target = $this->slots[$number];
                break;
            default:
                throw $this->unreadable($start, 'no value');
        }
    }

    private function readFloat(): float
    {
        $text = $this->match('/\Gd:(NAN|-?INF|[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?);/');
        switch ($text) {
            case 'NAN':
                return NAN;
            case 'INF':
                return INF;
            case '-INF':
                return -INF;
            default:
                return (float) $text;
        }
    }

    /** @param mixed $target */
    private function readArray(&$target): void
    {
        $start = $this->at;
        if ($this->plain && $this->depth === 0 && $this->readPlainArray($target)) {
            return;
        }
        $entries = $this->readCount('/\Ga:([0-9]+):\{/');
        $this->enter($start);
        $target = [];
        for (; $entries > 0; $entries--) {
            $this->readInto($target, $this->readKey());
        }
        $this->leave();
    }

    /**
     * Without objects unserialize() has no side effects and is many times faster. Where its value
     * ends it does not say, but the value's own text does, if it is what PHP would write.
     *
     * @param mixed $target
     */
    private function readPlainArray(&$target): bool
    {
        $this->shortcuts -= strlen($this->bytes) - $this->at;
        if ($this->shortcuts < 0) {
            return false;
        }
        $rest = $this->at === 0 ? $this->bytes : substr($this->bytes, $this->at);
        $value = Quietly::call(static function () use ($rest) {
            return unserialize($rest, ['allowed_classes' => false]);
        });
        $text = is_array($value) ? serialize($value) : '';
        if ($text === '' || strncmp($rest, $text, strlen($text)) !== 0) {
            return false;
        }
        $this->at += strlen($text);
        $target = $value;

        return true;
    }

    /** @param mixed $target */
    private function readObject(&$target): void
    {
        $start = $this->at;
        $object = new StoredObject(StoredObject::PLAIN, $this->readClass());
        $entries = $this->readCount('/\G:([0-9]+):\{/');
        $this->enter($start);
        // In its place before its body is read: the body may point back at the object.
        $target = $object;
        for (; $entries > 0; $entries--) {
            $key = $this->readKey();
            $this->readInto($object->entries, is_int($key) ? "i:$key;" : SerializedWriter::text($key));
        }
        $this->leave();
    }

    private function readSerializable(): StoredObject
    {
        $start = $this->at;
        $object = new StoredObject(StoredObject::SERIALIZABLE, $this->readClass());
        $length = $this->readCount('/\G:([0-9]+):\{/');
        $object->payload = substr($this->bytes, $this->at, $length);
        $this->at += $length;
        $this->expect('}');
        if ($this->shares) {
            // A nested serialize() inside the payload takes slots of the whole text. Without
            // back-references of its own they can be counted; with some, a number in it may mean
            // a value outside, and nothing in the bytes says so.
            if (preg_match('/[Rr]:[0-9]+;/', $object->payload) === 1) {
                throw $this->unreadable($start, 'a Serializable object with back-references inside');
            }
            $this->count += self::slotsWithin($object->payload);
        }

        return $object;
    }

    /** How many slots a Serializable payload takes: those of one nested serialize(), or none. */
    public static function slotsWithin(string $payload): int
    {
        try {
            $reader = new self($payload);
            // The shortcut counts nothing.
            $reader->plain = false;
            $holder = [];
            $reader->readInto($holder, 0);

            return $reader->at === strlen($payload) ? $reader->count : 0;
        } catch (UnreadableSession $exception) {
            return 0;
        }
    }

    private function readEnum(): StoredObject
    {
        $start = $this->at;
        $parts = explode(':', $this->readString(), 2);
        $this->expect(';');
        if (count($parts) !== 2 || !self::isClass($parts[0])) {
            throw $this->unreadable($start, 'an enum without class and case');
        }
        $object = new StoredObject(StoredObject::ENUM, $parts[0]);
        $object->payload = $parts[1];

        return $object;
    }

    /** @return int|string */
    private function readKey()
    {
        switch ($this->bytes[$this->at] ?? '') {
            case 'i':
                return (int) $this->match('/\Gi:([+-]?[0-9]+);/');
            case 's':
            case 'S':
                $key = $this->readString();
                $this->expect(';');

                return $key;
            default:
                throw $this->unreadable($this->at, 'no key');
        }
    }

    /** `O:8:"stdClass"`: the name that follows a type letter. */
    private function readClass(): string
    {
        $start = $this->at;
        $name = $this->readString();
        if (!self::isClass($name)) {
            throw $this->unreadable($start, 'no class name');
        }

        return $name;
    }

    /** As unserialize() checks it before it looks for the class. */
    private static function isClass(string $name): bool
    {
        return preg_match('/^[0-9A-Za-z_\x7F-\xFF][0-9A-Za-z_\x7F-\xFF\\\\]*$/D', $name) === 1;
    }

    /** From the type letter to the closing quote. */
    private function readString(): string
    {
        $start = $this->at;
        $escaped = $this->bytes[$start] === 'S';
        $length = $this->readCount('/\G[sSOCE]:([0-9]+):"/');
        $text = $escaped ? $this->readEscaped($length) : substr($this->bytes, $this->at, $length);
        if (!$escaped) {
            $this->at += $length;
        }
        if (strlen($text) !== $length) {
            throw $this->unreadable($start, 'a string that ends early');
        }
        $this->expect('"');

        return $text;
    }

    /** `S:` is never written by PHP but read by it: `\xx` stands for any byte. */
    private function readEscaped(int $length): string
    {
        $text = '';
        while (strlen($text) < $length) {
            $byte = $this->bytes[$this->at] ?? '';
            if ($byte === '\\') {
                $text .= chr((int) hexdec($this->match('/\G\\\\([0-9a-fA-F]{2})/')));
            } elseif ($byte !== '') {
                $text .= $byte;
                $this->at++;
            } else {
                break;
            }
        }

        return $text;
    }

    /** Length, count or number; refused at once if it can not fit into the bytes that are left. */
    private function readCount(string $pattern): int
    {
        $start = $this->at;
        $digits = ltrim($this->match($pattern), '0');
        if (strlen($digits) > 18 || (int) $digits > strlen($this->bytes) - $this->at) {
            throw $this->unreadable($start, 'a length beyond the end');
        }

        return (int) $digits;
    }

    private function backReference(): int
    {
        $start = $this->at;
        $digits = ltrim($this->match('/\G[Rr]:([0-9]+);/'), '0');
        $number = strlen($digits) > 18 ? 0 : (int) $digits;
        if ($number === $this->root || !array_key_exists($number, $this->slots)) {
            throw $this->unreadable($start, 'a back-reference to nothing');
        }

        return $number;
    }

    private function match(string $pattern): string
    {
        if (preg_match($pattern, $this->bytes, $found, 0, $this->at) !== 1) {
            throw $this->unreadable($this->at, 'something that serialize() does not write');
        }
        $this->at += strlen($found[0]);

        return $found[1];
    }

    private function expect(string $text): void
    {
        if (substr_compare($this->bytes, $text, $this->at, strlen($text)) !== 0) {
            throw $this->unreadable($this->at, 'a value that does not end where it should');
        }
        $this->at += strlen($text);
    }

    private function enter(int $start): void
    {
        if (++$this->depth > self::MAX_DEPTH) {
            throw $this->unreadable($start, 'too deep a nesting');
        }
    }

    private function leave(): void
    {
        $this->depth--;
        $this->expect('}');
    }

    private function unreadable(int $position, string $what): UnreadableSession
    {
        return new UnreadableSession("The stored session holds $what at byte $position");
    }
}
