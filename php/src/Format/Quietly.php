<?php

declare(strict_types=1);

namespace PhpSessionBridge\Format;

use Throwable;

/** Runs a decoder that reports failure by notices, or by exceptions of the classes it wakes up. */
final class Quietly
{
    /**
     * @return mixed false on failure
     */
    public static function call(callable $decoder)
    {
        // Not the `@` operator: an application's error handler would still be called.
        set_error_handler(static function (): bool {
            return true;
        });
        try {
            return $decoder();
        } catch (Throwable $exception) {
            return false;
        } finally {
            restore_error_handler();
        }
    }
}
