<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/** What the keys of an array make of it. */
final class Kind
{
    public const EMPTY = 0;

    /** Keys 0 to n - 1, in order. */
    public const LIST = 1;

    /** What unset() and array_filter() leave of a list: integer keys from 0 on that only rise. */
    public const SPARSE = 2;

    /** Nothing but string keys. */
    public const NAMED = 3;

    /** Any other map. */
    public const MIXED = 4;

    public static function of(array $array): int
    {
        if ($array === []) {
            return self::EMPTY;
        }
        $kind = self::LIST;
        $expected = 0;
        foreach ($array as $key => $unused) {
            if (is_string($key)) {
                if ($expected > 0 || $kind === self::SPARSE) {
                    return self::MIXED;
                }
                $kind = self::NAMED;
            } elseif ($kind === self::NAMED || $key < $expected) {
                return self::MIXED;
            } elseif ($key > $expected) {
                $kind = self::SPARSE;
                $expected = $key + 1;
            } else {
                $expected++;
            }
        }

        return $kind;
    }
}
