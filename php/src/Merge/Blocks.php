<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/** What one side did to each item of a hunk; an item that stands nowhere here was removed. */
final class Blocks
{
    /** @var array<int, true> by index of the base */
    public array $kept = [];

    /** @var array<int, int> by index of the base: where the item stands that took its place */
    public array $changed = [];

    /** @var array<int, list<int>> by index of the base that follows: where the new items stand */
    public array $inserted = [];
}
