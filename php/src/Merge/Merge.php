<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

use PhpSessionBridge\Format\UnreadableSession;

/**
 * The three-way merge of session variables: what this request changed goes into what is stored
 * now. The Node side follows the same rules; test/fixtures/merge-cases.json binds both.
 */
final class Merge
{
    public const OURS = 'ours';
    public const THEIRS = 'theirs';
    public const DELETED = 'deleted';

    private Decisions $decisions;

    /** @var callable|null */
    private $onConflict;

    /**
     * @param callable|null $onConflict `fn (string $path): ?string` may answer Merge::THEIRS to keep
     *                                  the stored value where both sides changed the same one
     */
    public function __construct(?callable $onConflict = null)
    {
        $this->onConflict = $onConflict;
        $this->decisions = new Decisions(null);
    }

    /**
     * Changes and additions of both sides live on, a deletion wins over a change, and where both
     * changed the same value ours is taken, which is reported.
     *
     * @param int $sharing what there may be in any of them, a constant of Sharing
     * @throws UnreadableSession if arrays are nested too deep
     */
    public function merge(array $base, array $ours, array $theirs, int $sharing = Sharing::REFERENCES): array
    {
        // A merge makes many objects and no cycles: to look for some took as long as the merge.
        $collects = gc_enabled();
        gc_disable();
        $precision = self::tellFloatsApart();
        try {
            $this->decisions = new Decisions($this->asking($precision));
            $numbers = new ValueNumbers();

            return self::carryOut(new MapMerge(
                Slots::of($base, $numbers, $sharing),
                Slots::of($ours, $numbers, $sharing),
                Slots::of($theirs, $numbers, $sharing),
                null,
                $this->decisions
            ));
        } finally {
            if ($precision !== null) {
                ini_set('serialize_precision', $precision);
            }
            if ($collects) {
                gc_enable();
            }
        }
    }

    /** @return list<array{path: string, resolution: string}> of the last merge, in its order */
    public function conflicts(): array
    {
        return $this->decisions->conflicts();
    }

    private static function carryOut(Part $part): array
    {
        $parts = [$part];
        for (;;) {
            $part = $parts[count($parts) - 1];
            $inner = $part->next();
            if ($inner !== null) {
                $parts[] = $inner;
                continue;
            }
            array_pop($parts);
            if ($parts === []) {
                return $part->merged();
            }
            $parts[count($parts) - 1]->accept($part->merged());
        }
    }

    /**
     * Below 17 digits serialize() may write two floats alike. PHP's own default (-1) is as good.
     *
     * @return string|null the setting to go back to, null if it was not changed
     */
    private static function tellFloatsApart(): ?string
    {
        $precision = (string) ini_get('serialize_precision');
        if ((int) $precision === -1 || (int) $precision >= 17) {
            return null;
        }
        ini_set('serialize_precision', '17');

        return $precision;
    }

    /** The application's own code runs under its own setting. */
    private function asking(?string $precision): ?callable
    {
        $onConflict = $this->onConflict;
        if ($onConflict === null || $precision === null) {
            return $onConflict;
        }

        return static function (string $path) use ($onConflict, $precision) {
            ini_set('serialize_precision', $precision);
            try {
                return $onConflict($path);
            } finally {
                self::tellFloatsApart();
            }
        };
    }
}
