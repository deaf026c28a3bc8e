<?php

declare(strict_types=1);

namespace PhpSessionBridge\Tests;

use PhpSessionBridge\Format\Formats;
use PhpSessionBridge\MergingSaveHandler;
use PhpSessionBridge\SessionLost;

require_once __DIR__ . '/redis.php';

if (!hasRedis()) {
    return;
}

test('handler: a new session is stored with PHP\'s bytes and a TTL', static function (): void {
    $redis = emptied();
    $request = Request::run(static function (): void {
        same([], $_SESSION);
        $_SESSION['username'] = '이다은oooaa';
    });
    same(true, $request->closed);
    same('username|s:14:"이다은oooaa";', $redis->get(KEY));
    same(1440, $redis->ttl(KEY));
});

test('handler: prefix and lifetime', static function (): void {
    $redis = emptied();
    Request::run(static function (): void {
        $_SESSION['a'] = 1;
    }, ['prefix' => 'session:', 'gc_maxlifetime' => 3600]);
    same(['session:' . ID], $redis->keys('*'));
    same(3600, $redis->ttl('session:' . ID));
});

test('handler: an unchanged request only refreshes the TTL', static function (): void {
    $redis = emptied();
    foreach ([1, 0] as $lazyWrite) {
        $redis->setex(KEY, 100, 'a|i:1;');
        Request::run(static function () use ($redis): void {
            $redis->setex(KEY, 100, 'a|i:2;');
        }, ['ini' => ['lazy_write' => $lazyWrite]]);
        same('a|i:2;', $redis->get(KEY));
        same(1440, $redis->ttl(KEY));
    }
});

test('handler: an unchanged request does not bring a destroyed session back', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, 'a|i:1;');
    $request = Request::run(static function () use ($redis): void {
        $redis->del(KEY);
    });
    same(true, $request->closed);
    same(0, $redis->exists(KEY));
    same([], $request->lost);
});

test('handler: an empty string is an existing, empty session', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, '');
    $request = Request::run(static function (): void {
        $_SESSION['a'] = 1;
    });
    same(true, $request->closed);
    same('a|i:1;', $redis->get(KEY));
    $redis->setex(KEY, 100, '');
    $request = Request::run(static function () use ($redis): void {
        $redis->del(KEY);
        $_SESSION['a'] = 1;
    });
    same(['gone'], $request->lost);
});

foreach (['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'] as $serializer) {
    test("handler, $serializer: what both changed is merged", static function () use ($serializer): void {
        $redis = emptied();
        $format = Formats::of($serializer);
        $store = static function (array $variables) use ($redis, $format): void {
            $redis->setex(KEY, 100, $format->encodeLive($variables));
        };
        $user = new Parental();
        $store(['cart' => ['items' => ['a'], 'sum' => 1.5], 'user' => $user, 'n' => 1, 'old' => 1]);
        $request = Request::run(static function () use ($store, $user): void {
            $_SESSION['cart']['items'][] = 'ours';
            $_SESSION['cart']['note'] = '한글';
            unset($_SESSION['old']);
            $_SESSION['n'] = 2;
            $store(['new' => true, 'cart' => ['items' => ['a', 'theirs'], 'sum' => 3.0], 'user' => $user, 'n' => 3, 'old' => 1]);
        }, ['serialize_handler' => $serializer]);
        same(true, $request->closed);
        same([], $request->lost);
        same([], $request->warnings);
        same(['n'], $request->conflicts);
        same(1440, $redis->ttl(KEY));
        same(
            serialize(['new' => true, 'cart' => ['items' => ['a', 'theirs', 'ours'], 'sum' => 3.0, 'note' => '한글'], 'user' => $user, 'n' => 2]),
            serialize($format->decodeLive($redis->get(KEY)))
        );
        // PHP's own bytes: the next request that changes nothing must find nothing to write.
        $before = $redis->get(KEY);
        $handler = null;
        Request::run(static function () use ($before): void {
            same($before, session_encode());
        }, ['serialize_handler' => $serializer]);
    });

    test("handler, $serializer: bytes that can not be read stay", static function () use ($serializer): void {
        $redis = emptied();
        foreach (['{"json":1}', "\x82\xA1a", 'a|i:1'] as $garbage) {
            $redis->setex(KEY, 100, $garbage);
            $request = Request::run(static function (): void {
                $_SESSION['a'] = 1;
            }, ['serialize_handler' => $serializer]);
            same(['unreadable'], $request->lost, show($garbage));
            same(false, $request->started);
            same($garbage, $redis->get(KEY));
            // Nor does a visitor who comes again and again keep them alive.
            same(true, $redis->ttl(KEY) <= 100);
        }
    });

    test("handler, $serializer: bytes that became unreadable meanwhile stay", static function () use ($serializer): void {
        $redis = emptied();
        foreach (['{"json":1}', "\x82\xA1a", 'a|i:1'] as $garbage) {
            $redis->setex(KEY, 100, Formats::of($serializer)->encode(['a' => 1]));
            $request = Request::run(static function () use ($redis, $garbage): void {
                $_SESSION['a'] = 2;
                $redis->setex(KEY, 100, $garbage);
            }, ['serialize_handler' => $serializer]);
            same(['unreadable'], $request->lost);
            same(false, $request->closed);
            same($garbage, $redis->get(KEY));
        }
    });

    test("handler, $serializer: update() counts on", static function () use ($serializer): void {
        $redis = emptied();
        $format = Formats::of($serializer);
        $redis->setex(KEY, 100, $format->encode(['n' => 1, 'l' => []]));
        $request = Request::run(static function (Request $request) use ($redis, $format): void {
            $times = 0;
            $result = $request->handler->update(static function (array &$variables) use ($redis, $format, &$times): int {
                if ($times++ === 0) {
                    $redis->setex(KEY, 100, $format->encode(['n' => 5, 'l' => ['theirs']]));
                }
                $variables['l'][] = 'ours';

                return ++$variables['n'];
            });
            same(6, $result);
            same(2, $times);
            $_SESSION['other'] = 1;
        }, ['serialize_handler' => $serializer]);
        same([], $request->lost);
        same([], $request->conflicts);
        same(
            ['n' => 6, 'l' => ['theirs', 'ours'], 'other' => 1],
            $format->decode($redis->get(KEY))
        );
    });
}

