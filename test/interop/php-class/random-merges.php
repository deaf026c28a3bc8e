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

/** Of these only the first few are in use: then both sides meet in the same places. */
function name(): string
{
    return NAMES[mt_rand(0, $GLOBALS['names'] - 1)];
}

function pick(array $from)
{
    return $from[mt_rand(0, count($from) - 1)];
}

/** @return mixed */
function value(int $depth)
{
    switch (mt_rand(0, $depth > 0 ? 13 : 6)) {
        case 0:
            return mt_rand(-2, 2);
        case 1:
            return mt_rand(0, 2) / 2;
        case 2:
            return pick(['', 'x', '1', "\xC3", '한글', -0.0, NAN, 1.5e300]);
        case 3:
            return pick([true, false, null]);
        case 4:
        case 5:
            return mt_rand(0, 3);
        case 6:
            return [];
        case 7:
        case 8:
        case 9:
            return items($depth - 1);
        case 10:
            return numbered($depth - 1);
        case 11:
            return (object) ['v' => value(0)];
        default:
            return map($depth - 1);
    }
}

/** A list: of few values, so that they repeat, or of anything. */
function items(int $depth): array
{
    $few = mt_rand(0, 2) > 0;
    $list = [];
    for ($length = mt_rand(0, 6); $length > 0; $length--) {
        $list[] = $few ? mt_rand(1, 4) : value($depth);
    }

    return $list;
}

/** Int keys: of products, with holes, in any order, below zero, beside names. */
function numbered(int $depth): array
{
    $map = [];
    for ($length = mt_rand(0, 4); $length > 0; $length--) {
        $map[pick([0, 1, 2, 3, 5, 7, 802, -1, 'm', '01'])] = value($depth);
    }

    return $map;
}

function map(int $depth): array
{
    $map = [];
    for ($length = mt_rand(0, 4); $length > 0; $length--) {
        $map[name()] = value($depth);
    }

    return $map;
}

function isList(array $array): bool
{
    return $array === [] || array_keys($array) === range(0, count($array) - 1);
}

/** What people do to lists; the last leave holes, or make no list of it. */
function changeItems(array &$list, int $depth): void
{
    for ($changes = mt_rand(1, 3); $changes > 0; $changes--) {
        $at = mt_rand(0, max(0, count($list) - 1));
        switch (mt_rand(0, 10)) {
            case 0:
            case 1:
                $list[] = mt_rand(0, 1) === 0 ? mt_rand(1, 4) : value($depth);
                break;
            case 2:
                array_splice($list, $at, mt_rand(0, 2));
                break;
            case 3:
                array_splice($list, $at, 0, [mt_rand(1, 4)]);
                break;
            case 4:
                array_splice($list, $at, 1, [mt_rand(1, 6)]);
                break;
            case 5:
                // Moves one.
                $moved = array_splice($list, $at, 1);
                array_splice($list, mt_rand(0, count($list)), 0, $moved);
                break;
            case 6:
                array_unshift($list, mt_rand(1, 4));
                break;
            case 7:
                if (isset($list[$at]) && is_array($list[$at])) {
                    changeArray($list[$at], $depth - 1);
                }
                break;
            case 8:
                unset($list[$at]);

                return;
            case 9:
                $list = mt_rand(0, 2) > 0 ? array_filter($list) : array_reverse($list, mt_rand(0, 3) === 0);

                return;
            default:
                $list = mt_rand(0, 3) === 0 ? [] : array_slice($list, 0, -1);
        }
    }
}

function changeNumbered(array &$map, int $depth): void
{
    for ($changes = mt_rand(1, 2); $changes > 0; $changes--) {
        $key = mt_rand(0, 3) > 0 && $map !== [] ? pick(array_keys($map)) : pick([0, 4, 7, 901, -1, 'n', '01']);
        switch (mt_rand(0, 3)) {
            case 0:
                unset($map[$key]);
                break;
            case 1:
                if (isset($map[$key]) && is_array($map[$key])) {
                    changeArray($map[$key], $depth - 1);
                    break;
                }
                // An int is counted up.
            default:
                $map[$key] = is_int($map[$key] ?? null) ? $map[$key] + 1 : value(max(0, $depth));
        }
    }
}

function changeArray(array &$array, int $depth): void
{
    $names = array_filter(array_keys($array), 'is_int') === [];
    if ($array !== [] && isList($array)) {
        changeItems($array, $depth);
    } elseif ($array === [] && mt_rand(0, 1) === 0) {
        mt_rand(0, 1) === 0 ? changeItems($array, $depth) : changeNumbered($array, $depth);
    } elseif (!$names) {
        changeNumbered($array, $depth);
    } else {
        change($array, max(0, $depth));
    }
}

/** Changes a map here and there, sharing included. */
function change(array &$map, int $depth): void
{
    for ($changes = mt_rand(1, 4); $changes > 0; $changes--) {
        $name = name();
        switch (mt_rand(0, 14)) {
            case 0:
                unset($map[$name]);
                break;
            case 1:
            case 2:
                $map[$name] = value($depth);
                break;
            case 3:
            case 4:
            case 5:
            case 6:
            case 7:
            case 8:
            case 9:
            case 10:
            case 11:
                if (isset($map[$name]) && is_array($map[$name])) {
                    changeArray($map[$name], $depth - 1);
                } elseif (mt_rand(0, 2) === 0) {
                    $map[$name] = items(1);
                }
                break;
            case 12:
                $other = name();
                if ($other !== $name && isset($map[$name]) && mt_rand(0, 1) === 1) {
                    $map[$other] = &$map[$name];
                }
                break;
            case 13:
                $other = name();
                if (isset($map[$name]) && is_object($map[$name])) {
                    $map[$other] = $map[$name];
                }
                break;
            default:
                // Two items of one list, or an item and a variable, become one reference.
                if (isset($map[$name]) && is_array($map[$name]) && count($map[$name]) > 1 && mt_rand(0, 2) === 0) {
                    $keys = array_keys($map[$name]);
                    if (mt_rand(0, 1) === 0) {
                        $map[$name][$keys[1]] = &$map[$name][$keys[0]];
                    } else {
                        $map[name()] = &$map[$name][$keys[0]];
                    }
                }
        }
    }
}

$format = Formats::of('php_serialize');
for ($case = 0; $case < (int) $count; $case++) {
    $names = pick([1, 1, 2, count(NAMES)]);
    $base = map(3);
    change($base, 2);
    if ($names === 1 && mt_rand(0, 2) > 0) {
        $base['a'] = pick(['items', 'items', 'numbered', 'map'])(2);
    }
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
