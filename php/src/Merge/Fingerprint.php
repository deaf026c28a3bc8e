<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

use PhpSessionBridge\Format\StoredObject;

/**
 * A text that is the same for two sets of slots exactly when their values, PHP types, order and
 * sharing are the same. Objects are compared by class and properties without calling their code.
 */
final class Fingerprint
{
    private Sharing $sharing;

    private function __construct()
    {
        $this->sharing = new Sharing();
    }

    /**
     * @param array<int|string, mixed> $container
     * @param list<int|string>         $keys      those that are absent are left out
     * @param bool                     $plain     there are certainly no objects and no references
     */
    public static function of(array $container, array $keys, bool $plain = false): string
    {
        $self = new self();
        $text = '';
        foreach ($keys as $key) {
            if (array_key_exists($key, $container)) {
                $text .= serialize($key);
                $text .= $plain && is_array($container[$key])
                    ? self::plain($container[$key])
                    : $self->slot($container, $key);
            }
        }

        return $text;
    }

    /** serialize() shows all but the bits of a float that serialize_precision cuts off. */
    private static function plain(array $value): string
    {
        $before = ini_set('serialize_precision', '17');
        try {
            return serialize($value);
        } finally {
            ini_set('serialize_precision', (string) $before);
        }
    }

    /** @param int|string $key */
    private function slot(array $container, $key): string
    {
        $value = $container[$key];
        $again = $this->sharing->seen($container, $key);
        if ($again !== null && !(is_object($value) && Sharing::isEnum($value))) {
            return $again . ';';
        }
        if (is_array($value)) {
            return 'a:' . $this->entries($value);
        }
        if (is_object($value)) {
            return $this->object($value);
        }

        // Bit by bit: serialize_precision may write two different floats alike.
        return is_float($value) ? 'd:' . bin2hex(pack('E', $value)) . ';' : serialize($value);
    }

    private function entries(array $values): string
    {
        $text = '{';
        foreach ($values as $key => $unused) {
            $text .= serialize($key) . $this->slot($values, $key);
        }

        return $text . '}';
    }

    private function object(object $object): string
    {
        if ($object instanceof StoredObject) {
            return serialize([$object->kind, $object->class, $object->payload]) . $this->entries($object->entries);
        }
        $class = get_class($object);
        if (Sharing::isEnum($object)) {
            return "E:$class:{$object->name};";
        }
        if (self::hidesItsState($object)) {
            return "O:$class:" . serialize($object);
        }

        return "O:$class:" . $this->entries((array) $object);
    }

    /** Classes written in C keep state that a cast to array does not show (SplObjectStorage, say). */
    private static function hidesItsState(object $object): bool
    {
        for ($class = new \ReflectionClass($object); $class !== false; $class = $class->getParentClass()) {
            if ($class->isInternal()) {
                return !in_array($class->getName(), ['stdClass', '__PHP_Incomplete_Class'], true);
            }
        }

        return false;
    }
}
