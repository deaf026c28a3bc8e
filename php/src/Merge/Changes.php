<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/** What one side made of a list: which items of the base it kept, moved, changed and took out. */
final class Changes
{
    /** @var list<int> the numbers of the side's items */
    public array $items;

    /** @var array<int, int> by index of the base: where the item stands that was kept */
    public array $kept;

    /** @var array<int, int> by index of the base: where the item stands that was moved, rising by index */
    public array $moved = [];

    /** @var array<int, true> indices of the base whose items were changed in their place */
    public array $changed = [];

    /** @var array<int, int> by place of a moved item: its index in the base */
    public array $copies = [];

    /** @var array<int, true> where items stand that do not count any more */
    private array $dropped = [];

    /**
     * @param list<int>       $base
     * @param list<int>       $items
     * @param array<int, int> $kept the alignment of both, by rising index
     */
    public function __construct(array $base, array $items, array $kept)
    {
        $this->items = $items;
        $this->kept = $kept;
        $this->findMoved($base);
        $this->findChanged(count($base));
    }

    /** Takes the copy of a moved item out of the side. */
    public function drop(int $index): void
    {
        $this->dropped[$this->moved[$index]] = true;
    }

    /** @return list<int> where the items stand that count, from one place up to another */
    public function between(int $from, int $to): array
    {
        $places = [];
        for ($at = $from; $at < $to; $at++) {
            if (!isset($this->dropped[$at])) {
                $places[] = $at;
            }
        }

        return $places;
    }

    /** Has anything between these been put elsewhere, or come from elsewhere? */
    public function hasMoves(int $index, int $to, array $places): bool
    {
        if ($this->moved === []) {
            return false;
        }
        for (; $index < $to; $index++) {
            if (isset($this->moved[$index])) {
                return true;
            }
        }

        return array_intersect_key($this->copies, array_flip($places)) !== [];
    }

    /**
     * What was done to the items of one hunk, run by run between those that were kept, now that
     * copies are dropped. What came from another place is no change of anything, and what went to
     * one is only gone.
     *
     * @return Blocks|null null if somewhere the items put in are not as many as those taken out
     */
    public function blocks(int $index, int $to, int $at, int $end): ?Blocks
    {
        $blocks = new Blocks();
        $run = [];
        for (; $index <= $to; $index++) {
            if ($index < $to && !isset($this->kept[$index])) {
                if (!isset($this->moved[$index])) {
                    $run[] = $index;
                }
                continue;
            }
            $changes = 0;
            $next = $index < $to ? $this->kept[$index] : $end;
            foreach ($this->between($at, $next) as $place) {
                if ($run === [] || isset($this->copies[$place])) {
                    $blocks->inserted[$run[$changes] ?? $index][] = $place;
                } elseif ($changes === count($run)) {
                    return null;
                } else {
                    $blocks->changed[$run[$changes++]] = $place;
                }
            }
            if ($changes > 0 && $changes < count($run)) {
                return null;
            }
            $run = [];
            if ($index < $to) {
                $blocks->kept[$index] = true;
                $at = $next + 1;
            }
        }

        return $blocks;
    }

    /** @param list<int> $base */
    private function findMoved(array $base): void
    {
        $missing = [];
        foreach ($base as $index => $item) {
            if (!isset($this->kept[$index])) {
                $missing[$item][] = $index;
            }
        }
        $kept = array_flip($this->kept);
        $next = [];
        foreach ($this->items as $at => $item) {
            if (isset($kept[$at])) {
                continue;
            }
            $next[$item] = $next[$item] ?? 0;
            if (isset($missing[$item][$next[$item]])) {
                $this->moved[$missing[$item][$next[$item]++]] = $at;
            }
        }
        ksort($this->moved);
        $this->copies = array_flip($this->moved);
    }

    /** Between two items that were kept: as many put in as taken out. */
    private function findChanged(int $length): void
    {
        $run = [];
        $at = 0;
        for ($index = 0; $index <= $length; $index++) {
            if ($index < $length && !isset($this->kept[$index])) {
                if (!isset($this->moved[$index])) {
                    $run[] = $index;
                }
                continue;
            }
            $next = $index < $length ? $this->kept[$index] : count($this->items);
            $fresh = 0;
            for (; $at < $next; $at++) {
                $fresh += isset($this->copies[$at]) ? 0 : 1;
            }
            if ($fresh === count($run)) {
                $this->changed += array_fill_keys($run, true);
            }
            $run = [];
            $at = $next + 1;
        }
    }
}
