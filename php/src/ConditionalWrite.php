<?php

declare(strict_types=1);

namespace PhpSessionBridge;

use PhpSessionBridge\Format\SessionFormat;
use PhpSessionBridge\Format\UnreadableSession;
use PhpSessionBridge\Format\UnwritableSession;
use PhpSessionBridge\Merge\Verdict;
use PhpSessionBridge\Store\SessionStore;
use PhpSessionBridge\Store\StoreError;
use PhpSessionBridge\Store\WriteResult;

/** One session's write: only over the bytes that it was made for, else made anew for fresher ones. */
final class ConditionalWrite
{
    /** Attempts against other writers. */
    private const ATTEMPTS = 64;

    /** The first ones follow at once; the later ones pause, by chance, so as not to meet again. */
    private const AT_ONCE = 2;

    /** Microseconds. */
    private const SHORTEST_PAUSE = 50;
    private const LONGEST_PAUSE = 100000;

    private SessionStore $store;
    private Options $options;
    private SessionFormat $format;
    private string $id;
    private ?string $secret;

    /** @param string|null $secret of the lock that the writer holds */
    public function __construct(
        SessionStore $store,
        Options $options,
        SessionFormat $format,
        string $id,
        ?string $secret
    ) {
        $this->store = $store;
        $this->options = $options;
        $this->format = $format;
        $this->id = $id;
        $this->secret = $secret;
    }

    /**
     * @param string      $bytes    what to write if `$expected` is stored still
     * @param string|null $expected null: the session must be absent
     * @param string|null $seen     the newest bytes that are known to be of the same session
     * @param callable    $again    fn (string $current): string, what to write over other bytes
     * @return string what is stored now
     * @throws SessionLost
     * @throws StoreError
     */
    public function run(string $bytes, ?string $expected, ?string $seen, callable $again): string
    {
        $cost = self::SHORTEST_PAUSE;
        for ($attempt = 0; $attempt < self::ATTEMPTS; $attempt++) {
            $result = $this->attempt($bytes, $expected);
            if ($result->state === WriteResult::WRITTEN) {
                return $bytes;
            }
            $current = $attempt < self::AT_ONCE ? $result->bytes : $this->readLater($cost * 2 ** min($attempt, 6));
            $started = hrtime(true);
            $this->refuseStranger($seen, $current);
            $expected = $seen = $current;
            if ($expected === null) {
                // Absent, as it always was for this writer.
                continue;
            }
            $bytes = $this->encode($again, $expected);
            $cost = max(self::SHORTEST_PAUSE, intdiv(hrtime(true) - $started, 1000));
            if ($bytes === $expected) {
                $this->store->touch($this->id, $this->options->lifetime());

                return $bytes;
            }
        }
        throw new SessionLost(
            SessionLost::CONTENDED,
            'The session was not written: others wrote during each of ' . self::ATTEMPTS . ' attempts'
        );
    }

    /** @throws SessionLost if what is stored now is not the session that the writer knows */
    public function refuseStranger(?string $seen, ?string $current): void
    {
        if ($seen === $current) {
            return;
        }
        $verdict = $this->guard(function () use ($seen, $current): string {
            $identity = $this->options->identity;
            $decode = function (?string $bytes) use ($identity): ?array {
                if ($bytes === null) {
                    return null;
                }

                return $identity->needsLive() ? $this->format->decodeLive($bytes) : $this->format->decode($bytes);
            };

            return Verdict::of($decode($seen), $decode($current), $identity);
        });
        if ($verdict === Verdict::GONE) {
            throw SessionLost::gone();
        }
        if ($verdict === Verdict::REPLACED) {
            throw SessionLost::replaced();
        }
    }

    /**
     * The bytes to write over the current ones.
     *
     * @param callable $again fn (?string $current): string
     * @throws SessionLost if either can not be read or written in this format
     */
    public function encode(callable $again, ?string $current): string
    {
        return $this->guard(static function () use ($again, $current): string {
            return $again($current);
        });
    }

    /**
     * Between the look and the write there must be no pause: it would make the next conflict sure.
     *
     * @param int $pause microseconds at most. Many writers of a large session get on only if most
     *                   of them stand aside for as long as the work of the others takes.
     */
    private function readLater(int $pause): ?string
    {
        usleep(random_int(0, min(self::LONGEST_PAUSE, $pause)));

        return $this->store->read($this->id);
    }

    private function attempt(string $bytes, ?string $expected): WriteResult
    {
        $result = $this->options->patience->until(function () use ($bytes, $expected): ?WriteResult {
            $lifetime = $this->options->lifetime();
            $result = $this->store->writeIf($this->id, $bytes, $expected, $lifetime, $this->secret);

            return $result->state === WriteResult::LOCKED ? null : $result;
        });
        if ($result === null) {
            throw SessionLost::locked();
        }

        return $result;
    }

    private function guard(callable $body): string
    {
        try {
            return $body();
        } catch (UnreadableSession $exception) {
            throw SessionLost::unreadable($exception->getMessage(), $exception);
        } catch (UnwritableSession $exception) {
            throw new SessionLost(SessionLost::UNWRITABLE, $exception->getMessage(), $exception);
        }
    }
}
