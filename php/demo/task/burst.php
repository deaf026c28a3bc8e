<?php

declare(strict_types=1);

/*
 * PHP's side of a burst: one request that stores one variable of its own. The mode says how the
 * session is kept, whatever the rest of the demo uses.
 */

require __DIR__ . '/../answer.php';
require_post();

$mode = $_POST['mode'] ?? 'naive';
putenv('SESSION_HANDLER=' . ($mode === 'merging' ? 'merging' : 'phpredis'));
putenv('SESSION_PREFIX=session:');
ini_set('redis.session.locking_enabled', $mode === 'phpredis' ? '1' : '0');
if (isset($_POST['patient'])) {
    ini_set('redis.session.lock_retries', '100');
    ini_set('redis.session.lock_wait_time', '20000');
}

$warnings = [];
set_error_handler(static function (int $level, string $message) use (&$warnings): bool {
    $warnings[] = $message;

    return true;
});
require __DIR__ . '/../session.php';
$_SESSION['php_' . (int) ($_POST['number'] ?? 0)] = true;
usleep(5000);
session_write_close();
restore_error_handler();

header('Content-Type: application/json; charset=utf-8');
echo json_encode([
    'stored' => $warnings === [],
    'warnings' => $warnings,
    'patience' => [
        'retries' => (int) ini_get('redis.session.lock_retries'),
        'waitTime' => (int) ini_get('redis.session.lock_wait_time'),
        'version' => phpversion('redis'),
    ],
], JSON_UNESCAPED_UNICODE), "\n";
