<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

use ReflectionReference;

/** One array in one version, with what the {@see Survey} knows about it. */
final class Slots
{
    /** @var array<int|string, mixed> */
    public array $values;

    /** Which of its keys are tied together; null if none. */
    public ?Ties $ties;
    private Piece $piece;
    private ValueNumbers $numbers;

    /** A constant of Sharing. */
    private int $sharing;

    /** @var array<int|string, int>|null where each key stands */
    private ?array $order = null;

    private function __construct(array $values, Piece $piece, ValueNumbers $numbers, int $sharing)
    {
        $this->values = $values;
        $this->piece = $piece;
        $this->ties = $piece->ties;
        $this->numbers = $numbers;
        $this->sharing = $sharing;
    }

    /** @param int $sharing what there may be in it, a constant of Sharing */
    public static function of(array $values, ValueNumbers $numbers, int $sharing): self
    {
        return new self($values, Survey::of($values, $numbers, $sharing), $numbers, $sharing);
    }

    /** @param int|string $key */
    public function has($key): bool
    {
        return array_key_exists($key, $this->values);
    }

    /**
     * The array in a slot that is not tied; null if there is none, or one that can not be taken apart.
     *
     * @param int|string $key
     */
    public function inside($key): ?self
    {
        $piece = $this->piece->within[$key] ?? null;

        return $piece === null || $piece->whole
            ? null
            : new self($this->values[$key], $piece, $this->numbers, $this->sharing);
    }

    /**
     * Whether there is an array in the slot that holds a reference to its own place.
     *
     * @param int|string $key
     */
    public function isCircular($key): bool
    {
        $piece = $this->piece->within[$key] ?? null;

        return $piece !== null && $piece->whole && is_array($this->values[$key]);
    }

    /** An array without anything. */
    public function none(): self
    {
        return new self([], new Piece(), $this->numbers, $this->sharing);
    }

    /** The first values as a list, apart from all that follows. */
    public function head(int $count): self
    {
        return self::of(array_slice(array_values($this->values), 0, $count), $this->numbers, $this->sharing);
    }

    /** Equal arrays have equal numbers. */
    public function number(): int
    {
        return $this->piece->number;
    }

    /**
     * Equal slots that are not tied have equal numbers.
     *
     * @param int|string $key
     */
    public function numberAt($key): int
    {
        return isset($this->piece->within[$key])
            ? $this->piece->within[$key]->number
            : $this->numbers->ofScalar($this->values[$key]);
    }

    /** @return list<int> the numbers of all slots, of which none is tied */
    public function numbers(): array
    {
        return array_map([$this, 'numberAt'], array_keys($this->values));
    }

    /**
     * Whether a slot that is not tied equals one in another version.
     *
     * @param int|string $key
     * @param int|string $otherKey
     */
    public function equals($key, self $other, $otherKey): bool
    {
        $inner = $this->piece->within[$key] ?? null;
        $others = $other->piece->within[$otherKey] ?? null;
        if ($inner !== null || $others !== null) {
            return $inner !== null && $others !== null && $inner->number === $others->number;
        }
        $value = $this->values[$key];
        $theirs = $other->values[$otherKey];

        // PHP takes 0.0 for -0.0, and NAN for nothing.
        return is_float($value) && is_float($theirs)
            ? Fingerprint::scalar($value) === Fingerprint::scalar($theirs)
            : $value === $theirs;
    }

    /**
     * A number for several slots together: the order counts, and what ties them to each other.
     *
     * @param list<int|string> $keys whatever is tied to one of them is among them
     * @return int|null null if none of them is there
     */
    public function numberOf(array $keys): ?int
    {
        $this->order = $this->order ?? array_flip(array_keys($this->values));
        $found = [];
        foreach ($keys as $key) {
            if (isset($this->order[$key])) {
                $found[$this->order[$key]] = $key;
            }
        }
        if ($found === []) {
            return null;
        }
        ksort($found);
        $groups = [];
        $text = '';
        foreach ($found as $key) {
            $text .= serialize($key);
            if ($this->ties !== null && $this->ties->has($key)) {
                $root = $this->ties->root($key);
                $groups += [$root => [count($groups), $this->piece->groups[$root]]];
                $text .= implode(' in ', $groups[$root]) . ';';
            } else {
                $text .= $this->numberAt($key) . ';';
            }
        }

        return $this->numbers->of("together $text");
    }

    /**
     * Puts a slot into another array. A reference stays one, and nothing else becomes one:
     * serialize() tells the two apart.
     *
     * @param int|string      $key
     * @param int|string|null $to  null: behind all others
     */
    public function copy($key, array &$target, $to): void
    {
        if ($this->sharing !== Sharing::REFERENCES || ReflectionReference::fromArrayElement($this->values, $key) === null) {
            if ($to === null) {
                $target[] = $this->values[$key];
            } else {
                $target[$to] = $this->values[$key];
            }
        } elseif ($to === null) {
            $target[] = &$this->values[$key];
        } else {
            $target[$to] = &$this->values[$key];
        }
    }
}
