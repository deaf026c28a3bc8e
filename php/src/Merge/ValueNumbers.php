<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/** Gives equal texts equal numbers, so that what was compared once is compared by its number. */
final class ValueNumbers
{
    /** @var array<int|string, int> by digest of the text */
    private array $numbers = [];
    private string $secret;

    public function __construct()
    {
        $this->secret = random_bytes(16);
    }

    public function of(string $text): int
    {
        // PHP's own hash of a string has no seed: who chooses the texts could choose thousands that
        // it takes for the same, and each would be compared with all others. A digest that begins
        // with a secret, a fresh one in each merge, is nobody's choice.
        return $this->numbers[md5($this->secret . $text, true)] ??= count($this->numbers);
    }

    /** @param mixed $value neither an array nor an object */
    public function ofScalar($value): int
    {
        return $this->of(Fingerprint::scalar($value));
    }
}
