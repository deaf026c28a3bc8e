<?php

declare(strict_types=1);

namespace PhpSessionBridge\Store;

use InvalidArgumentException;
use PhpSessionBridge\SessionLost;
use Redis;
use RedisCluster;
use RedisClusterException;
use RedisException;

/**
 * Sessions and their locks in Redis, under phpredis's keys. An id that names another session's lock
 * is refused by every method (SessionLost::BAD_ID), whoever it came from.
 */
final class SessionStore
{
    /** @var Redis|RedisCluster */
    private $redis;
    private string $prefix;

    /** @param Redis|RedisCluster $redis */
    public function __construct($redis, string $prefix)
    {
        if (!$redis instanceof Redis && !$redis instanceof RedisCluster) {
            throw new InvalidArgumentException('The client must be a Redis or a RedisCluster');
        }
        // A client that serializes or compresses wraps the session in a second format, which no
        // other reader of these keys expects.
        if ((int) $redis->getOption(Redis::OPT_SERIALIZER) !== Redis::SERIALIZER_NONE) {
            throw new InvalidArgumentException(
                'The Redis client has a serializer of its own: hand in one without Redis::OPT_SERIALIZER'
            );
        }
        if (defined('Redis::OPT_COMPRESSION') && (int) $redis->getOption(Redis::OPT_COMPRESSION) !== 0) {
            throw new InvalidArgumentException(
                'The Redis client compresses: hand in one without Redis::OPT_COMPRESSION'
            );
        }
        $this->redis = $redis;
        $this->prefix = $prefix;
    }

    /** null if there is none; an empty string is an existing, empty session. */
    public function read(string $id): ?string
    {
        $bytes = $this->ask(function () use ($id) {
            return $this->redis->get($this->key($id));
        });

        return is_string($bytes) ? $bytes : null;
    }

    public function exists(string $id): bool
    {
        return (int) $this->ask(function () use ($id) {
            return $this->redis->exists($this->key($id));
        }) === 1;
    }

    /** Starts the time to live anew; a session that is gone stays gone. */
    public function touch(string $id, int $lifetime): void
    {
        $this->ask(function () use ($id, $lifetime) {
            return $this->redis->expire($this->key($id), $lifetime);
        });
    }

    /**
     * Writes only if the stored bytes still are the expected ones and no foreign lock exists.
     *
     * @param string|null $expected what the writer read; null: the session must still be absent
     * @param string|null $secret   of the lock that the writer holds
     */
    public function writeIf(string $id, string $bytes, ?string $expected, int $lifetime, ?string $secret): WriteResult
    {
        $digest = $expected === null ? '' : sha1($expected);

        // Found bytes that equal ours are no sign of success: another one may have counted from
        // the same number to the same number, and both count.
        return $this->decide(Scripts::WRITE, $id, [$digest, (string) $lifetime, $bytes, $secret ?? '']);
    }

    public function destroyIf(string $id, ?string $secret): WriteResult
    {
        return $this->decide(Scripts::DESTROY, $id, [$secret ?? '']);
    }

    /** Always with an expiry. A lock that already holds our own secret is ours. */
    public function lock(string $id, string $secret, int $expire): bool
    {
        $key = $this->lockKey($id);

        return $this->ask(function () use ($key, $secret, $expire) {
            return $this->redis->set($key, $secret, ['nx', 'px' => $expire * 1000]) === true
                || $this->redis->get($key) === $secret;
        });
    }

    /** Never releases anyone else's lock. */
    public function unlock(string $id, string $secret): void
    {
        $this->script(Scripts::RELEASE, [$this->lockKey($id)], [$secret]);
    }

    private function key(string $id): string
    {
        return Keys::data($this->prefix, self::ownId($id));
    }

    private function lockKey(string $id): string
    {
        return Keys::lock($this->prefix, self::ownId($id));
    }

    /** @throws SessionLost before Redis is asked for anything that lies beside another session */
    private static function ownId(string $id): string
    {
        if (Keys::isCompanion($id)) {
            throw SessionLost::badId();
        }

        return $id;
    }

    private function decide(string $script, string $id, array $arguments): WriteResult
    {
        $answer = $this->script($script, $this->keys($id), $arguments);
        if (!is_array($answer)) {
            throw new StoreError('Redis did not run the script');
        }

        return new WriteResult($answer[0], isset($answer[1]) ? (string) $answer[1] : null);
    }

    /** In a cluster a script may touch two keys only if a {tag} puts both into one slot. */
    private function keys(string $id): array
    {
        $key = $this->key($id);
        $together = $this->redis instanceof Redis || preg_match('/^[^{]*\{[^}]+\}/', $key) === 1;

        return $together ? [$key, $this->lockKey($id)] : [$key];
    }

    /** @return mixed */
    private function script(string $script, array $keys, array $arguments)
    {
        $arguments = array_merge($keys, $arguments);
        try {
            return $this->ask(function () use ($script, $arguments, $keys) {
                return $this->redis->evalSha(sha1($script), $arguments, count($keys));
            });
        } catch (StoreError $error) {
            if (strncmp($error->getMessage(), 'NOSCRIPT', 8) !== 0) {
                throw $error;
            }
        }

        return $this->ask(function () use ($script, $arguments, $keys) {
            return $this->redis->eval($script, $arguments, count($keys));
        });
    }

    /**
     * phpredis reports some errors by an exception and others by an answer of false.
     *
     * @return mixed
     */
    private function ask(callable $command)
    {
        try {
            $this->redis->clearLastError();
            $answer = $command();
            $error = $answer === false ? $this->redis->getLastError() : null;
        } catch (RedisException | RedisClusterException $exception) {
            throw new StoreError($exception->getMessage(), 0, $exception);
        }
        if ($error !== null) {
            throw new StoreError($error);
        }

        return $answer;
    }
}
