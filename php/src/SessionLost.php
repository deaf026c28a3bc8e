<?php

declare(strict_types=1);

namespace PhpSessionBridge;

use RuntimeException;
use Throwable;

/** A change that was not stored. Says why, and never holds an id or a value. */
final class SessionLost extends RuntimeException
{
    /** The session was destroyed meanwhile: writing would bring it back to life. */
    public const GONE = 'gone';

    /** Another login stands under the same id now. */
    public const REPLACED = 'replaced';

    /** Somebody else kept the lock for longer than we wait. */
    public const LOCKED = 'locked';

    /** The stored bytes are no session in this serialize handler. They were left as they are. */
    public const UNREADABLE = 'unreadable';

    /** The serialize handler can not hold these variables. */
    public const UNWRITABLE = 'unwritable';

    /** Others wrote so often that every attempt found newer bytes. */
    public const CONTENDED = 'contended';

    /** The id names another session's lock, or another mark beside a session. */
    public const BAD_ID = 'bad id';

    /** Redis did not answer, or refused. The write may or may not have happened. */
    public const STORE = 'store';

    private string $reason;

    public function __construct(string $reason, string $message, ?Throwable $previous = null)
    {
        parent::__construct($message, 0, $previous);
        $this->reason = $reason;
    }

    public static function gone(): self
    {
        return new self(self::GONE, 'The session was not written: it was destroyed meanwhile');
    }

    public static function replaced(): self
    {
        return new self(self::REPLACED, 'The session was not written: another login stands under its id now');
    }

    public static function locked(): self
    {
        return new self(self::LOCKED, 'The lock of the session was not free within the time to wait');
    }

    public static function badId(): self
    {
        return new self(self::BAD_ID, 'The session id names the lock of another session');
    }

    public static function unreadable(string $what, ?Throwable $previous = null): self
    {
        return new self(self::UNREADABLE, "$what; it was left as it is", $previous);
    }

    /** @param string $deed what the store failed to do */
    public static function store(string $deed, Throwable $previous): self
    {
        return new self(self::STORE, "The session store failed to $deed: {$previous->getMessage()}", $previous);
    }

    /** One of the constants. */
    public function reason(): string
    {
        return $this->reason;
    }
}
