<?php

declare(strict_types=1);

namespace PhpSessionBridge\Format;

use PhpSessionBridge\Merge\Sharing;

/**
 * Writes what {@see SerializedReader} read, byte for byte as serialize() would: floats as
 * serialize_precision says, back-references by the slot numbers of the whole text.
 */
final class SerializedWriter
{
    private Sharing $sharing;
    private string $text = '';

    /**
     * The arrays and objects that are being written, from the outermost on: the entries, their keys
     * and how many are written. Not by recursion: the nesting is the visitor's choice.
     *
     * @var list<array{0: array, 1: list<int|string>, 2: int, 3: bool}> the last: an object's
     */
    private array $open = [];

    /** Whether there is nothing to number, and serialize() itself can write each value. */
    private bool $plain;

    /** @param bool $plain there are certainly neither objects nor references in what will be written */
    public function __construct(bool $plain)
    {
        $this->sharing = new Sharing();
        // Never by a try: our StoredObjects would be two levels of nesting each, and the stack of
        // PHP's serialize() ends soon after the 4,096 that are allowed.
        $this->plain = $plain;
    }

    /** The root array of `php_serialize` takes a slot; in the other formats there is no root. */
    public function countRoot(): void
    {
        $this->sharing->skip(1);
    }

    /** `s:3:"key";`: a string value, or a key. */
    public static function text(string $text): string
    {
        return 's:' . strlen($text) . ':"' . $text . '";';
    }

    /** @param int|string $key */
    public function write(array $container, $key): string
    {
        if ($this->plain) {
            return serialize($container[$key]);
        }
        $this->text = '';
        $this->writeSlot($container, $key);
        while ($this->open !== []) {
            $top = count($this->open) - 1;
            [$entries, $keys, $at, $isObject] = $this->open[$top];
            if (!isset($keys[$at])) {
                array_pop($this->open);
                $this->text .= '}';
                continue;
            }
            $this->open[$top][2]++;
            $name = $keys[$at];
            if ($isObject) {
                // As it stood in the text.
                $this->text .= $name;
            } else {
                $this->text .= is_int($name) ? "i:$name;" : self::text($name);
            }
            $this->writeSlot($entries, $name);
        }

        return $this->text;
    }

    /**
     * Of an array or object only the beginning.
     *
     * @param int|string $key
     */
    private function writeSlot(array $container, $key): void
    {
        $again = $this->sharing->seen($container, $key);
        $value = $container[$key];
        if ($again !== null) {
            $this->text .= $again . ';';
        } elseif (is_array($value)) {
            $this->text .= 'a:' . count($value) . ':{';
            $this->open[] = [$value, array_keys($value), 0, false];
        } elseif ($value instanceof StoredObject) {
            $this->writeObject($value);
        } else {
            $this->text .= serialize($value);
        }
    }

    private function writeObject(StoredObject $object): void
    {
        if ($object->kind === StoredObject::ENUM) {
            $case = $object->class . ':' . $object->payload;
            $this->text .= 'E:' . strlen($case) . ':"' . $case . '";';

            return;
        }
        $this->text .= $object->kind . ':' . strlen($object->class) . ':"' . $object->class . '":';
        if ($object->kind === StoredObject::SERIALIZABLE) {
            $this->sharing->skip(SerializedReader::slotsWithin($object->payload));
            $this->text .= strlen($object->payload) . ':{' . $object->payload . '}';

            return;
        }
        $this->text .= count($object->entries) . ':{';
        $this->open[] = [$object->entries, array_keys($object->entries), 0, true];
    }
}
