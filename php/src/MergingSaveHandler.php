<?php

declare(strict_types=1);

namespace PhpSessionBridge;

use LogicException;
use PhpSessionBridge\Format\Formats;
use PhpSessionBridge\Format\RememberingFormat;
use PhpSessionBridge\Format\SessionFormat;
use PhpSessionBridge\Format\UnreadableSession;
use PhpSessionBridge\Merge\Merge;
use PhpSessionBridge\Store\SessionStore;
use PhpSessionBridge\Store\StoreError;
use PhpSessionBridge\Store\WriteResult;
use Redis;
use RedisCluster;
use SessionHandlerInterface;
use SessionIdInterface;
use SessionUpdateTimestampHandlerInterface;

/**
 * phpredis's save handler, without its lost updates: the same keys, bytes, TTL and lock, but a
 * request writes only if nobody wrote since it read. If somebody did, what both changed is merged.
 *
 * ```php
 * $redis = new Redis();
 * $redis->connect('redis', 6379);
 * MergingSaveHandler::register($redis, ['identity' => ['userid']]);
 * session_start();
 * ```
 */
final class MergingSaveHandler implements
    SessionHandlerInterface,
    SessionIdInterface,
    SessionUpdateTimestampHandlerInterface
{
    private Options $options;
    private SessionStore $store;

    /**
     * By id: `base`, the bytes that the request's variables grew from, and `seen`, those that we
     * last read or wrote. They part when we merge: what others changed is stored, not in $_SESSION.
     *
     * @var array<string, array{base: ?string, seen: ?string}>
     */
    private array $sessions = [];

    /** @var array<string, string> the secrets of the locks that we hold, by id */
    private array $locks = [];

    /**
     * @param Redis|RedisCluster $redis   a connected client without serializer and compression
     * @param array              $options `prefix` (PHPREDIS_SESSION:), `gc_maxlifetime` (seconds),
     *     `identity` (what tells whose session it is: names of variables and paths, `user.id`, or
     *     fn (array $variables): mixed), `on_lost` (fn (SessionLost $lost): void, instead of an
     *     E_USER_WARNING), `on_conflict`
     *     (fn (string $path): ?string, 'theirs' keeps the stored value), `locking_enabled`,
     *     `lock_expire` (seconds), `lock_retries` (-1: for ever), `lock_wait_time` (microseconds)
     */
    public function __construct($redis, array $options = [])
    {
        $this->options = new Options($options);
        $this->store = new SessionStore($redis, $this->options->prefix);
    }

    /**
     * Makes it the save handler of this request; call it before session_start().
     *
     * @param Redis|RedisCluster $redis
     */
    public static function register($redis, array $options = []): self
    {
        $handler = new self($redis, $options);
        session_set_save_handler($handler, true);

        return $handler;
    }

    public function open($path, $name): bool
    {
        return true;
    }

    /** The end of the session in this request, however it came about: locks are released. */
    public function close(): bool
    {
        $released = true;
        foreach ($this->locks as $id => $secret) {
            try {
                $this->store->unlock((string) $id, $secret);
            } catch (StoreError $error) {
                // It expires by itself.
                $released = false;
            }
        }
        $this->locks = [];
        $this->sessions = [];

        return $released;
    }

    /**
     * @return string|false false when the session can not be had: PHP then starts none, instead of
     *                      an empty one that would overwrite the stored one later
     */
    #[\ReturnTypeWillChange]
    public function read($id)
    {
        try {
            $this->lock($id);
            $bytes = $this->store->read($id);
            self::format()->check((string) $bytes);
        } catch (UnreadableSession $exception) {
            return $this->lose(SessionLost::unreadable($exception->getMessage(), $exception));
        } catch (SessionLost $lost) {
            return $this->lose($lost);
        } catch (StoreError $error) {
            return $this->lose(SessionLost::store('read', $error));
        }
        $this->sessions[$id] = ['base' => $bytes, 'seen' => $bytes];

        return $bytes ?? '';
    }

    /** Stores the request's changes, merged with what others stored since it read. */
    public function write($id, $data): bool
    {
        ['base' => $base, 'seen' => $seen] = $this->sessions[$id] ?? ['base' => null, 'seen' => null];
        // Under session.lazy_write PHP does not even ask.
        if ($base === $data) {
            return $this->updateTimestamp($id, $data);
        }
        try {
            $this->refuseSilentLoss($id, $data);
            $format = self::format();
            $again = function (string $current) use ($data, $base, $format): string {
                return $this->merge($format, $base ?? '', $data, $current);
            };
            $write = $this->conditionalWrite($id, $format);
            // Since update() stored something, the request's own bytes are not the whole session.
            $bytes = $seen === null || $seen === $base ? $data : $write->encode($again, $seen);
            $seen = $write->run($bytes, $seen, $seen, $again);
        } catch (SessionLost $lost) {
            return $this->lose($lost);
        } catch (StoreError $error) {
            return $this->lose(SessionLost::store('write', $error));
        }
        $this->sessions[$id] = ['base' => $data, 'seen' => $seen];

        return true;
    }

    /**
     * Changes the stored session in a way that no other writer can undo: for what depends on the
     * old value, a counter or a list. The change is applied to the variables as they are stored
     * now, and again to fresher ones until nobody wrote in between; so it must do nothing else.
     *
     * ```php
     * $hits = $handler->update(function (array &$variables) {
     *     return $variables['hits'] = ($variables['hits'] ?? 0) + 1;
     * });
     * ```
     *
     * $_SESSION stays as it was read: leave the same variable alone there, then the request's own
     * write keeps what update() stored.
     *
     * @param callable    $change fn (array &$variables): mixed
     * @param string|null $id     the open session's, if none is given
     * @return mixed what the change returned
     * @throws SessionLost
     */
    public function update(callable $change, ?string $id = null)
    {
        $id = $id ?? (string) session_id();
        if ($id === '') {
            throw new LogicException('update() needs an open session, or the id of one');
        }
        $format = self::format();
        $result = null;
        $apply = static function (?string $current) use ($change, $format, &$result): string {
            $variables = $current === null ? [] : $format->decodeLive($current);
            $result = $change($variables);

            return $format->encodeLive($variables);
        };
        try {
            $write = $this->conditionalWrite($id, $format);
            $current = $this->store->read($id);
            if (isset($this->sessions[$id])) {
                $write->refuseStranger($this->sessions[$id]['seen'], $current);
            } elseif ($current === null) {
                throw SessionLost::gone();
            }
            $seen = $write->run($write->encode($apply, $current), $current, $current, $apply);
        } catch (StoreError $error) {
            throw SessionLost::store('update', $error);
        }
        if (isset($this->sessions[$id])) {
            $this->sessions[$id]['seen'] = $seen;
        }

        return $result;
    }

    /** Nothing changed (session.lazy_write): only the time to live starts anew. */
    public function updateTimestamp($id, $data): bool
    {
        try {
            // If the session was destroyed meanwhile it stays so. That is no failure: this request
            // had nothing to write.
            $this->store->touch($id, $this->options->lifetime());
        } catch (SessionLost $lost) {
            return $this->lose($lost);
        } catch (StoreError $error) {
            return $this->lose(SessionLost::store('refresh', $error));
        }

        return true;
    }

    public function destroy($id): bool
    {
        // PHP destroys what it could not decode. A wrong setting must not delete people's sessions.
        if (Caller::isDecoding()) {
            return $this->lose(SessionLost::unreadable('The stored session is not readable as ' . self::handler()));
        }
        try {
            $done = $this->destroyStored($id);
        } catch (SessionLost $lost) {
            return $this->lose($lost);
        } catch (StoreError $error) {
            return $this->lose(SessionLost::store('destroy', $error));
        }
        if ($done === null) {
            return $this->lose(SessionLost::locked());
        }
        unset($this->sessions[$id]);

        return true;
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
     * @throws StoreError false would hand the user a new cookie, and so log him out, only because
     *                    Redis could not be asked
     */
    public function validateId($id): bool
    {
        // No underscore: `<id>_LOCK` is another session's lock.
        return preg_match('/^[A-Za-z0-9,-]{1,256}$/D', $id) === 1 && $this->store->exists($id);
    }

    // phpcs:ignore PSR1.Methods.CamelCapsMethodName -- the name is SessionIdInterface's
    public function create_sid(): string
    {
        return session_create_id();
    }

    /**
     * @return true|null null if somebody else keeps the lock
     * @throws SessionLost
     * @throws StoreError
     */
    private function destroyStored(string $id): ?bool
    {
        $destroy = function () use ($id): ?bool {
            $result = $this->store->destroyIf($id, $this->locks[$id] ?? null);

            return $result->state === WriteResult::LOCKED ? null : true;
        };
        try {
            return $this->options->patience->until($destroy);
        } catch (StoreError $error) {
            // Only the reply may be lost, and the session destroyed. Under session_regenerate_id(true)
            // PHP would then give up the new session as well; to destroy twice does no harm.
            return $this->options->patience->until($destroy);
        }
    }

    private function merge(SessionFormat $format, string $base, string $ours, string $theirs): string
    {
        $versions = [$base, $ours, $theirs];
        $sharing = max(array_map([$format, 'sharing'], $versions));
        $plain = array_filter(array_map([$format, 'isPlain'], $versions)) === [true, true, true];
        [$base, $ours, $theirs] = array_map([$format, 'decode'], $versions);
        $merge = new Merge($this->options->onConflict);

        return $format->encode($merge->merge($base, $ours, $theirs, $sharing), $plain);
    }

    /**
     * Under the handlers php and php_binary PHP encodes variables with an impossible name to
     * nothing at all, and would store that: the whole session would be lost without an error.
     */
    private function refuseSilentLoss(string $id, string $data): void
    {
        if ($data === '' && ($_SESSION ?? []) !== [] && session_id() === $id) {
            throw new SessionLost(
                SessionLost::UNWRITABLE,
                'The session was not written: a variable has a name that session.serialize_handler = '
                . self::handler() . ' can not hold (a number, or one with "|")'
            );
        }
    }

    /** @throws SessionLost */
    private function lock(string $id): void
    {
        if (!$this->options->lockingEnabled || isset($this->locks[$id])) {
            return;
        }
        $secret = bin2hex(random_bytes(16));
        $locked = $this->options->patience->until(function () use ($id, $secret): ?bool {
            return $this->store->lock($id, $secret, $this->options->lockExpire) ? true : null;
        });
        if ($locked === null) {
            throw SessionLost::locked();
        }
        $this->locks[$id] = $secret;
    }

    /** Reports what was not stored; the answer for PHP is false. */
    private function lose(SessionLost $lost): bool
    {
        if ($this->options->onLost !== null) {
            ($this->options->onLost)($lost);
        } else {
            trigger_error($lost->getMessage(), E_USER_WARNING);
        }

        return false;
    }

    private static function format(): SessionFormat
    {
        return new RememberingFormat(Formats::of(self::handler()));
    }

    private static function handler(): string
    {
        return (string) ini_get('session.serialize_handler');
    }

    private function conditionalWrite(string $id, SessionFormat $format): ConditionalWrite
    {
        return new ConditionalWrite($this->store, $this->options, $format, $id, $this->locks[$id] ?? null);
    }
}
