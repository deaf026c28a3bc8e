<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/** Gives equal texts equal numbers, so that what was compared once is compared by its number. */
final class ValueNumbers
{
    /** @var array<string, int> */
    private array $numbers = [];

    public function of(string $text): int
    {
        return $this->numbers[$text] ??= count($this->numbers);
    }

    /** @param mixed $value neither an array nor an object */
    public function ofScalar($value): int
    {
        return $this->of(Fingerprint::scalar($value));
    }
}
