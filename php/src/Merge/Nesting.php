<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

use PhpSessionBridge\Format\UnreadableSession;

/**
 * How deep arrays may stand in arrays. igbinary can make an array that holds itself without being
 * a reference: it has no end, and nothing else tells it from one that is merely deep. Objects and
 * references need no limit, for each is entered once.
 */
final class Nesting
{
    /** Arrays within $_SESSION, or within an object: PHP's own unserialize_max_depth. */
    private const LIMIT = 4096;

    /**
     * @param int $arrays how many arrays stand in each other
     * @throws UnreadableSession
     */
    public static function check(int $arrays): void
    {
        if ($arrays > self::LIMIT) {
            throw new UnreadableSession('The session holds an array within more than 4,096 others, or within itself');
        }
    }
}
