<?php

declare(strict_types=1);

namespace PhpSessionBridge;

use InvalidArgumentException;
use PhpSessionBridge\Store\Keys;
use Redis;
use RedisException;
use SessionHandlerInterface;
use SessionIdInterface;
use SessionUpdateTimestampHandlerInterface;

/**
 * Keeps sessions in Redis under any prefix, as a small hand-written `session:` handler does: one
 * string per session, read with GET, written with SETEX, refreshed with EXPIRE.
 *
 * ```php
 * $redis = new Redis();
 * $redis->connect('redis', 6379);
 * SaveHandler::register($redis, ['prefix' => 'session:', 'gc_maxlifetime' => 3600]);
 * session_start();
 * ```
 *
 * The last write wins, as with phpredis without locks. {@see MergingSaveHandler} has the same
 * keys and bytes and loses nothing.
 */
final class SaveHandler implements
    SessionHandlerInterface,
    SessionIdInterface,
    SessionUpdateTimestampHandlerInterface
{
    private Redis $redis;
    private string $prefix;
    private ?int $lifetime;

    /**
     * @param Redis $redis   a connected client; its own serializer and compression must be off
     * @param array $options `prefix` (default phpredis's `PHPREDIS_SESSION:`), `gc_maxlifetime`
     *                       in seconds (default the ini setting session.gc_maxlifetime)
     */
    public function __construct(Redis $redis, array $options = [])
    {
        $unknown = array_diff(array_keys($options), ['prefix', 'gc_maxlifetime']);
        if ($unknown !== []) {
            throw new InvalidArgumentException('Unknown option: ' . implode(', ', $unknown));
        }
        // A client that serializes wraps the session in a second format (`s:6:"a|i:1;";`), which
        // no other reader of these keys expects.
        if ((int) $redis->getOption(Redis::OPT_SERIALIZER) !== Redis::SERIALIZER_NONE) {
            throw new InvalidArgumentException(
                'The Redis client has a serializer of its own: hand in one without Redis::OPT_SERIALIZER'
            );
        }
        $this->redis = $redis;
        $this->prefix = $options['prefix'] ?? 'PHPREDIS_SESSION:';
        $this->lifetime = $options['gc_maxlifetime'] ?? null;
    }

    /** Makes it the save handler of this request; call it before session_start(). */
    public static function register(Redis $redis, array $options = []): self
    {
        $handler = new self($redis, $options);
        session_set_save_handler($handler, true);

        return $handler;
    }

    public function open($path, $name): bool
    {
        return true;
    }

    public function close(): bool
    {
        return true;
    }

    /**
     * @return string|false false when Redis could not be asked, or when the id names the lock of
     *                      another session: PHP then starts no session, instead of an empty one
     *                      that would overwrite what is stored later
     */
    #[\ReturnTypeWillChange]
    public function read($id)
    {
        if (Keys::isCompanion($id)) {
            return false;
        }
        try {
            $this->redis->clearLastError();
            $bytes = $this->redis->get(Keys::data($this->prefix, $id));
            if (is_string($bytes)) {
                return $bytes;
            }

            // phpredis answers false for an absent key and for an error (a key of another type).
            return $this->redis->getLastError() === null ? '' : false;
        } catch (RedisException $exception) {
            return false;
        }
    }

    public function write($id, $data): bool
    {
        if (Keys::isCompanion($id)) {
            return false;
        }
        try {
            return $this->redis->setex(Keys::data($this->prefix, $id), $this->lifetime(), $data) === true;
        } catch (RedisException $exception) {
            return false;
        }
    }

    /** Nothing changed (session.lazy_write): only the time to live starts anew. */
    public function updateTimestamp($id, $data): bool
    {
        if (Keys::isCompanion($id)) {
            return false;
        }
        try {
            // An answer of 0 means that the session was destroyed meanwhile. That is no failure:
            // this request had nothing to write, and must not bring it back to life.
            $this->redis->expire(Keys::data($this->prefix, $id), $this->lifetime());

            return true;
        } catch (RedisException $exception) {
            return false;
        }
    }

    /** Returns a bool: since PHP 8 the number that DEL answers is a TypeError at logout. */
    public function destroy($id): bool
    {
        if (Keys::isCompanion($id)) {
            return false;
        }
        try {
            return $this->redis->del(Keys::data($this->prefix, $id)) !== false;
        } catch (RedisException $exception) {
            return false;
        }
    }

    /** Redis itself forgets expired sessions. */
    #[\ReturnTypeWillChange]
    public function gc($max_lifetime)
    {
        return 0;
    }

    /**
     * Strict mode (session.use_strict_mode) takes only ids for which this is true.
     *
     * @throws RedisException false would hand the user a new cookie, and so log him out, only
     *                        because Redis could not be asked
     */
    public function validateId($id): bool
    {
        return preg_match('/^[A-Za-z0-9,-]{1,256}$/D', $id) === 1
            && (int) $this->redis->exists(Keys::data($this->prefix, $id)) === 1;
    }

    // phpcs:ignore PSR1.Methods.CamelCapsMethodName -- the name is SessionIdInterface's
    public function create_sid(): string
    {
        return session_create_id();
    }

    private function lifetime(): int
    {
        $seconds = $this->lifetime ?? (int) ini_get('session.gc_maxlifetime');

        // phpredis: a lifetime of 0 or less means 1440, never a key without an expiry.
        return $seconds > 0 ? $seconds : 1440;
    }
}
