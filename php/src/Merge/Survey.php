<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

use PhpSessionBridge\Format\UnreadableSession;
use ReflectionReference;

/**
 * Goes through one version once, before the merge looks anywhere: which of its places are tied
 * together, and a number for each array and object that a merge may look at, which two versions
 * share exactly if the two are equal. Without it, every level would compare all that is below.
 *
 * Ties are found first, from the outside to the inside, because what is tied together is one text:
 * to number what is within it as well would be work for nothing, at every level anew.
 */
final class Survey
{
    private ValueNumbers $numbers;

    /** Of Sharing: what there may be. To look for references costs as much as all the rest. */
    private int $sharing;

    /** @var array<string, int> by identity of a reference or object: the place where it was met first */
    private array $met = [];

    /** How many arrays, objects and references were met: the number of a place. */
    private int $places = 0;

    /** @var list<Piece> the arrays from the outermost to the one that is read, … */
    private array $pieces = [];

    /** @var list<array> … their values, … */
    private array $values = [];

    /** @var list<int> … the places they stand in, … */
    private array $starts = [];

    /** @var list<list<int|string>> … the keys of the places within them, … */
    private array $keys = [];

    /** @var list<list<int>> … and these places, as far as they were read. */
    private array $read = [];

    private function __construct(ValueNumbers $numbers, int $sharing)
    {
        $this->numbers = $numbers;
        $this->sharing = $sharing;
    }

    /**
     * @param int $sharing what there may be in the container, a constant of Sharing
     * @throws UnreadableSession if arrays are nested too deep
     */
    public static function of(array $container, ValueNumbers $numbers, int $sharing): Piece
    {
        $self = new self($numbers, $sharing);
        $piece = new Piece();
        if ($sharing !== Sharing::NONE) {
            $self->findTies($piece, $container);
        }
        $self->number($piece, $container);

        return $piece;
    }

    private function findTies(Piece $root, array $container): void
    {
        $this->open($root, $container, 0);
        while ($this->pieces !== []) {
            $top = count($this->pieces) - 1;
            $at = count($this->read[$top]);
            if (!isset($this->keys[$top][$at])) {
                $this->close();
                continue;
            }
            $key = $this->keys[$top][$at];
            $this->read[$top][] = ++$this->places;
            $value = $this->values[$top][$key];
            if (!$this->meetReference($this->values[$top], $key)) {
                continue;
            }
            if (is_array($value)) {
                $this->open($this->pieces[$top]->within[$key] = new Piece(), $value, $this->places);
            } elseif (is_object($value)) {
                $this->pieces[$top]->within[$key] = new Piece(true);
                $this->findWithin($value);
            }
        }
    }

    private function open(Piece $piece, array $values, int $place): void
    {
        Nesting::check(count($this->pieces));
        $keys = [];
        foreach ($values as $key => $value) {
            if (is_array($value) || is_object($value)
                || ($this->sharing === Sharing::REFERENCES && ReflectionReference::fromArrayElement($values, $key) !== null)
            ) {
                $keys[] = $key;
            }
        }
        $this->pieces[] = $piece;
        $this->values[] = $values;
        $this->starts[] = $place;
        $this->keys[] = $keys;
        $this->read[] = [];
    }

    private function close(): void
    {
        array_pop($this->pieces);
        array_pop($this->values);
        array_pop($this->starts);
        array_pop($this->keys);
        array_pop($this->read);
    }

    /** All that an object holds stands in the object's own place: a merge never looks inside. */
    private function findWithin(object $object): void
    {
        if (Sharing::isEnum($object) || !$this->meet('object ' . spl_object_id($object))) {
            return;
        }
        $open = [[(array) $object, 0]];
        while ($open !== []) {
            [$values, $nesting] = array_pop($open);
            foreach ($values as $key => $value) {
                if (!$this->meetReference($values, $key)) {
                    continue;
                }
                if (is_array($value)) {
                    Nesting::check($nesting + 1);
                    $open[] = [$value, $nesting + 1];
                } elseif (is_object($value) && !Sharing::isEnum($value) && $this->meet('object ' . spl_object_id($value))) {
                    $open[] = [(array) $value, 0];
                }
            }
        }
    }

