<?php

declare(strict_types=1);

/*
 * The save handler of both services. With phpredis's own php.ini says everything and nothing happens
 * here. SESSION_HANDLER=class or merging takes a class of this package in its place, under the
 * prefix `session:` as in the source documents.
 */

use PhpSessionBridge\MergingSaveHandler;
use PhpSessionBridge\SaveHandler;

$handler = getenv('SESSION_HANDLER') ?: 'phpredis';
if ($handler !== 'phpredis') {
    require_once __DIR__ . '/../autoload.php';
    $redis = new Redis();
    $redis->connect(getenv('REDIS_HOST') ?: 'myredis', (int) (getenv('REDIS_PORT') ?: 6379));
    $password = getenv('REDIS_PASSWORD');
    if ($password !== false && $password !== '') {
        $redis->auth([getenv('REDIS_USER') ?: 'default', $password]);
    }
    $options = ['prefix' => getenv('SESSION_PREFIX') ?: 'session:'];
    if ($handler === 'merging') {
        MergingSaveHandler::register($redis, $options + ['identity' => ['userid']]);
    } else {
        SaveHandler::register($redis, $options);
    }
}
