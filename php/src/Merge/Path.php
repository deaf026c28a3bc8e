<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/**
 * A place in the session: names joined by `.`, integer keys in brackets, `cart.items[3]`. Put into
 * words only when somebody asks, because most places are never talked about.
 */
final class Path
{
    private ?self $outer;

    /** @var int|string */
    private $key;

    /**
     * @param self|null  $outer null for a variable of the session
     * @param int|string $key
     */
    public function __construct(?self $outer, $key)
    {
        $this->outer = $outer;
        $this->key = $key;
    }

    public function text(): string
    {
        $keys = [];
        for ($place = $this; $place !== null; $place = $place->outer) {
            $keys[] = $place->key;
        }
        $text = (string) array_pop($keys);
        foreach (array_reverse($keys) as $key) {
            $text .= is_int($key) ? "[$key]" : ".$key";
        }

        return $text;
    }
}
