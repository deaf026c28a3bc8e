<?php

declare(strict_types=1);

namespace PhpSessionBridge\Tests;

use PhpSessionBridge\SaveHandler;

require_once __DIR__ . '/redis.php';

if (!hasRedis()) {
    return;
}

/** One request of the small handler; every notice of PHP fails the test. */
function smallRequest(callable $body, array $options = ['prefix' => 'session:', 'gc_maxlifetime' => 3600]): bool
{
    ini_set('session.serialize_handler', 'php');
    session_set_save_handler(new SaveHandler(connect(), $options), false);
    session_id(ID);
    try {
        $started = session_start([
            'use_cookies' => 0, 'cache_limiter' => '', 'use_strict_mode' => 0, 'lazy_write' => 1,
        ]);
        if ($started) {
            $body();
        }
        if (session_status() === PHP_SESSION_ACTIVE) {
            session_write_close();
        }

        return $started;
    } finally {
        session_id('');
        $_SESSION = [];
    }
}

test('small handler: writes, reads, refreshes', static function (): void {
    $redis = emptied();
    smallRequest(static function (): void {
        $_SESSION = ['username' => '홍길동', 'userid' => 'kky'];
    });
    same('username|s:9:"홍길동";userid|s:3:"kky";', $redis->get('session:' . ID));
    same(3600, $redis->ttl('session:' . ID));
    $redis->expire('session:' . ID, 100);
    smallRequest(static function (): void {
        same('kky', $_SESSION['userid']);
    });
    same(3600, $redis->ttl('session:' . ID));
});

test('small handler: logging out is no TypeError, also when the session is gone already', static function (): void {
    $redis = emptied();
    foreach (['a|i:1;', null] as $stored) {
        if ($stored !== null) {
            $redis->setex('session:' . ID, 100, $stored);
        }
        smallRequest(static function () use ($redis): void {
            same(true, session_destroy());
        });
        same([], $redis->keys('*'));
    }
});

test('small handler: garbage collection has nothing to do', static function (): void {
    emptied();
    smallRequest(static function (): void {
        same(0, session_gc());
    });
});

test('small handler: regenerating', static function (): void {
    $redis = emptied();
    $redis->setex('session:' . ID, 100, 'a|i:1;');
    smallRequest(static function () use ($redis): void {
        same(true, session_regenerate_id(true));
        same(0, $redis->exists('session:' . ID));
    });
    same(1, count($redis->keys('session:*')));
});

test('small handler: what can not be read is not overwritten', static function (): void {
    $redis = emptied();
    $redis->rPush('session:' . ID, 'x');
    $warning = throws(\RuntimeException::class, static function (): void {
        smallRequest(static function (): void {
        });
    });
    same(1, preg_match('/Failed to read session data/', $warning));
    same(['x'], $redis->lRange('session:' . ID, 0, -1));
});

test('small handler: the defaults are phpredis\'s', static function (): void {
    $redis = emptied();
    smallRequest(static function (): void {
        $_SESSION['a'] = 1;
    }, []);
    same('a|i:1;', $redis->get(KEY));
    same(1440, $redis->ttl(KEY));
});

test('small handler: options that do not exist are refused', static function (): void {
    throws(\InvalidArgumentException::class, static function (): void {
        new SaveHandler(connect(), ['ttl' => 1]);
    });
});

test('small handler: without strict mode no id reaches what lies beside another session', static function (): void {
    $redis = emptied();
    foreach (['_LOCK', '_REVOKED', '_MOVED', '_LOCK_LOCK'] as $suffix) {
        $beside = 'session:' . ID . $suffix;
        $redis->setex($beside, 100, 'a|i:1;');
        $handler = new SaveHandler(connect(), ['prefix' => 'session:', 'gc_maxlifetime' => 3600]);
        $id = ID . $suffix;
        same(false, $handler->read($id), "read $suffix");
        same(false, $handler->write($id, 'a|i:2;'), "write $suffix");
        same(false, $handler->updateTimestamp($id, 'a|i:1;'), "updateTimestamp $suffix");
        same(false, $handler->destroy($id), "destroy $suffix");
        same(false, $handler->validateId($id), "validateId $suffix");
        same('a|i:1;', $redis->get($beside), $suffix);
        same(true, $redis->ttl($beside) <= 100, $suffix);
    }
    same([], array_values(array_diff($redis->keys('*'), [
        'session:' . ID . '_LOCK', 'session:' . ID . '_REVOKED', 'session:' . ID . '_MOVED',
        'session:' . ID . '_LOCK_LOCK',
    ])));
});

test('small handler: an id that the application chose may have an underscore', static function (): void {
    $redis = emptied();
    $handler = new SaveHandler(connect(), ['prefix' => 'session:']);
    same(true, $handler->write('user_7_lock', 'a|i:1;'));
    same('a|i:1;', $handler->read('user_7_lock'));
    same('a|i:1;', $redis->get('session:user_7_lock'));
});
