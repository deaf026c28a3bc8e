<?php

declare(strict_types=1);

namespace PhpSessionBridge\Store;

/** What a conditional write or destroy was told. */
final class WriteResult
{
    public const WRITTEN = 'written';

    /** Somebody else wrote meanwhile. */
    public const CHANGED = 'changed';

    /** Somebody else holds the lock. */
    public const LOCKED = 'locked';

    public string $state;

    /** With CHANGED: what is stored now, null if nothing is. */
    public ?string $bytes;

    public function __construct(string $state, ?string $bytes = null)
    {
        $this->state = $state;
        $this->bytes = $bytes;
    }
}
