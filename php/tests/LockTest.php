<?php

declare(strict_types=1);

namespace PhpSessionBridge\Tests;

use PhpSessionBridge\Store\Scripts;

require_once __DIR__ . '/redis.php';

test('lock: the release script is phpredis\'s own', static function (): void {
    same('b70c2384248f88e6b75b9f89241a180f856ad852', sha1(Scripts::RELEASE));
});

if (!hasRedis()) {
    return;
}

const LOCK = KEY . '_LOCK';

test('lock: taken before the read, with an expiry, released at the end', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, 'a|i:1;');
    $request = Request::run(static function () use ($redis): void {
        same(1, preg_match('/^[0-9a-f]{32}$/', $redis->get(LOCK)));
        $left = $redis->pttl(LOCK);
        same(true, $left > 55000 && $left <= 60000);
        $_SESSION['a'] = 2;
    }, ['locking_enabled' => true, 'lock_expire' => 60]);
    same(true, $request->closed);
    same(0, $redis->exists(LOCK));
    same('a|i:2;', $redis->get(KEY));
});

test('lock: released in every outcome', static function (): void {
    $redis = emptied();
    $outcomes = [
        'unchanged' => static function (): void {
        },
        'abort' => static function (): void {
            session_abort();
        },
        'destroy' => static function (): void {
            session_destroy();
        },
        'gone' => static function () use ($redis): void {
            $redis->del(KEY);
            $_SESSION['a'] = 2;
        },
        'unreadable' => static function () use ($redis): void {
            session_abort();
            $redis->setex(KEY, 100, '{"json":1}');
            session_start();
        },
        'regenerate' => static function (): void {
            session_regenerate_id(true);
        },
    ];
    foreach ($outcomes as $name => $outcome) {
        $redis->setex(KEY, 100, 'a|i:1;');
        Request::run($outcome, ['locking_enabled' => true]);
        same([], $redis->keys('*_LOCK'), $name);
    }
});

test('lock: never without an expiry', static function (): void {
    $redis = emptied();
    $request = Request::run(static function () use ($redis): void {
        same(true, $redis->pttl(LOCK) > 25000);
    }, ['locking_enabled' => true, 'lock_expire' => 0]);
    same([], $request->warnings);
});

test('lock: busy at open, no session is started and nobody\'s lock is touched', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, 'a|i:1;');
    $redis->set(LOCK, 'host|7');
    $request = Request::run(static function (): void {
    }, ['locking_enabled' => true]);
    same(false, $request->started);
    same(['locked'], $request->lost);
    same('host|7', $redis->get(LOCK));
});

test('lock: a foreign lock at the write is waited for', static function (): void {
    $redis = emptied();
    foreach ([true, false] as $locking) {
        $redis->setex(KEY, 100, 'a|i:1;');
        $request = Request::run(static function () use ($redis): void {
            $_SESSION['a'] = 2;
            $redis->set(LOCK, 'host|7', ['px' => 60]);
        }, ['locking_enabled' => $locking, 'lock_retries' => 100, 'lock_wait_time' => 5000]);
        same([], $request->lost);
        same('a|i:2;', $redis->get(KEY));
    }
});

test('lock: a foreign lock that stays, nothing is written', static function (): void {
    $redis = emptied();
    foreach ([true, false] as $locking) {
        $redis->setex(KEY, 100, 'a|i:1;');
        $request = Request::run(static function () use ($redis): void {
            $_SESSION['a'] = 2;
            $redis->set(LOCK, 'host|7');
        }, ['locking_enabled' => $locking]);
        same(['locked'], $request->lost);
        same(false, $request->closed);
        same('a|i:1;', $redis->get(KEY));
        same('host|7', $redis->get(LOCK));
        $redis->del(LOCK);
    }
});

test('lock: a foreign lock holds a destroy back, too', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, 'a|i:1;');
    $request = Request::run(static function () use ($redis): void {
        $redis->set(LOCK, 'host|7');
        session_destroy();
    });
    same(['locked'], $request->lost);
    same('a|i:1;', $redis->get(KEY));
});

test('lock: expired, and the session changed: merged, not overwritten', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, 'a|i:1;');
    $request = Request::run(static function () use ($redis): void {
        $_SESSION['mine'] = 1;
        $redis->del(LOCK);
        $redis->setex(KEY, 100, 'a|i:5;');
    }, ['locking_enabled' => true]);
    same([], $request->lost);
    same('a|i:5;mine|i:1;', $redis->get(KEY));
});
