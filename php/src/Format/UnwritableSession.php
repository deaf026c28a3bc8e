<?php

declare(strict_types=1);

namespace PhpSessionBridge\Format;

use RuntimeException;

/** Variables that the serialize handler can not hold. */
final class UnwritableSession extends RuntimeException
{
}
