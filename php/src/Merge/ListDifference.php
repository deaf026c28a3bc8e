<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/**
 * The three-way difference of lists: what both sides did to the items of the base, as steps that
 * make the merged list. Items are numbers here, equal ones the same.
 */
final class ListDifference
{
    /** Steps: [TAKE, one of Merge::OURS and THEIRS, place], … */
    public const TAKE = 0;

    /** … [LOST, index, resolution]: what became of an item of the base, to be reported, … */
    public const LOST = 1;

    /** … [PAIR, index, place in ours, place in theirs]: both changed this item, … */
    public const PAIR = 2;

    /** … [REWRITE, places in ours, places in theirs]: both made something else of several items. */
    public const REWRITE = 3;

    /** @var list<int> */
    private array $base;
    private Changes $ours;
    private Changes $theirs;

    /** @var list<int> indices of the items that both sides kept, … */
    private array $anchors = [];

    /** @var array{0: list<int>, 1: list<int>} … and where they stand in ours and in theirs */
    private array $anchorsAt = [[], []];

    /** @var list<array> */
    private array $steps = [];

    /**
     * @param list<int> $base
     * @param list<int> $ours
     * @param list<int> $theirs
     * @return list<array>|null null if it would cost too much
     */
    public static function of(array $base, array $ours, array $theirs): ?array
    {
        $oursKept = Alignment::of($base, $ours);
        $theirsKept = $oursKept === null ? null : Alignment::of($base, $theirs);
        if ($oursKept === null || $theirsKept === null) {
            return null;
        }
        $self = new self();
        $self->base = $base;
        $self->ours = new Changes($base, $ours, $oursKept);
        $self->theirs = new Changes($base, $theirs, $theirsKept);
        foreach (array_intersect_key($oursKept, $theirsKept) as $index => $at) {
            $self->anchors[] = $index;
            $self->anchorsAt[0][] = $at;
            $self->anchorsAt[1][] = $theirsKept[$index];
        }
        $self->settleMoves();
        $self->settleHunks();

        return $self->steps;
    }

    /** What one side moved and the other removed stays removed; what both moved stands once. */
    private function settleMoves(): void
    {
        $moved = array_keys($this->ours->moved + $this->theirs->moved);
        sort($moved);
        foreach ($moved as $index) {
            $inOurs = isset($this->ours->moved[$index]);
            $inTheirs = isset($this->theirs->moved[$index]);
            if ($inOurs && $inTheirs) {
                $oursGap = self::countBelow($this->anchorsAt[0], $this->ours->moved[$index]);
                $theirsGap = self::countBelow($this->anchorsAt[1], $this->theirs->moved[$index]);
                if ($oursGap !== $theirsGap) {
                    $this->theirs->drop($index);
                    $this->steps[] = [self::LOST, $index, Merge::OURS];
                }
                continue;
            }
            $other = $inOurs ? $this->theirs : $this->ours;
            if (!isset($other->kept[$index]) && !isset($other->changed[$index])) {
                ($inOurs ? $this->ours : $this->theirs)->drop($index);
                $this->steps[] = [self::LOST, $index, Merge::DELETED];
            }
        }
    }

    /** @param list<int> $rising */
    private static function countBelow(array $rising, int $limit): int
    {
        $low = 0;
        $high = count($rising);
        while ($low < $high) {
            $middle = intdiv($low + $high, 2);
            if ($rising[$middle] < $limit) {
                $low = $middle + 1;
            } else {
                $high = $middle;
            }
        }

        return $low;
    }

    /** A hunk is what lies between two items that both sides kept. */
    private function settleHunks(): void
    {
        $from = [0, 0, 0];
        foreach ($this->anchors as $number => $index) {
            $to = [$index, $this->anchorsAt[0][$number], $this->anchorsAt[1][$number]];
            $this->settleHunk($from, $to);
            $this->steps[] = [self::TAKE, Merge::THEIRS, $to[2]];
            $from = [$to[0] + 1, $to[1] + 1, $to[2] + 1];
        }
        $this->settleHunk($from, [count($this->base), count($this->ours->items), count($this->theirs->items)]);
    }

