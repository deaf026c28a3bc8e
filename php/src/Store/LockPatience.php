<?php

declare(strict_types=1);

namespace PhpSessionBridge\Store;

/** How long one waits for somebody else's lock: phpredis's lock_retries and lock_wait_time. */
final class LockPatience
{
    private int $retries;
    private int $waitTime;

    /**
     * @param int $retries  -1 for ever
     * @param int $waitTime microseconds between two attempts
     */
    public function __construct(int $retries, int $waitTime)
    {
        $this->retries = $retries;
        $this->waitTime = $waitTime;
    }

    /**
     * Calls the attempt until it answers something else than null.
     *
     * @return mixed null when the patience is over
     */
    public function until(callable $attempt)
    {
        for ($tries = 0;; $tries++) {
            $answer = $attempt();
            if ($answer !== null || ($this->retries >= 0 && $tries >= $this->retries)) {
                return $answer;
            }
            usleep($this->waitTime);
        }
    }
}
