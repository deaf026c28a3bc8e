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

    private SerializedText $text;

    /**
     * The arrays and objects that are being read, from the outermost on: how many entries are left,
     * and the array that these go into. Not by recursion: the nesting is the visitor's choice.
     *
     * @var list<array{left: int, into: array, object: bool}>
     */
    private array $open = [];

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

    /** Whether only the number of slots is asked for; then the payloads of Serializable objects are kept. */
    private bool $counting = false;

    /** @var list<string> */
    private array $payloads = [];

    public function __construct(string $bytes)
    {
        $this->text = new SerializedText($bytes);
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
        return $this->text->position();
    }

    public function moveTo(int $position): void
    {
        $this->text->moveTo($position);
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
        $this->readSlot($container, $key);
        while ($this->open !== []) {
            $top = count($this->open) - 1;
            if ($this->open[$top]['left'] === 0) {
                array_pop($this->open);
                $this->text->expect('}');
                continue;
            }
            $this->open[$top]['left']--;
            $name = $this->text->readKey();
            if ($this->open[$top]['object']) {
                $name = is_int($name) ? "i:$name;" : SerializedWriter::text($name);
            }
            $this->readSlot($this->open[$top]['into'], $name);
        }
    }

    /**
     * Of an array or object only the beginning.
     *
     * @param int|string $key
     */
    private function readSlot(array &$container, $key): void
    {
        // PHP never writes a key twice. To read it as PHP does, a place would have to leave its
        // reference without leaving its position.
        if ($this->shares && array_key_exists($key, $container)) {
            throw $this->text->unreadable($this->text->position(), 'one key twice, and references');
        }
        if ($this->text->letter() === 'R') {
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
        $start = $this->text->position();
        switch ($this->text->letter()) {
            case 'N':
                $this->text->expect('N;');
                $target = null;
                break;
            case 'b':
                $target = $this->text->match('/\Gb:([01]);/') === '1';
                break;
            case 'i':
                $target = $this->text->readInt();
                break;
            case 'd':
                $target = $this->text->readFloat();
                break;
            case 's':
            case 'S':
                $target = $this->text->readString();
                $this->text->expect(';');
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
                    throw $this->text->unreadable($start, 'a back-reference to something that is no object');
                }
                $target = $this->slots[$number];
                break;
            default:
                throw $this->text->unreadable($start, 'no value');
        }
    }

    /** @param mixed $target */
    private function readArray(&$target): void
    {
        $start = $this->text->position();
        if ($this->plain && $this->open === [] && $this->readPlainArray($target)) {
            return;
        }
        $entries = $this->text->readCount('/\Ga:([0-9]+):\{/');
        $target = [];
        $this->begin($start, $entries, $target, false);
    }

    /**
     * Without objects unserialize() has no side effects and is many times faster. Where its value
     * ends it does not say, but the value's own text does, if it is what PHP would write.
     *
     * @param mixed $target
     */
    private function readPlainArray(&$target): bool
    {
        $this->shortcuts -= $this->text->length() - $this->text->position();
        if ($this->shortcuts < 0) {
            return false;
        }
        $rest = $this->text->rest();
        $value = Quietly::call(static function () use ($rest) {
            return unserialize($rest, ['allowed_classes' => false]);
        });
        $text = is_array($value) ? serialize($value) : '';
        if ($text === '' || strncmp($rest, $text, strlen($text)) !== 0) {
            return false;
        }
        $this->text->take(strlen($text));
        $target = $value;

        return true;
    }

    /** @param mixed $target */
    private function readObject(&$target): void
    {
        $start = $this->text->position();
        $object = new StoredObject(StoredObject::PLAIN, $this->text->readClass());
        $entries = $this->text->readCount('/\G:([0-9]+):\{/');
        // In its place before its body is read: the body may point back at the object.
        $target = $object;
        $this->begin($start, $entries, $object->entries, true);
    }

    private function begin(int $start, int $entries, array &$into, bool $isObject): void
    {
        if (count($this->open) === self::MAX_DEPTH) {
            throw $this->text->unreadable($start, 'too deep a nesting');
        }
        $this->open[] = ['left' => $entries, 'into' => &$into, 'object' => $isObject];
    }

    private function readSerializable(): StoredObject
    {
        $start = $this->text->position();
        $object = new StoredObject(StoredObject::SERIALIZABLE, $this->text->readClass());
        $length = $this->text->readCount('/\G:([0-9]+):\{/');
        $object->payload = $this->text->take($length);
        $this->text->expect('}');
        if ($this->counting) {
            $this->payloads[] = $object->payload;
        } elseif ($this->shares) {
            // A nested serialize() inside the payload takes slots of the whole text. Without
            // back-references of its own they can be counted; with some, a number in it may mean
            // a value outside, and nothing in the bytes says so.
            if (preg_match('/[Rr]:[0-9]+;/', $object->payload) === 1) {
                throw $this->text->unreadable($start, 'a Serializable object with back-references inside');
            }
            $this->count += self::slotsWithin($object->payload);
        }

        return $object;
    }

    /**
     * How many slots a Serializable payload takes: those of one nested serialize(), or none. What is
     * Serializable within it takes some as well.
     */
    public static function slotsWithin(string $payload): int
    {
        $slots = 0;
        $payloads = [$payload];
        while ($payloads !== []) {
            $payload = array_pop($payloads);
            try {
                $reader = new self($payload);
                $reader->counting = true;
                // The shortcut counts nothing.
                $reader->plain = false;
                $holder = [];
                $reader->readInto($holder, 0);
                if ($reader->position() === strlen($payload)) {
                    $slots += $reader->count;
                    array_push($payloads, ...$reader->payloads);
                }
            } catch (UnreadableSession $exception) {
                // Bytes of its own kind: no serialize() counted in there.
                continue;
            }
        }

        return $slots;
    }

    private function readEnum(): StoredObject
    {
        $start = $this->text->position();
        $parts = explode(':', $this->text->readString(), 2);
        $this->text->expect(';');
        if (count($parts) !== 2 || !SerializedText::isClass($parts[0])) {
            throw $this->text->unreadable($start, 'an enum without class and case');
        }
        $object = new StoredObject(StoredObject::ENUM, $parts[0]);
        $object->payload = $parts[1];

        return $object;
    }

    private function backReference(): int
    {
        $start = $this->text->position();
        $digits = ltrim($this->text->match('/\G[Rr]:([0-9]+);/'), '0');
        $number = strlen($digits) > 18 ? 0 : (int) $digits;
        if ($number === $this->root || !array_key_exists($number, $this->slots)) {
            throw $this->text->unreadable($start, 'a back-reference to nothing');
        }

        return $number;
    }
}
