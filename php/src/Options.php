<?php

declare(strict_types=1);

namespace PhpSessionBridge;

use InvalidArgumentException;
use PhpSessionBridge\Merge\Identity;
use PhpSessionBridge\Store\LockPatience;

/** The options of {@see MergingSaveHandler}, named as the ini settings are. */
final class Options
{
    private const NAMES = [
        'prefix', 'gc_maxlifetime', 'locking_enabled', 'lock_expire', 'lock_retries', 'lock_wait_time',
        'identity', 'on_lost', 'on_conflict',
    ];

    public string $prefix;
    public bool $lockingEnabled;

    /** Seconds. */
    public int $lockExpire;
    public LockPatience $patience;

    public Identity $identity;

    /** @var callable|null */
    public $onLost;

    /** @var callable|null */
    public $onConflict;

    private ?int $lifetime;

    public function __construct(array $options)
    {
        $unknown = array_diff(array_keys($options), self::NAMES);
        if ($unknown !== []) {
            throw new InvalidArgumentException('Unknown option: ' . implode(', ', $unknown));
        }
        $this->prefix = $options['prefix'] ?? 'PHPREDIS_SESSION:';
        $this->lifetime = $options['gc_maxlifetime'] ?? null;
        $this->lockingEnabled = $options['locking_enabled']
            ?? filter_var(ini_get('redis.session.locking_enabled'), FILTER_VALIDATE_BOOLEAN);
        // phpredis takes 0 for max_execution_time, which on the command line is for ever: a
        // process that dies would block its session.
        $expire = $options['lock_expire'] ?? (int) ini_get('redis.session.lock_expire');
        $this->lockExpire = $expire > 0 ? $expire : 30;
        $this->patience = new LockPatience($options['lock_retries'] ?? 100, $options['lock_wait_time'] ?? 20000);
        $this->identity = new Identity($options['identity'] ?? []);
        $this->onLost = $options['on_lost'] ?? null;
        $this->onConflict = $options['on_conflict'] ?? null;
    }

    /** Seconds; asked at each write, because phpredis honours an ini_set() as well. */
    public function lifetime(): int
    {
        $seconds = $this->lifetime ?? (int) ini_get('session.gc_maxlifetime');

        // phpredis: a lifetime of 0 or less means 1440, never a key without an expiry.
        return $seconds > 0 ? min($seconds, 2147483647) : 1440;
    }
}
