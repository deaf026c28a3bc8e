<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/** Whether the stored session still is the one that was read, whatever has changed in it. */
final class Verdict
{
    public const OK = 'ok';

    /** It was destroyed meanwhile. */
    public const GONE = 'gone';

    /** Another login stands under the same id. */
    public const REPLACED = 'replaced';

    /**
     * @param array|null $base   the variables that were read, null if there was no session
     * @param array|null $theirs the variables that are stored now
     */
    public static function of(?array $base, ?array $theirs, Identity $identity): string
    {
        if ($theirs === null) {
            return $base === null ? self::OK : self::GONE;
        }
        if ($base !== null && $base !== [] && array_intersect_key($base, $theirs) === []) {
            return self::REPLACED;
        }

        return $identity->isSame($base ?? [], $theirs) ? self::OK : self::REPLACED;
    }
}
