<?php

declare(strict_types=1);

namespace PhpSessionBridge\Store;

/** The names of a session's keys in Redis. */
final class Keys
{
    /** phpredis: the data key + "_LOCK". */
    private const LOCK = '_LOCK';

    /**
     * Whether the id names what lies beside another session: its lock (`<id>_LOCK`), or anything
     * else of that shape, as `<id>_REVOKED` and `<id>_MOVED`. PHP makes no id with an
     * underscore, but without session.use_strict_mode it takes any from the cookie.
     */
    public static function isCompanion(string $id): bool
    {
        return preg_match('/_[A-Z]+$/D', $id) === 1;
    }

    public static function data(string $prefix, string $id): string
    {
        return $prefix . $id;
    }

    public static function lock(string $prefix, string $id): string
    {
        return $prefix . $id . self::LOCK;
    }
}
