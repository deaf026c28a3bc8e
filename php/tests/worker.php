<?php

/**
 * One of several processes that share the session ID. `php worker.php <kind> <lane> <rounds> [json
 * options]`: each round is one request. Prints how many rounds were acknowledged.
 */

declare(strict_types=1);

namespace PhpSessionBridge\Tests;

use PhpSessionBridge\MergingSaveHandler;
use PhpSessionBridge\SaveHandler;
use PhpSessionBridge\SessionLost;

require __DIR__ . '/harness.php';
require __DIR__ . '/redis.php';

ob_start();
[, $kind, $lane, $rounds] = $argv;
$options = json_decode($argv[4] ?? '{}', true);
ini_set('session.serialize_handler', $options['serialize_handler'] ?? 'php');
$acknowledged = 0;
$lost = false;
if ($options['plain'] ?? false) {
    $handler = new SaveHandler(connect());
} else {
    $handler = new MergingSaveHandler(connect(), array_diff_key($options, ['serialize_handler' => 0]) + [
        'on_lost' => static function (SessionLost $error) use (&$lost): void {
            fwrite(STDERR, $error->getMessage() . "\n");
            $lost = true;
        },
    ]);
}
session_set_save_handler($handler, false);
$changes = [
    // Each lane its own variable, and its own key in a shared array.
    'lane' => static function () use ($lane): void {
        $_SESSION["lane$lane"] = ($_SESSION["lane$lane"] ?? 0) + 1;
        $_SESSION['_sf2_attributes']["lane$lane"] = $_SESSION["lane$lane"];
    },
    'append' => static function () use ($lane): void {
        $_SESSION['list'][] = $lane;
    },
    'count' => static function () use ($handler, $lane): void {
        $handler->update(static function (array &$variables) use ($lane): void {
            $variables['count'] = ($variables['count'] ?? 0) + 1;
            $variables['list'][] = $lane;
        });
    },
];
// All begin together, however long it took each process to start.
$starting = connect();
$starting->incr('barrier');
while ((int) $starting->get('barrier') < (int) getenv('PSB_WORKERS')) {
    usleep(200);
}
for ($round = 0; $round < (int) $rounds; $round++) {
    $lost = false;
    session_id(ID);
    try {
        if (!session_start(['use_cookies' => 0, 'cache_limiter' => ''])) {
            continue;
        }
        $changes[$kind]();
        usleep(random_int(0, 300));
        session_write_close();
        $acknowledged += $lost ? 0 : 1;
    } catch (SessionLost $error) {
        fwrite(STDERR, $error->getMessage() . "\n");
        session_abort();
    }
}
ob_end_clean();
echo $acknowledged;
