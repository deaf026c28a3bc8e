<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/** Carries out the steps of a {@see ListDifference}. */
final class ListMerge implements Part
{
    private Slots $base;
    private Slots $ours;
    private Slots $theirs;

    /** @var list<int> the keys of ours' and theirs' items: a side may be sparse */
    private array $oursKeys;
    private array $theirsKeys;
    private Path $path;
    private Decisions $decisions;

    /** @var list<array> */
    private array $steps;
    private int $at = 0;
    private array $merged = [];

    /** @param list<array> $steps */
    public function __construct(Slots $base, Slots $ours, Slots $theirs, array $steps, Path $path, Decisions $decisions)
    {
        $this->base = $base;
        $this->ours = $ours;
        $this->theirs = $theirs;
        $this->oursKeys = array_keys($ours->values);
        $this->theirsKeys = array_keys($theirs->values);
        $this->steps = $steps;
        $this->path = $path;
        $this->decisions = $decisions;
    }

    public function next(): ?Part
    {
        while (isset($this->steps[$this->at])) {
            $step = $this->steps[$this->at++];
            switch ($step[0]) {
                case ListDifference::TAKE:
                    $this->take($step[1], [$step[2]]);
                    break;
                case ListDifference::LOST:
                    $this->decisions->report(new Path($this->path, $step[1]), $step[2]);
                    break;
                case ListDifference::PAIR:
                    $part = $this->pair($step[1], $step[2], $step[3]);
                    if ($part !== null) {
                        return $part;
                    }
                    break;
                default:
                    $side = $this->decisions->settle([$this->path]);
                    $this->take($side, $side === Merge::OURS ? $step[1] : $step[2]);
            }
        }

        return null;
    }

    public function accept(array $merged): void
    {
        $this->merged[] = $merged;
    }

    public function merged(): array
    {
        return $this->merged;
    }

    private function pair(int $index, int $ours, int $theirs): ?Part
    {
        $path = new Path($this->path, $index);
        $part = $this->base->isCircular($index) ? null : Arrays::merge(
            $this->base->inside($index),
            $this->ours->inside($this->oursKeys[$ours]),
            $this->theirs->inside($this->theirsKeys[$theirs]),
            $path,
            $this->decisions
        );
        if ($part === null) {
            $side = $this->decisions->settle([$path]);
            $this->take($side, [$side === Merge::OURS ? $ours : $theirs]);
        }

        return $part;
    }

    /** @param list<int> $places */
    private function take(string $side, array $places): void
    {
        foreach ($places as $place) {
            if ($side === Merge::OURS) {
                $this->ours->copy($this->oursKeys[$place], $this->merged, null);
            } else {
                $this->theirs->copy($this->theirsKeys[$place], $this->merged, null);
            }
        }
    }
}
