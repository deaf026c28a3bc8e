<?php

/** Sessions of every shape that a visitor can give them, by size: what was read, and what two sides made of it. */

declare(strict_types=1);

namespace PhpSessionBridge\Tests;

/**
 * By name: fn (int $size, int $side): array, side 0 being the base. Each side changes another half,
 * or all of it where that is said.
 *
 * @return array<string, callable>
 */
function shapes(): array
{
    $number = static function (int $index, int $side): int {
        return $side > 0 && $index % 2 === $side - 1 ? -$index - 1 : $index;
    };
    $filled = static function (int $size, callable $item): array {
        $items = [];
        for ($index = 0; $index < $size; $index++) {
            $items["k$index"] = $item($index);
        }

        return ['all' => $items];
    };

    return [
        'deep' => static function (int $size, int $side): array {
            $value = ['x' => $side];
            for ($level = 2; $level < $size; $level++) {
                $value = ['n' => $value];
            }

            return ['all' => $value];
        },
        'deep, tied at every level' => static function (int $size, int $side): array {
            $value = ['x' => $side];
            for ($level = 2; $level < $size; $level += 2) {
                $shared = $level;
                $value = ['n' => ['k' => $value, 'r' => &$shared], 'r' => &$shared];
                unset($shared);
            }

            return ['all' => $value];
        },
        'deep lists' => static function (int $size, int $side): array {
            $value = [$side];
            for ($level = 2; $level < $size; $level++) {
                $value = [1, $value, 2];
            }

            return ['all' => $value];
        },
        'wide' => static function (int $size, int $side) use ($filled, $number): array {
            return $filled($size, static function (int $index) use ($number, $side): int {
                return $number($index, $side);
            });
        },
        'int keys' => static function (int $size, int $side) use ($filled, $number): array {
            $map = [];
            for ($index = 0; $index < $size; $index++) {
                $map[7 + 3 * $index] = $number($index, $side);
            }

            return ['all' => $map];
        },
        'all in conflict' => static function (int $size, int $side) use ($filled): array {
            return $filled($size, static function (int $index) use ($side): int {
                return $index * 3 + $side;
            });
        },
        'all deleted or changed' => static function (int $size, int $side) use ($filled): array {
            return $side === 1 ? ['all' => ['x' => 1]] : $filled($size, static function (int $index) use ($side): int {
                return $index * 3 + $side;
            });
        },
        'floats' => static function (int $size, int $side) use ($filled, $number): array {
            return $filled($size, static function (int $index) use ($number, $side): float {
                return $number($index, $side) + 0.1;
            });
        },
        'maps' => static function (int $size, int $side) use ($filled, $number): array {
            return $filled(intdiv($size, 3), static function (int $index) use ($number, $side): array {
                return ['id' => $index, 'name' => "name $index", 'n' => $number($index, $side)];
            });
        },
        'objects' => static function (int $size, int $side) use ($filled, $number): array {
            return $filled($size, static function (int $index) use ($number, $side): object {
                return (object) ['v' => $number($index, $side)];
            });
        },
        'one object everywhere' => static function (int $size, int $side) use ($filled): array {
            $object = (object) ['v' => $side];

            return $filled($size, static function () use ($object): object {
                return $object;
            });
        },
        'pairs of references' => static function (int $size, int $side) use ($number): array {
            $items = [];
            for ($index = 0; $index < $size; $index += 2) {
                $value = $number($index >> 1, $side);
                $items["a$index"] = &$value;
                $items["b$index"] = &$value;
                unset($value);
            }

            return ['all' => $items];
        },
        'a list' => static function (int $size, int $side) use ($number): array {
            return ['all' => array_map(static function (int $index) use ($number, $side): int {
                return $number($index, $side);
            }, range(0, $size - 1))];
        },
        'a list, appended to' => static function (int $size, int $side): array {
            return ['all' => array_merge(range(1, $size), $side === 0 ? [] : range(-$size * $side, -$size * $side + 9))];
        },
        'a list in another order' => static function (int $size, int $side): array {
            $items = range(1, $size);
            if ($side > 0) {
                mt_srand($side);
                shuffle($items);
            }

            return ['all' => $items];
        },
        'a list of one value' => static function (int $size, int $side): array {
            return ['all' => array_merge([10 + $side], array_fill(0, $size + 10 * $side, 1), [20 + $side])];
        },
        'a list of maps' => static function (int $size, int $side) use ($number): array {
            $items = [];
            for ($index = 0; $index < $size; $index += 3) {
                $items[] = ['id' => $index, 'name' => "name $index", 'n' => $number(intdiv($index, 3), $side)];
            }

            return ['all' => $items];
        },
    ];
}
