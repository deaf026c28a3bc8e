<?php

/**
 * What a merge costs, beside the decoding of its three inputs by the same class:
 * `php php/tests/cost.php [handler [part of a shape's name]]`. Times of one run, the best of five.
 */

declare(strict_types=1);

namespace PhpSessionBridge\Tests;

use PhpSessionBridge\Format\Formats;
use PhpSessionBridge\Merge\Merge;

require_once __DIR__ . '/../autoload.php';
require_once __DIR__ . '/shapes.php';

/** What a handler can hold at all: [greatest depth, whether references]. */
const HANDLERS = [
    'php' => [4090, true],
    'php_binary' => [4090, true],
    'php_serialize' => [4090, true],
    'igbinary' => [4090, true],
    'msgpack' => [1000, false],
];

/**
 * @return array{decode: float, merge: float, bytes: int} milliseconds
 */
function costOf(string $handler, callable $shape, int $size, int $rounds): array
{
    $format = Formats::of($handler);
    $texts = [];
    foreach ([0, 1, 2] as $side) {
        $texts[] = $format->encodeLive($shape($size, $side));
    }
    $cost = ['decode' => INF, 'merge' => INF, 'bytes' => strlen($texts[0])];
    for ($round = 0; $round < $rounds; $round++) {
        $started = hrtime(true);
        $versions = array_map([$format, 'decode'], $texts);
        $cost['decode'] = min($cost['decode'], (hrtime(true) - $started) / 1e6);
        $versions[] = max(array_map([$format, 'sharing'], $texts));
        $started = hrtime(true);
        (new Merge())->merge(...$versions);
        $cost['merge'] = min($cost['merge'], (hrtime(true) - $started) / 1e6);
    }

    return $cost;
}

/** Whether the handler, or PHP's extension for it, can hold the shape. */
function canHold(string $handler, string $name): bool
{
    return HANDLERS[$handler][1] || (strpos($name, 'tied') === false && strpos($name, 'references') === false);
}

function sizesOf(string $handler, string $name, int $small, int $large): array
{
    // Ten times as deep as well, within what the handler allows.
    return strpos($name, 'deep') === 0
        ? [intdiv(HANDLERS[$handler][0], 10), HANDLERS[$handler][0]]
        : [$small, $large];
}

if (realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__) {
    ini_set('memory_limit', '1G');
    printf("%-14s %-26s %8s %9s %11s %10s %8s %13s\n", 'handler', 'shape', 'size', 'bytes', 'decode ms', 'merge ms', 'x decode', 'x for 10 x');
    foreach (array_keys(HANDLERS) as $handler) {
        if (($argv[1] ?? $handler) !== $handler || (strpos($handler, 'p') !== 0 && !extension_loaded($handler))) {
            continue;
        }
        foreach (shapes() as $name => $shape) {
            if (!canHold($handler, $name) || strpos($name, $argv[2] ?? '') === false) {
                continue;
            }
            $before = null;
            foreach (sizesOf($handler, $name, 2000, 20000) as $size) {
                $cost = costOf($handler, $shape, $size, 5);
                printf(
                    "%-14s %-26s %8d %9d %11.2f %10.2f %8.1f %13s\n",
                    $handler,
                    $name,
                    $size,
                    $cost['bytes'],
                    $cost['decode'],
                    $cost['merge'],
                    $cost['merge'] / $cost['decode'],
                    $before === null ? '' : sprintf('%.1f', $cost['merge'] / $before)
                );
                $before = $cost['merge'];
            }
        }
    }
}
