<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

use InvalidArgumentException;
use PhpSessionBridge\Format\StoredObject;

/** What tells whose session it is: variables, places within them, or what a function makes of all. */
final class Identity
{
    /** @var list<string> */
    private array $places = [];

    /** @var callable|null */
    private $function = null;

    /**
     * @param list<string>|callable $identity names of variables (`userid`), paths into arrays and
     *     public properties (`user.id`), or an object that is callable, fn (array $variables): mixed
     * @throws InvalidArgumentException
     */
    public function __construct($identity = [])
    {
        // A list of two strings is callable as well, and a string may be the name of a function.
        if (is_object($identity) && is_callable($identity)) {
            $this->function = $identity;
        } elseif (is_array($identity) && array_filter($identity, 'is_string') === $identity) {
            $this->places = array_values($identity);
        } else {
            throw new InvalidArgumentException('The identity must be a list of names or a function');
        }
    }

    /** Whether the function needs the variables as the application sees them, objects alive. */
    public function needsLive(): bool
    {
        return $this->function !== null;
    }

    public function isSame(array $one, array $other): bool
    {
        if ($this->function !== null) {
            return Fingerprint::of([($this->function)($one)], [0]) === Fingerprint::of([($this->function)($other)], [0]);
        }
        foreach ($this->places as $place) {
            // A variable of that very name comes before the path, also if only one of the two has it.
            $names = array_key_exists($place, $one + $other) ? [$place] : explode('.', $place);
            if (self::at($one, $names) !== self::at($other, $names)) {
                return false;
            }
        }

        return true;
    }

    /**
     * The fingerprint of what stands there; null if nothing does.
     *
     * @param non-empty-list<string> $names
     */
    private static function at(array $variables, array $names): ?string
    {
        $last = array_pop($names);
        foreach ($names as $name) {
            if (!array_key_exists($name, $variables)) {
                return null;
            }
            $variables = self::within($variables[$name]);
        }

        return array_key_exists($last, $variables) ? Fingerprint::ofSlot($variables, $last) : null;
    }

    /**
     * The entries of an array, or the public properties of an object.
     *
     * @param mixed $value
     */
    private static function within($value): array
    {
        if ($value instanceof StoredObject) {
            $properties = [];
            foreach ($value->entries as $text => $property) {
                // The key as serialize() writes it, `s:2:"id";`; other names begin with NUL.
                $properties[(string) unserialize($text)] = $property;
            }

            return $properties;
        }

        return is_array($value) ? $value : (is_object($value) ? get_object_vars($value) : []);
    }
}