test('handler: a session of php_serialize that is no array stays', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, 'i:5;');
    $request = Request::run(static function (): void {
    }, ['serialize_handler' => 'php_serialize']);
    same(['unreadable'], $request->lost);
    same('i:5;', $redis->get(KEY));
});

test('handler: a merge wakes no object up and needs no class', static function (): void {
    $redis = emptied();
    Refusing::$woken = 0;
    $stored = 'x|i:1;o|O:31:"PhpSessionBridge\Tests\Refusing":0:{}e|E:10:"Unknown:It";';
    $redis->setex(KEY, 100, 'x|i:1;');
    $request = Request::run(static function () use ($redis, $stored): void {
        $_SESSION['mine'] = 1;
        $redis->setex(KEY, 100, $stored);
    });
    same(true, $request->closed);
    same($stored . 'mine|i:1;', $redis->get(KEY));
    same(0, Refusing::$woken);
});

test('handler: destroyed meanwhile, nothing is written', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, 'a|i:1;');
    $request = Request::run(static function () use ($redis): void {
        $_SESSION['a'] = 2;
        $redis->del(KEY);
    });
    same(['gone'], $request->lost);
    same(false, $request->closed);
    same([], $redis->keys('*'));
});

test('handler: a destroyed session does not come back in the middle of the retries', static function (): void {
    $redis = emptied();
    // Absent at open, created by another one, destroyed before the merged bytes are written.
    $request = Request::run(static function (Request $request) use ($redis): void {
        $_SESSION['a'] = 1;
        $redis->setex(KEY, 100, 'a|i:5;');
        $request->conflicts = [];
    }, ['on_conflict' => static function () use ($redis): ?string {
        $redis->del(KEY);

        return null;
    }]);
    same(['gone'], $request->lost);
    same([], $redis->keys('*'));
});

test('handler: another login under the same id, nothing is written', static function (): void {
    foreach (['b|i:1;', ''] as $replaced) {
        $redis = emptied();
        $redis->setex(KEY, 100, 'a|i:1;');
        $request = Request::run(static function () use ($redis, $replaced): void {
            $_SESSION['a'] = 2;
            $redis->setex(KEY, 100, $replaced);
        });
        same(['replaced'], $request->lost);
        same($replaced, $redis->get(KEY));
    }
    $redis->setex(KEY, 100, 'userid|s:1:"a";n|i:1;');
    $request = Request::run(static function () use ($redis): void {
        $_SESSION['n'] = 2;
        $redis->setex(KEY, 100, 'userid|s:1:"b";n|i:1;');
    }, ['identity' => ['userid']]);
    same(['replaced'], $request->lost);
    same('userid|s:1:"b";n|i:1;', $redis->get(KEY));
});

