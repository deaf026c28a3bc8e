<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/**
 * A place in the session: names joined by `.`, integer keys in brackets, `cart.items[3]`. Put into
 * words only when somebody asks, and never into more words than that: nesting and names are the
 * visitor's choice. The Node side shortens alike.
 */
final class Path
{
    /** Of a longer path the middle is left out, … */
    private const MOST_KEYS = 32;

    /** … all but so many keys at each end. */
    private const KEPT_KEYS = 12;

    /** Characters; a longer name is cut off. */
    private const MOST_CHARACTERS = 128;

    private ?self $outer;

    /** @var int|string */
    private $key;
    private int $length;

    /** @var list<int|string>|null the first keys, if there are as many as are kept */
    private ?array $head;

    /**
     * @param self|null  $outer null for a variable of the session
     * @param int|string $key
     */
    public function __construct(?self $outer, $key)
    {
        $this->outer = $outer;
        $this->key = $key;
        $this->length = $outer === null ? 1 : $outer->length + 1;
        $this->head = $this->length === self::KEPT_KEYS
            ? $this->last(self::KEPT_KEYS)
            : ($outer === null ? null : $outer->head);
    }

    public function text(): string
    {
        if ($this->length <= self::MOST_KEYS || $this->head === null) {
            return self::join($this->last($this->length));
        }
        $more = $this->length - 2 * self::KEPT_KEYS;

        return self::join($this->head) . " …($more more)… " . self::join($this->last(self::KEPT_KEYS), false);
    }

    /** @return list<int|string> the last keys, the innermost last */
    private function last(int $count): array
    {
        $keys = [];
        for ($place = $this; $place !== null && count($keys) < $count; $place = $place->outer) {
            $keys[] = $place->key;
        }

        return array_reverse($keys);
    }

    /** @param list<int|string> $keys */
    private static function join(array $keys, bool $fromTheRoot = true): string
    {
        $text = $fromTheRoot ? self::short((string) array_shift($keys)) : '';
        foreach ($keys as $key) {
            $text .= is_int($key) ? "[$key]" : '.' . self::short($key);
        }

        return $text;
    }

    private static function short(string $name): string
    {
        if (strlen($name) <= self::MOST_CHARACTERS) {
            return $name;
        }
        $pattern = '/^.{' . self::MOST_CHARACTERS . '}(?=.)/s';
        $found = [];
        if (preg_match("{$pattern}u", $name, $found) === false) {
            // No UTF-8: bytes.
            preg_match($pattern, $name, $found);
        }

        return isset($found[0]) ? $found[0] . '…' : $name;
    }
}
