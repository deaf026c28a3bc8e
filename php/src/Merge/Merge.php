<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/**
 * The three-way merge of session variables: what this request changed goes into what is stored
 * now. The Node side follows the same rules; test/fixtures/merge-cases.json binds both.
 */
final class Merge
{
    public const OURS = 'ours';
    public const THEIRS = 'theirs';
    public const DELETED = 'deleted';

    /** @var list<array{path: string, resolution: string}> */
    private array $conflicts = [];

    /** @var callable|null */
    private $onConflict;

    private bool $plain = false;

    /**
     * @param callable|null $onConflict `fn (string $path): ?string` may answer Merge::THEIRS to keep
     *                                  the stored value where both sides changed the same one
     */
    public function __construct(?callable $onConflict = null)
    {
        $this->onConflict = $onConflict;
    }

    /**
     * Changes and additions of both sides live on, a deletion wins over a change, and where both
     * changed the same value ours is taken, which is reported.
     *
     * @param bool $plain there are certainly no objects and no references in any of them
     */
    public function merge(array $base, array $ours, array $theirs, bool $plain = false): array
    {
        $this->plain = $plain;
        $this->conflicts = [];

        return $this->mergeMaps($base, $ours, $theirs, null);
    }

    /** @return list<array{path: string, resolution: string}> of the last merge, in its order */
    public function conflicts(): array
    {
        return $this->conflicts;
    }

    /** @param string|null $path of the map; null for the session itself */
    private function mergeMaps(array $base, array $ours, array $theirs, ?string $path): array
    {
        // Theirs' keys first, then ours' new ones: the order of the result and of the decisions.
        $order = array_keys($theirs + $ours);
        $chosen = [];
        foreach ($this->groups($base, $ours, $theirs, $order) as $keys) {
            $chosen += count($keys) === 1
                ? $this->mergeKey($base, $ours, $theirs, $keys[0], $path)
                : $this->mergeGroup($base, $ours, $theirs, $keys, $path);
        }
        $merged = [];
        foreach ($order as $key) {
            $source = $chosen[$key] ?? [];
            if (array_key_exists($key, $source)) {
                $this->transfer($merged, $source, $key);
            }
        }

        return $merged;
    }

    /**
     * The keys to decide on, those that are tied together as one; keys that only the base knows
     * are part of a group, never one of their own.
     *
     * @return iterable<list<int|string>>
     */
    private function groups(array $base, array $ours, array $theirs, array $order): iterable
    {
        if ($this->plain) {
            foreach ($order as $key) {
                yield [$key];
            }

            return;
        }
        $groups = [];
        $representatives = TiedKeys::representatives($base, $ours, $theirs);
        foreach (array_keys($theirs + $ours + $base) as $key) {
            $groups['group ' . $representatives[$key]][] = $key;
        }
        $known = array_flip($order);
        foreach ($groups as $keys) {
            if (isset($known[$keys[0]])) {
                yield $keys;
            }
        }
    }

    /**
     * @param int|string $key
     * @return array<int|string, array> by key the container to take its slot from
     */
    private function mergeKey(array $base, array $ours, array $theirs, $key, ?string $path): array
    {
        $in = static function (array $version) use ($key): bool {
            return array_key_exists($key, $version);
        };
        $b = $base[$key] ?? null;
        $o = $ours[$key] ?? null;
        $t = $theirs[$key] ?? null;
        if ($in($base) && $in($ours) && $in($theirs) && Appended::both($b, $o, $t, $this->plain)) {
            return [$key => [$key => Appended::merge($b, $o, $t)]];
        }
        $same = $this->decideAlike($base, $ours, $theirs, [$key], $path);
        if ($same !== null) {
            return $same;
        }
        $circular = !$this->plain
            && (TiedKeys::isCircular($ours, $key) || TiedKeys::isCircular($theirs, $key));
        if (self::isMap($o) && self::isMap($t) && !$circular) {
            $b = self::isMap($b) ? $b : [];

            return [$key => [$key => $this->mergeMaps($b, $o, $t, self::path($path, $key))]];
        }

        return $this->conflict($ours, $theirs, [$key], $path);
    }

    /**
     * @param list<int|string> $keys
     * @return array<int|string, array>
     */
    private function mergeGroup(array $base, array $ours, array $theirs, array $keys, ?string $path): array
    {
        return $this->decideAlike($base, $ours, $theirs, $keys, $path)
            ?? $this->conflict($ours, $theirs, $keys, $path);
    }

    /**
     * What needs no look inside: one side left it alone, both did the same, one side deleted it.
     *
     * @param list<int|string> $keys
     * @return array<int|string, array>|null
     */
    private function decideAlike(array $base, array $ours, array $theirs, array $keys, ?string $path): ?array
    {
        $b = $this->fingerprint($base, $keys);
        $o = $this->fingerprint($ours, $keys);
        $t = $this->fingerprint($theirs, $keys);
        if ($o === $b || $o === $t) {
            return array_fill_keys($keys, $theirs);
        }
        if ($t === $b) {
            return array_fill_keys($keys, $ours);
        }
        if ($o === '' || $t === '') {
            $this->report($ours + $theirs, $keys, $path, self::DELETED);

            return array_fill_keys($keys, []);
        }

        return null;
    }

    /**
     * Within a group the order counts, as everywhere below the map itself.
     *
     * @param list<int|string> $keys
     */
    private function fingerprint(array $version, array $keys): string
    {
        if (count($keys) > 1) {
            $keys = array_keys(array_intersect_key($version, array_flip($keys)));
        }

        return Fingerprint::of($version, $keys, $this->plain);
    }

    /**
     * @param list<int|string> $keys
     * @return array<int|string, array>
     */
    private function conflict(array $ours, array $theirs, array $keys, ?string $path): array
    {
        $resolution = self::OURS;
        foreach ($keys as $key) {
            // One answer decides for all that is tied together.
            if ($this->onConflict !== null && ($this->onConflict)(self::path($path, $key)) === self::THEIRS) {
                $resolution = self::THEIRS;
                break;
            }
        }
        $this->report($ours + $theirs, $keys, $path, $resolution);

        return array_fill_keys($keys, $resolution === self::OURS ? $ours : $theirs);
    }

    /** @param list<int|string> $keys */
    private function report(array $present, array $keys, ?string $path, string $resolution): void
    {
        foreach ($keys as $key) {
            if (array_key_exists($key, $present)) {
                $this->conflicts[] = ['path' => self::path($path, $key), 'resolution' => $resolution];
            }
        }
    }

    /** @param int|string $key */
    private static function path(?string $path, $key): string
    {
        return $path === null ? (string) $key : "$path.$key";
    }

    /**
     * String keys have names that two sides can add side by side; the empty array may become one.
     *
     * @param mixed $value
     */
    private static function isMap($value): bool
    {
        return is_array($value) && array_filter(array_keys($value), 'is_int') === [];
    }

    /**
     * A reference stays one, and nothing else becomes one: serialize() tells the two apart.
     *
     * @param int|string $key
     */
    private function transfer(array &$target, array &$source, $key): void
    {
        if ($this->plain || \ReflectionReference::fromArrayElement($source, $key) === null) {
            $target[$key] = $source[$key];
        } else {
            $target[$key] = &$source[$key];
        }
    }
}