test('handler: a login of our own over our own session is no stranger', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, 'n|i:1;');
    $request = Request::run(static function (Request $request): void {
        $_SESSION['n'] = 2;
        $request->handler->update(static function (array &$variables): void {
            $variables['userid'] = 'a';
        });
    }, ['identity' => ['userid']]);
    same([], $request->lost);
    same('n|i:2;userid|s:1:"a";', $redis->get(KEY));
});

test('handler: what the handler would silently lose is refused', static function (): void {
    $redis = emptied();
    foreach (['a|b', 5] as $name) {
        $redis->setex(KEY, 100, 'a|i:1;');
        $request = Request::run(static function () use ($name): void {
            $_SESSION = [$name => 1];
        });
        same(['unwritable'], $request->lost);
        same('a|i:1;', $redis->get(KEY));
    }
    $request = Request::run(static function (): void {
        $_SESSION = [];
    });
    same('', $redis->get(KEY));
    same(true, $request->closed);
});

test('handler: without on_lost PHP is warned, without values', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, 'a|s:6:"secret";');
    $request = Request::run(static function () use ($redis): void {
        $_SESSION['a'] = 'other secret';
        $redis->del(KEY);
    }, ['on_lost' => null]);
    same('The session was not written: it was destroyed meanwhile', $request->warnings[0]);
    same(false, strpos(implode($request->warnings), 'secret'));
    same(false, strpos(implode($request->warnings), ID));
});

test('handler: session_destroy() beats a request in flight', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, 'a|i:1;');
    $request = Request::run(static function (): void {
        same(true, session_destroy());
    });
    same([], $redis->keys('*'));
    same([], $request->lost);
});

test('handler: regenerating, with and without the old session', static function (): void {
    foreach ([false, true] as $delete) {
        $redis = emptied();
        $redis->setex(KEY, 100, 'a|i:1;');
        $new = null;
        $request = Request::run(static function () use ($delete, &$new): void {
            $_SESSION['a'] = 2;
            same(true, session_regenerate_id($delete));
            $new = session_id();
            $_SESSION['a'] = 3;
        });
        same([], $request->lost);
        same([], $request->warnings);
        same($delete ? false : 'a|i:2;', $redis->get(KEY));
        same('a|i:3;', $redis->get("PHPREDIS_SESSION:$new"));
    }
});

test('handler: regenerating, and the reply to the destroy is lost', static function (): void {
    foreach ([false, true] as $locking) {
        $redis = emptied();
        $client = LosingRedis::connected();
        $redis->setex(KEY, 100, 'a|i:1;');
        // The server must know the script: else the first answer is that it does not.
        $redis->script('load', \PhpSessionBridge\Store\Scripts::DESTROY);
        $new = null;
        $request = Request::run(static function () use ($client, &$new): void {
            $_SESSION['a'] = 2;
            $client->losses = 1;
            same(true, session_regenerate_id(true));
            same(0, $client->losses);
            $new = session_id();
        }, ['redis' => $client, 'locking_enabled' => $locking]);
        same([], $request->lost);
        same(["PHPREDIS_SESSION:$new"], $redis->keys('*'));
        same('a|i:2;', $redis->get("PHPREDIS_SESSION:$new"));
    }
});

test('handler: abort, reset and read_and_close write nothing', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, 'a|i:1;');
    Request::run(static function (): void {
        $_SESSION['a'] = 2;
        session_abort();
    });
    Request::run(static function (): void {
        $_SESSION['a'] = 2;
    }, ['ini' => ['read_and_close' => true]]);
    same('a|i:1;', $redis->get(KEY));
    same(100, $redis->ttl(KEY));
    Request::run(static function () use ($redis): void {
        $_SESSION['a'] = 2;
        $redis->setex(KEY, 100, 'a|i:7;');
        session_reset();
        same(['a' => 7], $_SESSION);
        $_SESSION['b'] = 1;
    });
    same('a|i:7;b|i:1;', $redis->get(KEY));
});

test('handler: strict mode', static function (): void {
    $redis = emptied();
    foreach (['unknown', ID . '_LOCK', '../x'] as $id) {
        $redis->set("PHPREDIS_SESSION:{$id}_LOCK", 'someone');
        $request = Request::run(static function () use ($id): void {
            same(false, session_id() === $id);
        }, ['id' => $id, 'ini' => ['use_strict_mode' => 1]]);
        same(true, $request->started);
    }
    $redis->setex(KEY, 100, 'a|i:1;');
    Request::run(static function (): void {
        same(ID, session_id());
    }, ['ini' => ['use_strict_mode' => 1]]);
});

