<?php

/**
 * What the tests that need Redis share. `PSB_REDIS` names the server; it may be reached by a
 * Unix socket as well.
 */

declare(strict_types=1);

namespace PhpSessionBridge\Tests;

use PhpSessionBridge\MergingSaveHandler;
use PhpSessionBridge\SessionLost;
use Redis;

function hasRedis(): bool
{
    return (string) getenv('PSB_REDIS') !== '';
}

function connect(): Redis
{
    $redis = new Redis();
    $parts = explode(':', (string) getenv('PSB_REDIS'));
    isset($parts[1]) ? $redis->connect($parts[0], (int) $parts[1]) : $redis->connect($parts[0]);

    return $redis;
}

/** The tests' own connection, to an empty database. */
function emptied(): Redis
{
    static $redis = null;
    $redis = $redis ?? connect();
    $redis->flushAll();

    return $redis;
}

const ID = 'abcdefghijklmnopqrstuvwxyz';
const KEY = 'PHPREDIS_SESSION:' . ID;

/** Does what it is told, but the replies to some scripts are lost. */
abstract class LossyRedis extends Redis
{
    /** How many replies to lose. */
    public int $losses = 0;

    /** @return static */
    public static function connected()
    {
        $redis = new static();
        $parts = explode(':', (string) getenv('PSB_REDIS'));
        isset($parts[1]) ? $redis->connect($parts[0], (int) $parts[1]) : $redis->connect($parts[0]);

        return $redis;
    }

    /**
     * @param mixed $answer
     * @return mixed
     */
    protected function lose($answer)
    {
        if ($answer !== false && $this->losses > 0) {
            $this->losses--;
            throw new \RedisException('read error on connection');
        }

        return $answer;
    }
}

// phpredis 6 declares what evalsha() returns, and 5 does not: a word that PHP 7.4 does not know.
$returns = (new \ReflectionMethod(Redis::class, 'evalsha'))->hasReturnType() ? ': mixed' : '';
eval('namespace ' . __NAMESPACE__ . '; final class LosingRedis extends LossyRedis
{
    public function evalsha($sha1, $args = [], $num_keys = 0)' . $returns . '
    {
        return $this->lose(parent::evalsha($sha1, $args, $num_keys));
    }
}');

/** One request with the session ID: what it is told about losses, and what PHP says. */
final class Request
{
    public MergingSaveHandler $handler;
    public bool $started;

    /** Whether PHP had nothing to say about the write; session_write_close() is always true. */
    public bool $closed = false;

    /** @var list<string> reasons of SessionLost */
    public array $lost = [];

    /** @var list<string> paths */
    public array $conflicts = [];

    /** @var list<string> PHP's own warnings */
    public array $warnings = [];

    private function __construct(array $options)
    {
        $this->handler = new MergingSaveHandler($options['redis'] ?? connect(), array_diff_key($options, [
            'redis' => 0, 'serialize_handler' => 0, 'id' => 0, 'ini' => 0,
        ]) + [
            'on_lost' => function (SessionLost $lost): void {
                $this->lost[] = $lost->reason();
            },
            'on_conflict' => function (string $path): ?string {
                $this->conflicts[] = $path;

                return null;
            },
            'lock_retries' => 3,
            'lock_wait_time' => 1000,
        ]);
    }

    /**
     * @param callable $body fn (Request $request): void, runs while the session is open
     */
    public static function run(callable $body, array $options = []): self
    {
        $request = new self($options);
        ini_set('session.serialize_handler', $options['serialize_handler'] ?? 'php');
        set_error_handler(static function (int $level, string $message) use ($request): bool {
            $request->warnings[] = $message;

            return true;
        });
        try {
            session_set_save_handler($request->handler, false);
            session_id($options['id'] ?? ID);
            $request->started = session_start(($options['ini'] ?? []) + [
                'use_cookies' => 0, 'cache_limiter' => '', 'use_strict_mode' => 0, 'lazy_write' => 1,
            ]);
            if ($request->started) {
                $body($request);
            }
            if (session_status() === PHP_SESSION_ACTIVE) {
                session_write_close();
                $request->closed = strpos(implode($request->warnings), 'Failed to write session data') === false;
            }
        } finally {
            restore_error_handler();
            if (session_status() === PHP_SESSION_ACTIVE) {
                session_abort();
            }
            session_id('');
            $_SESSION = [];
        }

        return $request;
    }
}
