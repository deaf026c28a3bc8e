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

    public function __construct()
    {
        $this->sharing = new Sharing();
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
