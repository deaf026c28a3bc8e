<?php

declare(strict_types=1);

namespace PhpSessionBridge\Store;

/**
 * The decisions that must not be torn apart: nobody can write between the look and the deed.
 * KEYS are the data key and, where both share a slot, the lock key.
 */
final class Scripts
{
    /**
     * ARGV: the digest of the bytes that the writer read (empty: there were none), the TTL in
     * seconds, the bytes, the writer's own lock secret. A digest spares sending the old bytes back.
     */
    public const WRITE = <<<'LUA'
        local holder = KEYS[2] and redis.call('GET', KEYS[2])
        if holder and holder ~= ARGV[4] then return {'locked'} end
        local current = redis.call('GET', KEYS[1])
        if current then
          if redis.sha1hex(current) ~= ARGV[1] then return {'changed', current} end
        elseif ARGV[1] ~= '' then
          return {'changed'}
        end
        redis.call('SETEX', KEYS[1], ARGV[2], ARGV[3])
        return {'written'}
        LUA;

    /** ARGV: the writer's own lock secret. His lock goes with the session. */
    public const DESTROY = <<<'LUA'
        local holder = KEYS[2] and redis.call('GET', KEYS[2])
        if holder and holder ~= ARGV[1] then return {'locked'} end
        redis.call('DEL', KEYS[1])
        if holder then redis.call('DEL', KEYS[2]) end
        return {'written'}
        LUA;

    /** To the letter phpredis's own, so that both share one entry of the server's script cache. */
    public const RELEASE =
        'if redis.call("get",KEYS[1]) == ARGV[1] then return redis.call("del",KEYS[1]) else return 0 end';
}
