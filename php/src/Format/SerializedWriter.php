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

    /** Whether there is nothing to number, and serialize() itself can write each value. */
    private bool $plain;

    /** @param array<int|string, mixed> $variables all that will be written */
    public function __construct(array $variables)
    {
        $this->sharing = new Sharing();
        // What the text shows of our own StoredObject is an object, too.
        $this->plain = preg_match('/[;{][OCErR]:[0-9]/', serialize($variables)) === 0;
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
        $again = $this->sharing->seen($container, $key);
        if ($again !== null) {
            return $again . ';';
        }
        $value = $container[$key];
        if (is_array($value)) {
            $body = '';
            foreach ($value as $name => $unused) {
                $body .= (is_int($name) ? "i:$name;" : self::text($name)) . $this->write($value, $name);
            }

            return 'a:' . count($value) . ':{' . $body . '}';
        }

        return $value instanceof StoredObject ? $this->object($value) : serialize($value);
    }

    private function object(StoredObject $object): string
    {
        if ($object->kind === StoredObject::ENUM) {
            $case = $object->class . ':' . $object->payload;

            return 'E:' . strlen($case) . ':"' . $case . '";';
        }
        $head = $object->kind . ':' . strlen($object->class) . ':"' . $object->class . '":';
        if ($object->kind === StoredObject::SERIALIZABLE) {
            $this->sharing->skip(SerializedReader::slotsWithin($object->payload));

            return $head . strlen($object->payload) . ':{' . $object->payload . '}';
        }
        $body = '';
        foreach ($object->entries as $key => $unused) {
            $body .= $key . $this->write($object->entries, $key);
        }

        return $head . count($object->entries) . ':{' . $body . '}';
    }
}
