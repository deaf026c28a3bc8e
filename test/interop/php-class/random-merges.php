<?php

/**
 * Random sessions that two sides changed, and what the PHP save handler makes of them: one JSON
 * line each, with texts of php_serialize in base64. `php random-merges.php <seed> <count>`
 */

declare(strict_types=1);

use PhpSessionBridge\Format\Formats;
use PhpSessionBridge\Merge\Merge;

require __DIR__ . '/../../../php/autoload.php';

[$seed, $count] = array_slice($argv, -2);
mt_srand((int) $seed);
ini_set('serialize_precision', '-1');

const NAMES = ['a', 'b', 'c', 'd', 'e', "\xFF", '한'];

function pick(array $from)
{
    return $from[mt_rand(0, count($from) - 1)];
}

/** @return mixed */
function value(int $depth)
{
    switch (mt_rand(0, $depth > 0 ? 11 : 6)) {
        case 0:
            return mt_rand(-2, 2);
        case 1:
            return mt_rand(0, 2) / 2;
        case 2:
            return pick(['', 'x', '1', "\xC3", '한글']);
        case 3:
            return pick([true, false, null]);
        case 4:
        case 5:
            return mt_rand(0, 3);
        case 6:
            return [];
        case 7:
        case 8:
            $list = [];
            for ($length = mt_rand(0, 3); $length > 0; $length--) {
                $list[] = value($depth - 1);
            }

            return $list;
        case 9:
            return pick([[5 => value(0)], ['m' => value(0), 0 => value(0)]]);
        case 10:
            $object = (object) ['v' => value(0)];

            return $object;
        default:
            return map($depth - 1);
    }
}

function map(int $depth): array
{
    $map = [];
    for ($length = mt_rand(0, 4); $length > 0; $length--) {
        $map[pick(NAMES)] = value($depth);
    }

    return $map;
}

/** Changes a map here and there, sharing included. */
function change(array &$map, int $depth): void
{
    for ($changes = mt_rand(0, 3); $changes > 0; $changes--) {
        $name = pick(NAMES);
        switch (mt_rand(0, 8)) {
            case 0:
                unset($map[$name]);
                break;
            case 1:
            case 2:
                $map[$name] = value($depth);
                break;
            case 3:
            case 4:
                if (isset($map[$name]) && is_array($map[$name]) && array_keys($map[$name]) === array_keys(array_values($map[$name]))) {
                    $map[$name][] = value(0);
                }
                break;
            case 5:
            case 6:
                if (isset($map[$name]) && is_array($map[$name]) && $depth > 0) {
                    change($map[$name], $depth - 1);
                }
                break;
            case 7:
                $other = pick(NAMES);
                if ($other !== $name && isset($map[$name]) && mt_rand(0, 1) === 1) {
                    $map[$other] = &$map[$name];
                }
                break;
            default:
                $other = pick(NAMES);
                if (isset($map[$name]) && is_object($map[$name])) {
                    $map[$other] = $map[$name];
                }
        }
    }
}

$format = Formats::of('php_serialize');
for ($case = 0; $case < (int) $count; $case++) {
    $base = map(3);
    change($base, 2);
    $base = serialize($base);
    $sides = [];
    foreach (['ours', 'theirs'] as $side) {
        $variables = unserialize($base);
        change($variables, 3);
        $sides[$side] = serialize($variables);
    }
    $merge = new Merge();
    $decoded = array_map([$format, 'decode'], [$base, $sides['ours'], $sides['theirs']]);
    $merged = $format->encode($merge->merge(...$decoded));
    $texts = ['base' => $base] + $sides + ['merged' => $merged];
    $conflicts = array_map(static function (array $conflict): array {
        return [base64_encode($conflict['path']), $conflict['resolution']];
    }, $merge->conflicts());
    echo json_encode(array_map('base64_encode', $texts) + ['conflicts' => $conflicts], JSON_THROW_ON_ERROR), "\n";
}
