<?php

declare(strict_types=1);

namespace PhpSessionBridge\Format;

use InvalidArgumentException;

/** The format behind a name of session.serialize_handler. */
final class Formats
{
    public static function of(string $handler): SessionFormat
    {
        switch ($handler) {
            case 'php':
            case 'php_binary':
            case 'php_serialize':
                return new TextFormat($handler);
            case 'igbinary':
            case 'msgpack':
                return new BinaryFormat($handler);
            default:
                throw new InvalidArgumentException("Unknown session.serialize_handler: $handler");
        }
    }
}
