<?php

declare(strict_types=1);

namespace PhpSessionBridge\Tests;

use PhpSessionBridge\Format\Formats;
use PhpSessionBridge\Merge\Merge;

require_once __DIR__ . '/cost.php';

foreach (['php', 'igbinary', 'msgpack'] as $handler) {
    if ($handler !== 'php' && !extension_loaded($handler)) {
        continue;
    }
    foreach (shapes() as $name => $shape) {
        if (!canHold($handler, $name)) {
            continue;
        }
        // `php php/tests/cost.php` shows what it is: some tenths of a second at most. Where each
        // level looked at all that is below it, or each key at all others, it was tens of seconds.
        test("cost, $handler: $name", static function () use ($handler, $name, $shape): void {
            $cost = costOf($handler, $shape, sizesOf($handler, $name, 2000, 20000)[1], 1)['merge'];
            same(true, $cost < 5000, sprintf('%.0f ms', $cost));
        });
    }
}

foreach (['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'] as $handler) {
    if (strpos($handler, 'p') !== 0 && !extension_loaded($handler)) {
        continue;
    }
    test("cost, $handler: as deep as PHP allows, objects and references as well", static function () use ($handler): void {
        // unserialize_max_depth, and what the extension of msgpack allows.
        $depth = $handler === 'msgpack' ? 1000 : 4094;
        $nested = static function (int $side) use ($depth): array {
            $map = ['x' => $side];
            for ($level = 2; $level < $depth; $level++) {
                $map = ['n' => $map];
            }
            $object = (object) ['o' => $side];
            for ($level = 2; $level < $depth; $level++) {
                $object = (object) ['o' => $object];
            }

            return ['map' => $map, 'object' => $object, 'z' => $side];
        };
        $format = Formats::of($handler);
        $texts = array_map(static function (int $side) use ($format, $nested): string {
            return $format->encodeLive($nested($side));
        }, [0, 1, 2]);
        $merge = new Merge();
        $merged = $format->encode($merge->merge(...array_map([$format, 'decode'], $texts)));
        same($texts[1], $merged);
        same(
            [['path' => 'map' . str_repeat('.n', 11) . ' …(' . ($depth - 24) . ' more)… ' . str_repeat('.n', 11) . '.x',
                'resolution' => 'ours'],
                ['path' => 'object', 'resolution' => 'ours'], ['path' => 'z', 'resolution' => 'ours']],
            $merge->conflicts()
        );
    });
}

test('cost: lists that take more than four million comparisons are one conflict', static function (): void {
    foreach ([2000 => 'l[0]', 2001 => 'l'] as $length => $path) {
        // Neither the head nor the tail can be matched at once, and all but the head is in both.
        $rest = array_merge(range(1, $length - 2), [0, 0]);
        $merge = new Merge();
        $merged = $merge->merge(
            ['l' => array_merge([-1], $rest)],
            ['l' => array_merge([-2], $rest)],
            ['l' => array_merge([-3], $rest, [-7])]
        );
        same([['path' => $path, 'resolution' => 'ours']], $merge->conflicts());
        same(array_merge([-2], $rest, $length === 2000 ? [-7] : []), $merged['l']);
    }
});

// PHP's hash of a string has no seed: `Ez` and `FY` are alike to it, and so is all that is made of them.
foreach ([
    'strings' => static function (int $index, bool $alike): string {
        return strtr(sprintf('%014b', $index), ['Ez', $alike ? 'FY' : 'FZ']);
    },
    'integers' => static function (int $index, bool $alike): int {
        return $index * ($alike ? 1 << 32 : 1);
    },
] as $type => $item) {
    test("cost: a list of $type that PHP's hash takes for the same", static function () use ($item): void {
        $cost = static function (bool $alike) use ($item): float {
            $list = [];
            for ($index = 0; $index < 1 << 14; $index++) {
                $list[] = $item($index, $alike);
            }
            $ours = array_slice($list, 1);
            $theirs = array_slice($list, 0, -1);
            $started = hrtime(true);
            $merged = (new Merge())->merge(['l' => $list], ['l' => $ours], ['l' => $theirs]);
            $cost = (hrtime(true) - $started) / 1e6;
            same(['l' => array_slice($list, 1, -1)], $merged);

            return $cost;
        };
        $usual = $cost(false);
        $alike = $cost(true);
        // It was twenty times as much.
        same(true, $alike < 5 * $usual + 100, sprintf('%.0f ms, usually %.0f ms', $alike, $usual));
    });
}
