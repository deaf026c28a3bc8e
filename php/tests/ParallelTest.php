<?php

declare(strict_types=1);

namespace PhpSessionBridge\Tests;

use PhpSessionBridge\Format\Formats;

require_once __DIR__ . '/redis.php';

if (!hasRedis()) {
    return;
}

/**
 * Runs workers side by side.
 *
 * @param list<array> $workers arguments of worker.php
 * @return list<int> how many rounds each had acknowledged
 */
function workers(array $workers): array
{
    $running = [];
    putenv('PSB_WORKERS=' . count($workers));
    foreach ($workers as $arguments) {
        // Warnings that a worker does not expect go to its standard error, which is ours.
        $command = array_merge([PHP_BINARY, __DIR__ . '/worker.php'], array_map('strval', $arguments));
        $process = proc_open($command, [1 => ['pipe', 'w'], 2 => STDERR], $pipes);
        $running[] = [$process, $pipes[1]];
    }
    $acknowledged = [];
    foreach ($running as [$process, $output]) {
        $acknowledged[] = (int) stream_get_contents($output);
        same(0, proc_close($process), 'exit code of a worker');
    }
    connect()->del('barrier');

    return $acknowledged;
}

foreach (['php', 'php_serialize', 'igbinary', 'msgpack'] as $serializer) {
    test("parallel, $serializer: writers of different variables lose nothing", static function () use ($serializer): void {
        $redis = emptied();
        $rounds = 150;
        $options = json_encode(['serialize_handler' => $serializer]);
        same([$rounds, $rounds, $rounds], workers([
            ['lane', 1, $rounds, $options], ['lane', 2, $rounds, $options], ['lane', 3, $rounds, $options],
        ]));
        $variables = Formats::of($serializer)->decode($redis->get(KEY));
        ksort($variables['_sf2_attributes']);
        same(['lane1' => $rounds, 'lane2' => $rounds, 'lane3' => $rounds], $variables['_sf2_attributes']);
        same($rounds, $variables['lane1']);
    });
}

test('parallel: these workers do collide: without the merge they lose', static function (): void {
    $redis = emptied();
    workers([['lane', 1, 150, '{"plain":true}'], ['lane', 2, 150, '{"plain":true}'], ['lane', 3, 150, '{"plain":true}']]);
    $variables = Formats::of('php')->decode($redis->get(KEY));
    $kept = $variables['lane1'] + $variables['lane2'] + $variables['lane3'];
    same(true, $kept < 450, "$kept of 450 kept");
});

test('parallel: the same with locks', static function (): void {
    $redis = emptied();
    $options = json_encode(['locking_enabled' => true, 'lock_retries' => -1, 'lock_wait_time' => 500]);
    same([100, 100], workers([['lane', 1, 100, $options], ['lane', 2, 100, $options]]));
    $variables = Formats::of('php')->decode($redis->get(KEY));
    same([100, 100], [$variables['lane1'], $variables['lane2']]);
    same([KEY], $redis->keys('*'));
});

test('parallel: one with locks, one without', static function (): void {
    $redis = emptied();
    $options = json_encode(['locking_enabled' => true, 'lock_retries' => -1, 'lock_wait_time' => 500]);
    same([100, 100], workers([
        ['lane', 1, 100, $options],
        ['lane', 2, 100, '{"lock_retries":-1,"lock_wait_time":500}'],
    ]));
    $variables = Formats::of('php')->decode($redis->get(KEY));
    same([100, 100], [$variables['lane1'], $variables['lane2']]);
});

test('parallel: appends to one list lose nothing, equal ones included', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, 'list|a:0:{}');
    same([100, 100], workers([['append', 'x', 100], ['append', 'x', 100]]));
    same(200, count(Formats::of('php')->decode($redis->get(KEY))['list']));
});

test('parallel: one counter and one list by update()', static function (): void {
    $redis = emptied();
    $redis->setex(KEY, 100, 'count|i:0;list|a:0:{}');
    same([150, 150, 150], workers([['count', 1, 150], ['count', 2, 150], ['count', 3, 150]]));
    $variables = Formats::of('php')->decode($redis->get(KEY));
    same(450, $variables['count']);
    same(450, count($variables['list']));
    same([1 => 150, 2 => 150, 3 => 150], array_replace([1 => 0, 2 => 0, 3 => 0], array_count_values($variables['list'])));
});