    /**
     * @param array{0: int, 1: int, 2: int} $from in base, ours, theirs
     * @param array{0: int, 1: int, 2: int} $to
     */
    private function settleHunk(array $from, array $to): void
    {
        $ours = $this->ours->between($from[1], $to[1]);
        $theirs = $this->theirs->between($from[2], $to[2]);
        $b = array_slice($this->base, $from[0], $to[0] - $from[0]);
        $o = self::items($this->ours, $ours);
        $t = self::items($this->theirs, $theirs);
        if ($t === $b) {
            $this->take(Merge::OURS, $ours);
        } elseif ($o === $b || $o === $t) {
            $this->take(Merge::THEIRS, $theirs);
        } elseif ($b === []) {
            $this->takeBoth($ours, $theirs);
        } elseif (
            count($b) === count($o) && count($b) === count($t)
            && !$this->ours->hasMoves($from[0], $to[0], $ours)
            && !$this->theirs->hasMoves($from[0], $to[0], $theirs)
        ) {
            foreach ($ours as $position => $place) {
                $this->pair($from[0] + $position, $place, $theirs[$position]);
            }
        } else {
            $this->settleBlocks(
                $from[0],
                $to[0],
                $this->ours->blocks($from[0], $to[0], $from[1], $to[1]),
                $this->theirs->blocks($from[0], $to[0], $from[2], $to[2]),
                [self::REWRITE, $ours, $theirs]
            );
        }
    }

    /**
     * By what each side did to each item.
     *
     * @param Blocks|null $ours   null: something else than to change, remove and insert
     * @param array       $rewrite the step to take then
     */
    private function settleBlocks(int $from, int $to, ?Blocks $ours, ?Blocks $theirs, array $rewrite): void
    {
        if ($ours === null || $theirs === null) {
            $this->steps[] = $rewrite;

            return;
        }
        for ($index = $from;; $index++) {
            $this->takeBoth($ours->inserted[$index] ?? [], $theirs->inserted[$index] ?? []);
            if ($index === $to) {
                return;
            }
            $o = $ours->changed[$index] ?? null;
            $t = $theirs->changed[$index] ?? null;
            if ($o !== null && $t !== null) {
                $this->pair($index, $o, $t);
            } elseif ($o !== null && isset($theirs->kept[$index])) {
                $this->take(Merge::OURS, [$o]);
            } elseif ($t !== null && isset($ours->kept[$index])) {
                $this->take(Merge::THEIRS, [$t]);
            } elseif ($o !== null || $t !== null) {
                $this->steps[] = [self::LOST, $index, Merge::DELETED];
            }
        }
    }

    private function pair(int $index, int $ours, int $theirs): void
    {
        $b = $this->base[$index];
        $o = $this->ours->items[$ours];
        $t = $this->theirs->items[$theirs];
        if ($t === $b) {
            $this->take(Merge::OURS, [$ours]);
        } elseif ($o === $b || $o === $t) {
            $this->take(Merge::THEIRS, [$theirs]);
        } else {
            $this->steps[] = [self::PAIR, $index, $ours, $theirs];
        }
    }

    /**
     * What both put into one place: theirs, then of ours what theirs does not have.
     *
     * @param list<int> $ours
     * @param list<int> $theirs
     */
    private function takeBoth(array $ours, array $theirs): void
    {
        $this->take(Merge::THEIRS, $theirs);
        $twice = array_count_values(self::items($this->theirs, $theirs));
        foreach ($ours as $place) {
            $item = $this->ours->items[$place];
            if (($twice[$item] ?? 0) > 0) {
                $twice[$item]--;
            } else {
                $this->take(Merge::OURS, [$place]);
            }
        }
    }

    /** @param list<int> $places */
    private function take(string $side, array $places): void
    {
        foreach ($places as $place) {
            $this->steps[] = [self::TAKE, $side, $place];
        }
    }

    /**
     * @param list<int> $places
     * @return list<int>
     */
    private static function items(Changes $side, array $places): array
    {
        $items = [];
        foreach ($places as $place) {
            $items[] = $side->items[$place];
        }

        return $items;
    }
}
