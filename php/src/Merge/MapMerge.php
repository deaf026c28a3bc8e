<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/** Merges arrays by key: $_SESSION itself, and maps within it. */
final class MapMerge implements Part
{
    private Slots $base;
    private Slots $ours;
    private Slots $theirs;
    private ?Path $path;
    private Decisions $decisions;

    /** What any of the three versions ties together; null if none does. */
    private ?Ties $ties = null;

    /** @var array<int|string, list<int|string>> the groups of tied keys by their root, until they are decided */
    private array $groups = [];

    /** @var list<int|string> theirs' keys, then ours' new ones: the order of the decisions and of the result */
    private array $order;
    private int $at = 0;

    /** @var array<int|string, Slots> by key the version to take it from */
    private array $chosen = [];

    /** @var array<int|string, array> by key what was merged within */
    private array $within = [];

    /** @param Path|null $path of the map; null for the session itself */
    public function __construct(Slots $base, Slots $ours, Slots $theirs, ?Path $path, Decisions $decisions)
    {
        $this->base = $base;
        $this->ours = $ours;
        $this->theirs = $theirs;
        $this->path = $path;
        $this->decisions = $decisions;
        $this->order = array_keys($theirs->values + $ours->values);
        foreach ([$base, $ours, $theirs] as $version) {
            if ($version->ties !== null) {
                $this->ties = $this->ties ?? new Ties();
                $this->ties->add($version->ties);
            }
        }
        if ($this->ties !== null) {
            $this->groups = $this->ties->groups(array_keys($theirs->values + $ours->values + $base->values));
        }
    }

    public function next(): ?Part
    {
        while (isset($this->order[$this->at])) {
            $key = $this->order[$this->at++];
            if ($this->ties === null || !$this->ties->has($key)) {
                $part = $this->settle($key);
                if ($part !== null) {
                    return $part;
                }
                continue;
            }
            $root = $this->ties->root($key);
            if (isset($this->groups[$root])) {
                $this->settleGroup($this->groups[$root]);
                unset($this->groups[$root]);
            }
        }

        return null;
    }

    public function accept(array $merged): void
    {
        $this->within[$this->order[$this->at - 1]] = $merged;
    }

    public function merged(): array
    {
        $merged = [];
        foreach ($this->order as $key) {
            if (isset($this->within[$key])) {
                $merged[$key] = $this->within[$key];
            } elseif (isset($this->chosen[$key]) && $this->chosen[$key]->has($key)) {
                $this->chosen[$key]->copy($key, $merged, $key);
            }
        }

        return $merged;
    }

    /** @param int|string $key that nothing is tied to */
    private function settle($key): ?Part
    {
        $inBase = $this->base->has($key);
        $inOurs = $this->ours->has($key);
        $inTheirs = $this->theirs->has($key);
        if (!$inOurs || !$inTheirs) {
            $here = $inOurs ? $this->ours : $this->theirs;
            if (!$inBase) {
                $this->chosen[$key] = $here;
            } elseif (!$here->equals($key, $this->base, $key)) {
                $this->decisions->report($this->place($key), Merge::DELETED);
            }

            return null;
        }
        if ($inBase && $this->ours->equals($key, $this->base, $key)) {
            $this->chosen[$key] = $this->theirs;

            return null;
        }
        if ($inBase && $this->theirs->equals($key, $this->base, $key)) {
            $this->chosen[$key] = $this->ours;

            return null;
        }
        $base = $inBase ? $this->base->inside($key) : null;
        $ours = $this->ours->inside($key);
        $theirs = $this->theirs->inside($key);
        $appended = Arrays::appended($base, $ours, $theirs);
        if ($appended !== null) {
            $this->within[$key] = $appended;

            return null;
        }
        if ($this->ours->equals($key, $this->theirs, $key)) {
            $this->chosen[$key] = $this->theirs;

            return null;
        }
        $part = $inBase && $this->base->isCircular($key)
            ? null
            : Arrays::merge($base, $ours, $theirs, $this->place($key), $this->decisions);
        if ($part === null) {
            $this->conflict([$key]);
        }

        return $part;
    }

    /** @param list<int|string> $keys whatever is tied to one of them is among them */
    private function settleGroup(array $keys): void
    {
        $b = $this->base->numberOf($keys);
        $o = $this->ours->numberOf($keys);
        $t = $this->theirs->numberOf($keys);
        if ($o === $b || $o === $t) {
            $this->choose($keys, $this->theirs);
        } elseif ($t === $b) {
            $this->choose($keys, $this->ours);
        } elseif ($o === null || $t === null) {
            foreach ($this->present($keys) as $place) {
                $this->decisions->report($place, Merge::DELETED);
            }
        } else {
            $this->conflict($keys);
        }
    }

    /** @param list<int|string> $keys */
    private function conflict(array $keys): void
    {
        $side = $this->decisions->settle($this->present($keys));
        $this->choose($keys, $side === Merge::OURS ? $this->ours : $this->theirs);
    }

    /** @param list<int|string> $keys */
    private function choose(array $keys, Slots $version): void
    {
        foreach ($keys as $key) {
            $this->chosen[$key] = $version;
        }
    }

    /**
     * @param list<int|string> $keys
     * @return list<Path> of those that ours or theirs has
     */
    private function present(array $keys): array
    {
        $places = [];
        foreach ($keys as $key) {
            if ($this->ours->has($key) || $this->theirs->has($key)) {
                $places[] = $this->place($key);
            }
        }

        return $places;
    }

    /** @param int|string $key */
    private function place($key): Path
    {
        return new Path($this->path, $key);
    }
}