test('handler: without strict mode, too, no id reaches what lies beside another session', static function (): void {
    foreach ([false, true] as $locking) {
        foreach (['_LOCK', '_REVOKED', '_MOVED', '_LOCK_LOCK'] as $suffix) {
            $redis = emptied();
            $id = ID . $suffix;
            $redis->setex(KEY . $suffix, 100, 'a|i:1;');
            $request = Request::run(static function (): void {
            }, ['id' => $id, 'locking_enabled' => $locking]);
            same(false, $request->started);
            same(['bad id'], $request->lost);
            $lost = [];
            $handler = new MergingSaveHandler(connect(), ['locking_enabled' => $locking, 'on_lost' => static function (SessionLost $error) use (&$lost): void {
                $lost[] = $error->reason();
            }]);
            same(false, $handler->write($id, 'a|i:2;'));
            same(false, $handler->updateTimestamp($id, 'a|i:1;'));
            same(false, $handler->destroy($id));
            same(false, $handler->validateId($id));
            same(['bad id', 'bad id', 'bad id'], $lost);
            same(SessionLost::BAD_ID, lossOf(static function () use ($handler, $id): void {
                $handler->update(static function (array &$variables): void {
                    $variables['a'] = 2;
                }, $id);
            }));
            same([KEY . $suffix], $redis->keys('*'));
            same('a|i:1;', $redis->get(KEY . $suffix));
            same(true, $redis->ttl(KEY . $suffix) <= 100);
        }
    }
});

test('handler: a key of another type is left alone', static function (): void {
    $redis = emptied();
    $redis->rPush(KEY, 'x');
    $request = Request::run(static function (): void {
    });
    same(false, $request->started);
    same(['store'], $request->lost);
    $redis->del(KEY);
    $request = Request::run(static function () use ($redis): void {
        $_SESSION['a'] = 1;
        $redis->rPush(KEY, 'x');
    });
    same(['store'], $request->lost);
    same(['x'], $redis->lRange(KEY, 0, -1));
});

test('handler: no Redis, no session', static function (): void {
    // A server that never answers.
    $server = stream_socket_server('tcp://127.0.0.1:0');
    $redis = new \Redis();
    $redis->connect('127.0.0.1', (int) substr(strrchr(stream_socket_get_name($server, false), ':'), 1), 1, null, 0, 0.05);
    $request = Request::run(static function (): void {
    }, ['redis' => $redis]);
    same(false, $request->started);
    same(['store'], $request->lost);
});

test('handler: a server that forgot the scripts, or has no memory left', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, 'a|i:1;');
    $redis->script('flush');
    $request = Request::run(static function (): void {
        $_SESSION['a'] = 2;
    });
    same(true, $request->closed);
    same('a|i:2;', $redis->get(KEY));
    $redis->config('SET', 'maxmemory', '1');
    try {
        $request = Request::run(static function (): void {
            $_SESSION['a'] = 3;
        });
    } finally {
        $redis->config('SET', 'maxmemory', '0');
    }
    same(['store'], $request->lost);
    same('a|i:2;', $redis->get(KEY));
});

test('handler: clients that would wrap the bytes are refused', static function (): void {
    $redis = connect();
    $redis->setOption(\Redis::OPT_SERIALIZER, \Redis::SERIALIZER_PHP);
    throws(\InvalidArgumentException::class, static function () use ($redis): void {
        new MergingSaveHandler($redis);
    });
    throws(\InvalidArgumentException::class, static function (): void {
        new MergingSaveHandler(connect(), ['lockingEnabled' => true]);
    });
});

test('handler: a prefix of the client itself comes before', static function (): void {
    $redis = emptied();
    $client = connect();
    $client->setOption(\Redis::OPT_PREFIX, 'app:');
    foreach ([1, 2] as $n) {
        $request = Request::run(static function () use ($n): void {
            $_SESSION['a'] = $n;
        }, ['redis' => $client, 'locking_enabled' => true]);
        same(true, $request->closed);
    }
    same(['app:' . KEY], $redis->keys('*'));
    same('a|i:2;', $redis->get('app:' . KEY));
});

// --- update() -----------------------------------------------------------------------------------

