<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/** Which way two arrays are merged: by key, as lists, or not at all. */
final class Arrays
{
    /**
     * @param Slots|null $base   null where the base has no array that can be looked into
     * @param Slots|null $ours   differs from base and theirs
     * @param Slots|null $theirs differs from base
     * @return Part|null null: they are one conflict
     */
    public static function merge(?Slots $base, ?Slots $ours, ?Slots $theirs, Path $path, Decisions $decisions): ?Part
    {
        if ($ours === null || $theirs === null) {
            return null;
        }
        $b = $base === null ? Kind::EMPTY : Kind::of($base->values);
        $o = Kind::of($ours->values);
        $t = Kind::of($theirs->values);
        $named = self::isNamed($o) && self::isNamed($t);
        if ($named || ($b !== Kind::LIST && (self::isMap($o) || self::isMap($t)))) {
            $base = $base === null || !self::isMap($b) ? $ours->none() : $base;

            return new MapMerge($base, $ours, $theirs, $path, $decisions);
        }
        if (self::isMap($b) || !self::isListOf($b, $o) || !self::isListOf($b, $t)) {
            return null;
        }
        if ($ours->ties !== null || $theirs->ties !== null || ($base !== null && $base->ties !== null)) {
            return null;
        }
        $steps = $base === null
            ? self::oneAfterTheOther($ours->numbers(), $theirs->numbers())
            : ListDifference::of($base->numbers(), $ours->numbers(), $theirs->numbers());

        return $steps === null
            ? null
            : new ListMerge($base ?? $ours->none(), $ours, $theirs, $steps, $path, $decisions);
    }

    /**
     * Two lists that only grew: both sides' new items are kept, theirs first, equal ones twice.
     *
     * @return array|null null if that is not how they came about
     */
    public static function appended(?Slots $base, ?Slots $ours, ?Slots $theirs): ?array
    {
        if ($base === null || $ours === null || $theirs === null) {
            return null;
        }
        $length = count($base->values);
        if (count($ours->values) <= $length || count($theirs->values) <= $length) {
            return null;
        }
        $b = Kind::of($base->values);
        if (self::isMap($b) || !self::isListOf($b, Kind::of($ours->values)) || !self::isListOf($b, Kind::of($theirs->values))) {
            return null;
        }
        if (!self::begins($base, $ours) || !self::begins($base, $theirs) || !self::standsAlone($length, $ours)) {
            return null;
        }
        $merged = [];
        foreach (array_keys($theirs->values) as $key) {
            $theirs->copy($key, $merged, null);
        }
        foreach (array_slice(array_keys($ours->values), $length) as $key) {
            $ours->copy($key, $merged, null);
        }

        return $merged;
    }

    /** Whether a list begins with all items of the base, and what ties these to each other. */
    private static function begins(Slots $base, Slots $list): bool
    {
        $length = count($base->values);
        if ($base->ties !== null || $list->ties !== null) {
            return $base->number() === $list->head($length)->number();
        }
        $index = 0;
        foreach ($list->values as $key => $unused) {
            if ($index === $length) {
                break;
            }
            if (!$list->equals($key, $base, $index++)) {
                return false;
            }
        }

        return true;
    }

    /** What was appended must not be tied to an item before it: that one stays behind. */
    private static function standsAlone(int $length, Slots $list): bool
    {
        if ($list->ties === null) {
            return true;
        }
        $places = array_flip(array_keys($list->values));
        foreach ($list->ties->groups(array_keys($list->values)) as $group) {
            if ($places[$group[0]] < $length && $places[end($group)] >= $length) {
                return false;
            }
        }

        return true;
    }

    /**
     * Without a base: what both begin with stands once.
     *
     * @param list<int> $ours
     * @param list<int> $theirs
     * @return list<array> steps as of a ListDifference
     */
    private static function oneAfterTheOther(array $ours, array $theirs): array
    {
        $steps = [];
        foreach ($theirs as $at => $unused) {
            $steps[] = [ListDifference::TAKE, Merge::THEIRS, $at];
        }
        $head = 0;
        while (isset($ours[$head], $theirs[$head]) && $ours[$head] === $theirs[$head]) {
            $head++;
        }
        for ($at = $head; $at < count($ours); $at++) {
            $steps[] = [ListDifference::TAKE, Merge::OURS, $at];
        }

        return $steps;
    }

    private static function isNamed(int $kind): bool
    {
        return $kind === Kind::NAMED || $kind === Kind::EMPTY;
    }

    private static function isMap(int $kind): bool
    {
        return $kind >= Kind::SPARSE;
    }

    private static function isListOf(int $base, int $kind): bool
    {
        return $kind === Kind::LIST || $kind === Kind::EMPTY || ($kind === Kind::SPARSE && $base === Kind::LIST);
    }
}