    /**
     * false if the place is a reference that was met before.
     *
     * @param int|string $key
     */
    private function meetReference(array $values, $key): bool
    {
        if ($this->sharing !== Sharing::REFERENCES) {
            return true;
        }
        $reference = ReflectionReference::fromArrayElement($values, $key);

        return $reference === null || $this->meet('reference ' . $reference->getId());
    }

    /** false if it was met before: then two places are tied, and what is in it has been read. */
    private function meet(string $identity): bool
    {
        $first = $this->met[$identity] ?? null;
        if ($first === null) {
            $this->met[$identity] = $this->places;

            return true;
        }
        if ($first !== $this->places) {
            $this->tie($first);
        }

        return false;
    }

    /** Ties the place that is read to an earlier one, in the innermost array that holds both. */
    private function tie(int $earlier): void
    {
        $level = self::lastUpTo($this->starts, $earlier);
        if ($level > 0 && $this->starts[$level] === $earlier) {
            $this->pieces[$level]->whole = true;

            return;
        }
        $keys = $this->keys[$level];
        $this->pieces[$level]->ties = $this->pieces[$level]->ties ?? new Ties();
        $this->pieces[$level]->ties->join(
            $keys[self::lastUpTo($this->read[$level], $earlier)],
            $keys[count($this->read[$level]) - 1]
        );
    }

    /**
     * @param list<int> $rising
     * @return int the index of the last one that is not greater than the limit
     */
    private static function lastUpTo(array $rising, int $limit): int
    {
        $low = 0;
        $high = count($rising) - 1;
        while ($low < $high) {
            $middle = intdiv($low + $high + 1, 2);
            if ($rising[$middle] <= $limit) {
                $low = $middle;
            } else {
                $high = $middle - 1;
            }
        }

        return $low;
    }

    /** From the inside to the outside: the text of an array holds the numbers of those within it. */
    private function number(Piece $root, array $container): void
    {
        $open = [[$root, $container, $this->within($root, $container), 0]];
        while ($open !== []) {
            $top = count($open) - 1;
            [$piece, $values, $keys, $at] = $open[$top];
            if (!isset($keys[$at])) {
                $piece->number = $this->numbers->of($this->text($piece, $values));
                array_pop($open);
                continue;
            }
            $open[$top][3]++;
            $key = $keys[$at];
            $inner = $piece->within[$key];
            if ($inner->whole) {
                $inner->number = $this->numbers->of('whole ' . Fingerprint::ofSlot($values, $key));
            } else {
                $open[] = [$inner, $values[$key], $this->within($inner, $values[$key]), 0];
            }
        }
    }

    /** @return list<int|string> the keys of the arrays and objects in it that are not tied to others */
    private function within(Piece $piece, array $values): array
    {
        if ($this->sharing !== Sharing::NONE) {
            return array_keys($piece->ties === null ? $piece->within : $piece->ties->without($piece->within));
        }
        foreach ($values as $key => $value) {
            if (is_array($value) || is_object($value)) {
                $piece->within[$key] = new Piece(is_object($value));
            }
        }

        return array_keys($piece->within);
    }

    private function text(Piece $piece, array $values): string
    {
        if ($piece->within === [] && $piece->ties === null) {
            return serialize($values);
        }
        $marks = [];
        foreach ($piece->ties === null ? [] : $piece->ties->groups(array_keys($values)) as $root => $keys) {
            $number = $this->numbers->of('tied ' . Fingerprint::of($values, $keys));
            $piece->groups[$root] = $number;
            $marks += array_fill_keys($keys, [$number, count($piece->groups)]);
        }
        // Not a copy of the array: to write into a place that is a reference would change the original.
        $shallow = [];
        foreach ($values as $key => $value) {
            $shallow[$key] = $marks[$key] ?? (isset($piece->within[$key]) ? [$piece->within[$key]->number] : $value);
        }

        return serialize($shallow);
    }
}