test('update(): by id, without an open session', static function (): void {
    $redis = emptied();
    $handler = new MergingSaveHandler(connect(), ['identity' => ['userid']]);
    ini_set('session.serialize_handler', 'php');
    $add = static function (array &$variables): int {
        return $variables['n'] = ($variables['n'] ?? 0) + 1;
    };
    same(SessionLost::GONE, lossOf(static function () use ($handler, $add): void {
        $handler->update($add, ID);
    }));
    $redis->setex(KEY, 100, 'userid|i:1;');
    same(1, $handler->update($add, ID));
    $redis->setex(KEY, 100, 'userid|i:2;n|i:4;');
    same(5, $handler->update($add, ID));
    same('userid|i:2;n|i:5;', $redis->get(KEY));
    same(1440, $redis->ttl(KEY));
});

test('update(): objects come alive', static function (): void {
    $redis = emptied();
    ini_set('session.serialize_handler', 'php');
    $redis->setex(KEY, 100, 'when|' . serialize(new \DateTimeImmutable('2020-01-01 UTC')) . 'n|i:1;');
    $handler = new MergingSaveHandler(connect());
    $year = $handler->update(static function (array &$variables): string {
        $variables['n']++;

        return $variables['when']->format('Y');
    }, ID);
    same('2020', $year);
    same('when|' . serialize(new \DateTimeImmutable('2020-01-01 UTC')) . 'n|i:2;', $redis->get(KEY));
});

test('update(): an exception in the change writes nothing and goes through', static function (): void {
    $redis = emptied();
    ini_set('session.serialize_handler', 'php');
    $redis->setex(KEY, 100, 'n|i:1;');
    throws(\DomainException::class, static function (): void {
        (new MergingSaveHandler(connect()))->update(static function (array &$variables): void {
            $variables['n'] = 2;
            throw new \DomainException('no');
        }, ID);
    });
    same('n|i:1;', $redis->get(KEY));
});

test('update(): of a session that was destroyed or replaced since it was opened', static function (): void {
    foreach (['gone' => null, 'replaced' => 'b|i:1;'] as $reason => $stored) {
        $redis = emptied();
        $redis->setex(KEY, 100, 'a|i:1;');
        Request::run(static function (Request $request) use ($redis, $reason, $stored): void {
            $redis->del(KEY);
            if ($stored !== null) {
                $redis->setex(KEY, 100, $stored);
            }
            same($reason, lossOf(static function () use ($request): void {
                $request->handler->update(static function (array &$variables): void {
                    $variables['n'] = 1;
                });
            }));
        });
        same($stored ?? false, $redis->get(KEY));
    }
});

test('update(): creates a session that is absent since it was opened, once', static function (): void {
    $redis = emptied();
    $add = static function (array &$variables): void {
        $variables['n'] = 1;
    };
    $request = Request::run(static function (Request $request) use ($add, $redis): void {
        $request->handler->update($add);
        $redis->del(KEY);
        $_SESSION['x'] = 1;
    });
    same(['gone'], $request->lost);
    same([], $redis->keys('*'));
});

test('update(): an equal result of another writer does not count as ours', static function (): void {
    $redis = emptied();
    ini_set('session.serialize_handler', 'php');
    $redis->setex(KEY, 100, 'n|i:1;');
    $times = 0;
    (new MergingSaveHandler(connect()))->update(static function (array &$variables) use ($redis, &$times): void {
        $variables['n']++;
        if ($times++ === 0) {
            $redis->setex(KEY, 100, 'n|i:2;');
        }
    }, ID);
    same('n|i:3;', $redis->get(KEY));
});

function lossOf(callable $body): string
{
    try {
        $body();
    } catch (SessionLost $lost) {
        return $lost->reason();
    }

    return 'nothing';
}

/** How often each command was sent to Redis while the body ran, connecting aside. */
function commands(callable $body): array
{
    $redis = connect();
    $count = static function () use ($redis): array {
        $calls = [];
        foreach ($redis->info('commandstats') as $name => $text) {
            preg_match('/calls=([0-9]+)/', (string) $text, $found);
            $calls[substr($name, 8)] = (int) ($found[1] ?? 0);
        }

        return array_diff_key($calls, ['info' => 0, 'select' => 0, 'client|setinfo' => 0, 'hello' => 0]);
    };
    $before = $count();
    $body();
    $sent = [];
    foreach ($count() as $name => $calls) {
        if ($calls > ($before[$name] ?? 0)) {
            $sent[$name] = $calls - ($before[$name] ?? 0);
        }
    }
    ksort($sent);

    return $sent;
}

