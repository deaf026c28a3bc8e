<?php

/**
 * As much of a test framework as these tests need, so that they run with nothing but PHP: in any
 * version's container, without Composer.
 */

declare(strict_types=1);

namespace PhpSessionBridge\Tests;

use RuntimeException;

require_once __DIR__ . '/../autoload.php';

error_reporting(E_ALL);

/** Every notice is a failure, unless the code silenced it or handles it itself. */
set_error_handler(static function (int $level, string $message, string $file, int $line): bool {
    if ((error_reporting() & $level) !== 0) {
        throw new RuntimeException("$message ($file:$line)");
    }

    return true;
});

final class Tests
{
    /** @var array<string, callable> */
    public static array $all = [];
}

function test(string $name, callable $body): void
{
    if (isset(Tests::$all[$name])) {
        throw new RuntimeException("Two tests are called '$name'");
    }
    Tests::$all[$name] = $body;
}

/**
 * @param mixed $expected
 * @param mixed $actual
 */
function same($expected, $actual, string $what = ''): void
{
    if ($expected !== $actual) {
        $what = $what === '' ? '' : "$what: ";
        throw new RuntimeException($what . 'expected ' . show($expected) . ', got ' . show($actual));
    }
}

/** @param mixed $value */
function show($value): string
{
    return is_string($value) ? addcslashes($value, "\0..\37\177..\377") : var_export($value, true);
}

/** The exception's message, if the body throws one of the class. */
function throws(string $class, callable $body): string
{
    try {
        $body();
    } catch (\Throwable $exception) {
        same(true, $exception instanceof $class, get_class($exception) . ' ' . $exception->getMessage());

        return $exception->getMessage();
    }
    throw new RuntimeException("No $class was thrown");
}
