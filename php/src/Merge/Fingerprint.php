<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

use PhpSessionBridge\Format\StoredObject;
use PhpSessionBridge\Format\UnreadableSession;

/**
 * A text that is the same for two sets of slots exactly when their values, PHP types, order and
 * sharing are the same. Objects are compared by class and properties without calling their code.
 */
final class Fingerprint
{
    private Sharing $sharing;
    private string $text = '';

    /**
     * Containers, their keys, how many were read, and how many arrays the container stands in.
     *
     * @var list<array{0: array, 1: list<int|string>, 2: int, 3: int}>
     */
    private array $open = [];

    private function __construct()
    {
        $this->sharing = new Sharing();
    }

    /**
     * @param array<int|string, mixed> $container
     * @param list<int|string>         $keys      those that are absent are left out
     * @throws UnreadableSession if arrays are nested too deep
     */
    public static function of(array $container, array $keys): string
    {
        $self = new self();
        foreach ($keys as $key) {
            if (array_key_exists($key, $container)) {
                $self->text .= serialize($key);
                $self->slot($container, $key);
                $self->finish();
            }
        }

        return $self->text;
    }

    /**
     * The same of one slot, whatever its key.
     *
     * @param int|string $key
     * @throws UnreadableSession if arrays are nested too deep
     */
    public static function ofSlot(array $container, $key): string
    {
        $self = new self();
        $self->slot($container, $key);
        $self->finish();

        return $self->text;
    }

    /** @param mixed $value neither an array nor an object */
    public static function scalar($value): string
    {
        if (!is_float($value)) {
            return serialize($value);
        }

        // Bit by bit: serialize_precision may write two different floats alike.
        return is_nan($value) ? 'd:NAN;' : 'd:' . bin2hex(pack('E', $value)) . ';';
    }

    /** What is within what was begun; not by recursion, for the nesting is the visitor's choice. */
    private function finish(): void
    {
        while ($this->open !== []) {
            $top = count($this->open) - 1;
            [$container, $keys, $at] = $this->open[$top];
            if (!isset($keys[$at])) {
                array_pop($this->open);
                continue;
            }
            $this->open[$top][2]++;
            $this->text .= serialize($keys[$at]);
            $this->slot($container, $keys[$at]);
        }
    }

    /** @param int|string $key */
    private function slot(array $container, $key): void
    {
        $value = $container[$key];
        $again = $this->sharing->seen($container, $key);
        if ($again !== null && !(is_object($value) && Sharing::isEnum($value))) {
            $this->text .= $again . ';';
        } elseif (is_array($value)) {
            $this->text .= 'a:';
            $nesting = ($this->open[count($this->open) - 1][3] ?? 0) + 1;
            Nesting::check($nesting);
            $this->begin($value, $nesting);
        } elseif (is_object($value)) {
            $this->object($value);
        } else {
            $this->text .= self::scalar($value);
        }
    }

    /** The count goes first, so that no end needs a mark. */
    private function begin(array $values, int $nesting): void
    {
        $this->text .= count($values) . ':';
        $this->open[] = [$values, array_keys($values), 0, $nesting];
    }

    private function object(object $object): void
    {
        if ($object instanceof StoredObject) {
            $this->text .= serialize([$object->kind, $object->class, $object->payload]);
            $this->begin($object->entries, 0);

            return;
        }
        $class = get_class($object);
        if (Sharing::isEnum($object)) {
            $this->text .= "E:$class:{$object->name};";
        } elseif (self::hidesItsState($object)) {
            $this->text .= "O:$class:" . serialize($object);
        } else {
            $this->text .= "O:$class:";
            $this->begin((array) $object, 0);
        }
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
