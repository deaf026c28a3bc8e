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

    /**
     * The same within one hunk, now that copies are dropped.
     *
     * @return Blocks|null null if somewhere the items put in are not as many as those taken out
     */
    public function blocks(int $index, int $to, int $at, int $end): ?Blocks
    {
        $blocks = new Blocks();
        for ($next = $index;; $next++) {
            if ($next < $to && !isset($this->kept[$next])) {
                continue;
            }
            $put = $this->between($at, $next < $to ? $this->kept[$next] : $end);
            if ($next === $index) {
                $blocks->inserted[$index] = $put;
            } elseif (count($put) === $next - $index) {
                foreach ($put as $position => $place) {
                    $blocks->changed[$index + $position] = $place;
                }
            } elseif ($put !== []) {
                return null;
            }
            if ($next === $to) {
                return $blocks;
            }
            $blocks->kept[$next] = true;
            $index = $next + 1;
            $at = $this->kept[$next] + 1;
        }
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
    }

    /** Between two items that were kept: as many put in as taken out. */
    private function findChanged(int $length): void
    {
        $index = 0;
        $at = 0;
        foreach ($this->kept + [$length => count($this->items)] as $keptIndex => $keptAt) {
            if ($keptIndex - $index === $keptAt - $at) {
                for (; $index < $keptIndex; $index++) {
                    $this->changed[$index] = true;
                }
            }
            $index = $keptIndex + 1;
            $at = $keptAt + 1;
        }
    }
}
