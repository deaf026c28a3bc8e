<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/** What a {@see Survey} knows about one array or object in one version. */
final class Piece
{
    /** Equal pieces have equal numbers; -1 until it is known. */
    public int $number = -1;

    /** An object, or an array that holds a reference to its own place: it is never taken apart. */
    public bool $whole = false;

    /** @var array<int|string, Piece> the arrays and objects in it; within what is tied there may be none */
    public array $within = [];

    /** Which of its keys one reference or one object ties together; null if none. */
    public ?Ties $ties = null;

    /** @var array<int|string, int> by the root of each group of tied keys: the number of the group */
    public array $groups = [];

    public function __construct(bool $whole = false)
    {
        $this->whole = $whole;
    }
}
