<?php

declare(strict_types=1);

namespace PhpSessionBridge\Format;

/** One of PHP's serialize handlers (session.serialize_handler): bytes to variables and back. */
interface SessionFormat
{
    /**
     * Refuses bytes that PHP's own decoder would take for an empty session, or for something that
     * it then can not write back. What PHP itself refuses need not be refused here.
     *
     * @throws UnreadableSession
     */
    public function check(string $bytes): void;

    /** Whether the bytes certainly hold neither objects nor references. */
    public function isPlain(string $bytes): bool;

    /** What the decoded variables may hold in several places: a constant of Sharing. */
    public function sharing(string $bytes): int;

    /**
     * The variables for a merge: objects are opaque, nothing is written into $_SESSION.
     *
     * @return array<int|string, mixed>
     * @throws UnreadableSession
     */
    public function decode(string $bytes): array;

    /**
     * The bytes that PHP's own session_encode() would make of what decode() returned.
     *
     * @param array<int|string, mixed> $variables
     * @param bool                     $plain     there are certainly neither objects nor references in them
     * @throws UnwritableSession
     */
    public function encode(array $variables, bool $plain = false): string;

    /**
     * The variables as an application sees them, with objects of its own classes.
     *
     * @return array<int|string, mixed>
     * @throws UnreadableSession
     */
    public function decodeLive(string $bytes): array;

    /**
     * @param array<int|string, mixed> $variables
     * @throws UnwritableSession
     */
    public function encodeLive(array $variables): string;
}
