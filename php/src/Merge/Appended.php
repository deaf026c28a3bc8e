<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

use ReflectionReference;

/** Two lists that only grew: both sides' new elements are kept, theirs first. */
final class Appended
{
    /**
     * Whether both sides appended at least one element to the list they started from.
     *
     * @param mixed $base
     * @param mixed $ours
     * @param mixed $theirs
     * @param bool  $plain  there are certainly no objects and no references in any of them
     */
    public static function both($base, $ours, $theirs, bool $plain = false): bool
    {
        return self::isList($base) && self::grew($base, $ours, $plain) && self::grew($base, $theirs, $plain)
            && ($plain || self::standsAlone(count($base), $ours));
    }

    public static function merge(array $base, array $ours, array $theirs): array
    {
        $merged = $theirs;
        for ($index = count($base); $index < count($ours); $index++) {
            if (ReflectionReference::fromArrayElement($ours, $index) === null) {
                $merged[] = $ours[$index];
            } else {
                $merged[] = &$ours[$index];
            }
        }

        return $merged;
    }

    /** @param mixed $value */
    private static function isList($value): bool
    {
        return is_array($value) && ($value === [] || array_keys($value) === range(0, count($value) - 1));
    }

    /** @param mixed $list */
    private static function grew(array $base, $list, bool $plain): bool
    {
        if (!self::isList($list) || count($list) <= count($base)) {
            return false;
        }
        $head = array_slice($list, 0, count($base));

        return Fingerprint::of([$head], [0], $plain) === Fingerprint::of([$base], [0], $plain);
    }

    /** What was appended must not be tied to an element before it: that one stays behind. */
    private static function standsAlone(int $length, array $list): bool
    {
        $groups = TiedKeys::representatives($list);
        $head = array_flip(array_slice($groups, 0, $length));

        return array_intersect_key(array_flip(array_slice($groups, $length)), $head) === [];
    }
}
