<?php

declare(strict_types=1);

namespace PhpSessionBridge\Format;

use RuntimeException;

/** Stored bytes that are no session in the expected format. Names the place, never the value. */
final class UnreadableSession extends RuntimeException
{
}
