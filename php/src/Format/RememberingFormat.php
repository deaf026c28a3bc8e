<?php

declare(strict_types=1);

namespace PhpSessionBridge\Format;

/**
 * Decodes the same bytes once: a write that meets another one compares, merges and tries again,
 * and looks at what it read, what it wants and what is stored each time.
 */
final class RememberingFormat implements SessionFormat
{
    /** What was read, what shall be written, what is stored now. */
    private const LIMIT = 3;

    private SessionFormat $format;

    /** @var array<string, array<int|string, mixed>> by digest of the bytes, the last used one last */
    private array $decoded = [];

    public function __construct(SessionFormat $format)
    {
        $this->format = $format;
    }

    public function check(string $bytes): void
    {
        $this->format->check($bytes);
    }

    public function isPlain(string $bytes): bool
    {
        return $this->format->isPlain($bytes);
    }

    public function sharing(string $bytes): int
    {
        return $this->format->sharing($bytes);
    }

    public function decode(string $bytes): array
    {
        $digest = sha1($bytes, true);
        $variables = $this->decoded[$digest] ?? $this->format->decode($bytes);
        unset($this->decoded[$digest]);
        $this->decoded[$digest] = $variables;
        if (count($this->decoded) > self::LIMIT) {
            array_shift($this->decoded);
        }

        return $variables;
    }

    public function encode(array $variables, bool $plain = false): string
    {
        return $this->format->encode($variables, $plain);
    }

    public function decodeLive(string $bytes): array
    {
        // Without objects there is no difference; an application that gets objects must get its own.
        return $this->isPlain($bytes) ? $this->decode($bytes) : $this->format->decodeLive($bytes);
    }

    public function encodeLive(array $variables): string
    {
        return $this->format->encodeLive($variables);
    }
}