test('handler: what a request costs', static function (): void {
    $redis = emptied();
    $change = static function (): void {
        $_SESSION['a'] = ($_SESSION['a'] ?? 0) + 1;
    };
    $nothing = static function (): void {
    };
    // Fills the server's cache of scripts.
    Request::run($change);
    Request::run($change, ['locking_enabled' => true]);
    same(['expire' => 1, 'get' => 1], commands(static function () use ($nothing): void {
        Request::run($nothing);
    }), 'unchanged');
    // Within the script: the look at the lock, the look at the session, the write.
    $write = ['evalsha' => 1, 'get' => 3, 'setex' => 1];
    same($write, commands(static function () use ($change): void {
        Request::run($change);
    }), 'changed');
    // Besides: taking the lock; releasing it looks and deletes within a script.
    same(['del' => 1, 'evalsha' => 2, 'get' => 4, 'set' => 1, 'setex' => 1], commands(static function () use ($change): void {
        Request::run($change, ['locking_enabled' => true]);
    }), 'changed, with a lock');
});

// --- whose session it is ------------------------------------------------------------------------

/** What the handler says when $stored took the place of $read. */
function replacing(string $handler, array $read, array $stored, $identity): array
{
    $redis = emptied();
    $format = Formats::of($handler);
    $redis->setex(KEY, 100, $format->encodeLive($read));
    $request = Request::run(static function () use ($redis, $format, $stored): void {
        $_SESSION['mine'] = 1;
        $redis->setex(KEY, 100, $format->encodeLive($stored));
    }, ['identity' => $identity, 'serialize_handler' => $handler]);

    return $request->lost;
}

foreach (['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'] as $serializer) {
    test("identity, $serializer: a path through arrays and public properties", static function () use ($serializer): void {
        $user = static function (int $id, int $seen, bool $object): array {
            $values = ['id' => $id, 'seen' => $seen];

            return ['user' => $object ? (object) $values : $values];
        };
        foreach ([false, true] as $object) {
            same([], replacing($serializer, $user(1, 1, $object), $user(1, 2, $object), ['user.id']));
            same(['replaced'], replacing($serializer, $user(1, 1, $object), $user(2, 1, $object), ['user.id']));
            // As the README says of a whole variable: any change is another login.
            same(['replaced'], replacing($serializer, $user(1, 1, $object), $user(1, 2, $object), ['user']));
        }
    });

    test("identity, $serializer: a protected property is not walked into", static function () use ($serializer): void {
        $holder = static function (float $value): array {
            $parental = new Parental();
            (function () use ($value): void {
                $this->prot = $value;
            })->call($parental);

            return ['o' => $parental, 'x' => 1];
        };
        same([], replacing($serializer, $holder(1.0), $holder(2.0), ['o.prot']));
        same(['replaced'], replacing($serializer, $holder(1.0), $holder(2.0), ['o']));
    });

    test("identity, $serializer: a function sees the objects of the application", static function () use ($serializer): void {
        $identity = static function (array $variables): ?string {
            return isset($variables['when']) ? $variables['when']->format('Y') : null;
        };
        $when = static function (string $time): array {
            return ['when' => new \DateTimeImmutable("$time UTC")];
        };
        same([], replacing($serializer, $when('2020-01-01'), $when('2020-02-01'), $identity));
        same(['replaced'], replacing($serializer, $when('2020-01-01'), $when('2021-01-01'), $identity));
        same(['replaced'], replacing($serializer, ['x' => 1], ['x' => 1] + $when('2021-01-01'), $identity));
    });
}

test('identity: what it can not be is refused', static function (): void {
    foreach (['userid', [1], [['user', 'id']]] as $identity) {
        throws(\InvalidArgumentException::class, static function () use ($identity): void {
            new MergingSaveHandler(connect(), ['identity' => $identity]);
        });
    }
});

if (extension_loaded('igbinary')) {
    test('handler, igbinary: an array that holds itself without a reference stays as it is', static function (): void {
        $redis = emptied();
        // `a` is [7, itself], `z` is 0 and then 1.
        $stored = static function (string $z): string {
            return hex2bin('00000002' . '1402' . '110161' . '1402' . '06000607' . '06010101' . '11017a' . "06$z");
        };
        $redis->setex(KEY, 100, $stored('00'));
        $request = Request::run(static function () use ($redis, $stored): void {
            $_SESSION['n'] = 1;
            $redis->setex(KEY, 100, $stored('01'));
        }, ['serialize_handler' => 'igbinary']);
        same(['unreadable'], $request->lost);
        same($stored('01'), $redis->get(KEY));
    });
}
