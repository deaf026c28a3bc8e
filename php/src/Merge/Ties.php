<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/**
 * Which keys of a container hang together because a PHP reference or one object stands in several
 * of them, be it deep inside. Their values change together, so they are merged together.
 */
final class Ties
{
    /** @var array<int|string, int|string> a forest: key to another key of the same group */
    private array $parents = [];

    /**
     * @param int|string $one
     * @param int|string $other
     */
    public function join($one, $other): void
    {
        // Not `+=`: of a typed property it makes a copy.
        $this->parents[$one] = $this->parents[$one] ?? $one;
        $this->parents[$other] = $this->parents[$other] ?? $other;
        $root = $this->root($one);
        $this->parents[$this->root($other)] = $root;
    }

    /** All that another container of the same keys ties. */
    public function add(self $others): void
    {
        foreach ($others->parents as $key => $other) {
            $this->join($other, $key);
        }
    }

    /** @param int|string $key */
    public function has($key): bool
    {
        return isset($this->parents[$key]);
    }

    /** The entries of other keys. */
    public function without(array $container): array
    {
        return array_diff_key($container, $this->parents);
    }

    /**
     * The one key that stands for the group of this one.
     *
     * @param int|string $key that is tied
     * @return int|string
     */
    public function root($key)
    {
        while ($this->parents[$key] !== $key) {
            // Every look shortens the way of the next.
            $key = $this->parents[$key] = $this->parents[$this->parents[$key]];
        }

        return $key;
    }

    /**
     * @param list<int|string> $keys
     * @return array<int|string, list<int|string>> by root, in the order of the keys given
     */
    public function groups(array $keys): array
    {
        $groups = [];
        foreach ($keys as $key) {
            if (isset($this->parents[$key])) {
                $groups[$this->root($key)][] = $key;
            }
        }

        return $groups;
    }
}
