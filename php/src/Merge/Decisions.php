<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

/** What one merge had to decide: whom it asks, and what it reports. */
final class Decisions
{
    /** @var list<array{0: Path, 1: string}> in the order of the decisions */
    private array $found = [];

    /** @var callable|null */
    private $onConflict;

    /** @param callable|null $onConflict `fn (string $path): ?string` */
    public function __construct(?callable $onConflict)
    {
        $this->onConflict = $onConflict;
    }

    /** @return list<array{path: string, resolution: string}> */
    public function conflicts(): array
    {
        return array_map(static function (array $conflict): array {
            return ['path' => $conflict[0]->text(), 'resolution' => $conflict[1]];
        }, $this->found);
    }

    /**
     * Both sides changed what stands in these places, which one answer decides for all of them.
     *
     * @param non-empty-list<Path> $places
     * @return string Merge::OURS or Merge::THEIRS
     */
    public function settle(array $places): string
    {
        $resolution = Merge::OURS;
        foreach ($this->onConflict === null ? [] : $places as $place) {
            if (($this->onConflict)($place->text()) === Merge::THEIRS) {
                $resolution = Merge::THEIRS;
                break;
            }
        }
        foreach ($places as $place) {
            $this->report($place, $resolution);
        }

        return $resolution;
    }

    public function report(Path $place, string $resolution): void
    {
        $this->found[] = [$place, $resolution];
    }
}
