<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

use PhpSessionBridge\Format\StoredObject;
use ReflectionReference;

/**
 * Recognises, during one walk, what was met before: the second holder of a PHP reference, the
 * second place of one object. Counts places as serialize() counts its slots.
 */
final class Sharing
{
    /** What a version may hold: nothing in two places, … */
    public const NONE = 0;

    /** … one object in several places, … */
    public const OBJECTS = 1;

    /** … or PHP references as well. */
    public const REFERENCES = 2;

    /** @var array<string, int> slot number by identity */
    private array $numbers = [];
    private int $count = 0;

    /** Slots that something outside the walk takes. */
    public function skip(int $slots): void
    {
        $this->count += $slots;
    }

    /**
     * null at the first meeting, else `R:3` (the place is a reference) or `r:3` (it holds the object).
     *
     * @param int|string $key
     */
    public function seen(array $container, $key): ?string
    {
        $this->count++;
        $reference = ReflectionReference::fromArrayElement($container, $key);
        // serialize() looks references to objects up by the object.
        $identity = self::objectIdentity($container[$key]) ?? ($reference === null ? null : $reference->getId());
        if ($identity === null) {
            return null;
        }
        $number = $this->numbers[$identity] ?? null;
        if ($number === null) {
            $this->numbers[$identity] = $this->count;

            return null;
        }
        if ($reference === null) {
            return "r:$number";
        }
        // As in serialize(): a second holder of a reference takes no slot.
        $this->count--;

        return "R:$number";
    }

    /** Whether the value is a case of an enum: one object for all, and yet a mere value. */
    public static function isEnum(object $object): bool
    {
        return $object instanceof StoredObject
            ? $object->kind === StoredObject::ENUM
            : $object instanceof \UnitEnum;
    }

    /** @param mixed $value */
    private static function objectIdentity($value): ?string
    {
        if (!is_object($value)) {
            return null;
        }

        return $value instanceof StoredObject && $value->kind === StoredObject::ENUM
            ? 'enum ' . strtolower($value->class) . ':' . $value->payload
            : 'object ' . spl_object_id($value);
    }
}
