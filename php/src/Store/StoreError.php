<?php

declare(strict_types=1);

namespace PhpSessionBridge\Store;

use RuntimeException;

/** Redis could not be asked, or answered with an error. */
final class StoreError extends RuntimeException
{
}
