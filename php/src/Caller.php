<?php

declare(strict_types=1);

namespace PhpSessionBridge;

/** On whose behalf PHP called the save handler: it does not say, but the stack does. */
final class Caller
{
    private const DECODE = ['session_start', 'session_decode', 'session_reset'];
    private const DESTROY = ['session_destroy', 'session_regenerate_id'];

    /** Whether PHP destroys a session on its own account, because it could not decode it. */
    public static function isDecoding(): bool
    {
        // Other save handlers may be wrapped around this one: PHP's own function is further up.
        foreach (debug_backtrace(DEBUG_BACKTRACE_IGNORE_ARGS, 32) as $frame) {
            if (isset($frame['class'])) {
                continue;
            }
            if (in_array($frame['function'], self::DESTROY, true)) {
                return false;
            }
            if (in_array($frame['function'], self::DECODE, true)) {
                return true;
            }
        }

        return false;
    }
}
