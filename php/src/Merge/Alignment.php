<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/**
 * Which items of a list stayed when it became another one: the longest common subsequence, ties to
 * the earliest. Items are numbers, equal ones the same.
 */
final class Alignment
{
    /** Comparisons; beyond it lists are not taken apart. */
    private const LIMIT = 4000000;

    /** As many as an int holds besides its sign and a carry. */
    private const BITS = PHP_INT_SIZE * 8 - 2;
    private const ALL = (1 << self::BITS) - 1;

    /** @var array<int, int> by index of the base the index in the other list */
    private array $matches = [];

    /**
     * @param list<int> $base
     * @param list<int> $side
     * @return array<int, int>|null by index of the base the index in the other list; null if it
     *                              would take more than four million comparisons
     */
    public static function of(array $base, array $side): ?array
    {
        $self = new self();
        $head = 0;
        while (isset($base[$head], $side[$head]) && $base[$head] === $side[$head]) {
            $self->matches[$head] = $head;
            $head++;
        }
        // What stands in one list only is in no common subsequence.
        $base = array_slice($base, $head, null, true);
        $side = array_slice($side, $head, null, true);
        $inBase = array_flip($base);
        $inSide = array_flip($side);
        $base = array_filter($base, static function (int $item) use ($inSide): bool {
            return isset($inSide[$item]);
        });
        $side = array_filter($side, static function (int $item) use ($inBase): bool {
            return isset($inBase[$item]);
        });
        $self->matchTail($base, $side);
        if (count($base) * count($side) > self::LIMIT) {
            return null;
        }
        if ($base !== []) {
            $self->align(array_keys($base), array_values($base), array_keys($side), array_values($side));
        }
        ksort($self->matches);

        return $self->matches;
    }

    /**
     * Only while there is no other item that the last ones could be matched with.
     *
     * @param array<int, int> $base
     * @param array<int, int> $side
     */
    private function matchTail(array &$base, array &$side): void
    {
        $inBase = array_count_values($base);
        $inSide = array_count_values($side);
        while ($base !== [] && $side !== []) {
            $item = end($base);
            if ($item !== end($side) || $inBase[$item] > 1 || $inSide[$item] > 1) {
                break;
            }
            $this->matches[key($base)] = key($side);
            array_pop($base);
            array_pop($side);
        }
    }

    /**
     * @param list<int> $baseAt where each item of the base stands in the whole list
     * @param list<int> $base
     * @param list<int> $sideAt
     * @param list<int> $side
     */
    private function align(array $baseAt, array $base, array $sideAt, array $side): void
    {
        $width = intdiv(count($side) + self::BITS - 1, self::BITS);
        $rows = self::rows($base, $side, $width);
        /** @var array<int, list<int>> the places of each item, the earliest last */
        $places = [];
        for ($at = count($side) - 1; $at >= 0; $at--) {
            $places[$side[$at]][] = $at;
        }
        $length = count($base);
        $from = 0;
        $left = self::common($rows, $length * $width, count($side));
        for ($at = 0; $left > 0; $at++) {
            $item = $base[$at];
            while (isset($places[$item]) && $places[$item] !== [] && end($places[$item]) < $from) {
                array_pop($places[$item]);
            }
            if ($places[$item] === []) {
                continue;
            }
            $next = end($places[$item]);
            if (1 + self::common($rows, ($length - $at - 1) * $width, count($side) - $next - 1) === $left) {
                $this->matches[$baseAt[$at]] = $sideAt[$next];
                $from = $next + 1;
                $left--;
            }
        }
    }

    /**
     * The table of the longest common subsequences of what is left of both lists, read from the
     * end: one row of bits for each item of the base, of which those that are 0 are where the
     * length grows by one (Hyyrö, Bit-Parallel LCS-length Computation Revisited, 2004).
     *
     * @param list<int> $base
     * @param list<int> $side
     * @return list<int> the rows one behind the other, that of no items first
     */
    private static function rows(array $base, array $side, int $width): array
    {
        $masks = [];
        for ($last = count($side) - 1, $at = $last; $at >= 0; $at--) {
            $word = intdiv($last - $at, self::BITS);
            $masks[$side[$at]][$word] = ($masks[$side[$at]][$word] ?? 0) | 1 << ($last - $at) % self::BITS;
        }
        $rows = $row = array_fill(0, $width, self::ALL);
        for ($at = count($base) - 1; $at >= 0; $at--) {
            $word = 0;
            $carry = 0;
            foreach ($masks[$base[$at]] as $marked => $mask) {
                for (; $carry === 1 && $word < $marked; $word++) {
                    $sum = $row[$word] + 1;
                    $carry = $sum >> self::BITS;
                    $row[$word] |= $sum & self::ALL;
                }
                $word = $marked;
                $sum = $row[$word] + ($row[$word] & $mask) + $carry;
                $carry = $sum >> self::BITS;
                $row[$word] = ($sum & self::ALL) | ($row[$word] & ~$mask);
                $word++;
            }
            for (; $carry === 1 && $word < $width; $word++) {
                $sum = $row[$word] + 1;
                $carry = $sum >> self::BITS;
                $row[$word] |= $sum & self::ALL;
            }
            foreach ($row as $bits) {
                $rows[] = $bits;
            }
        }

        return $rows;
    }

    /**
     * @param list<int> $rows
     * @param int       $at    where a row begins
     * @param int       $count how many items of the side, from its end
     */
    private static function common(array $rows, int $at, int $count): int
    {
        $common = $count;
        for (; $count >= self::BITS; $count -= self::BITS) {
            $common -= substr_count(decbin($rows[$at++]), '1');
        }
        if ($count > 0) {
            $common -= substr_count(decbin($rows[$at] & ((1 << $count) - 1)), '1');
        }

        return $common;
    }
}
