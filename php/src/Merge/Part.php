<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/**
 * The merge of one array. What lies deeper is a part of its own, which the {@see Merge} carries out
 * in between: the nesting of a session is the visitor's choice, and must not become our recursion.
 */
interface Part
{
    /** Goes on to the next array within that needs a merge of its own; null when there is none left. */
    public function next(): ?Part;

    /** What became of the part that next() returned. */
    public function accept(array $merged): void;

    /** The merged array, once next() has returned null. */
    public function merged(): array;
}
