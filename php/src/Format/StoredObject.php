<?php

declare(strict_types=1);

namespace PhpSessionBridge\Format;

/**
 * An object as it lies in the session, without its class being loaded: a merge looks at what is
 * stored and must neither wake objects up nor depend on which classes this service happens to know.
 */
final class StoredObject
{
    public const PLAIN = 'O';
    public const SERIALIZABLE = 'C';
    public const ENUM = 'E';

    public string $kind;
    public string $class;

    /**
     * The body of a plain object, by the text of the key (`s:4:"name";` or `i:0;`): an object that
     * `__serialize()` made may hold the property "5" and the key 5 side by side, an array can not.
     */
    public array $entries = [];

    /** The case of an enum, or the opaque payload of a Serializable object. */
    public string $payload = '';

    public function __construct(string $kind, string $class)
    {
        $this->kind = $kind;
        $this->class = $class;
    }
}
