<?php

/**
 * Runs every test: `php php/tests/run.php [part of a test's name]`. Tests that need Redis are run
 * when PSB_REDIS names one (`127.0.0.1:6379`), which they empty again and again.
 */

declare(strict_types=1);

namespace PhpSessionBridge\Tests;

require __DIR__ . '/harness.php';

foreach (glob(__DIR__ . '/*Test.php') as $file) {
    require $file;
}

$wanted = $argv[1] ?? '';
$failed = 0;
$run = 0;
// PHP refuses to start sessions once something was printed.
ob_start();
foreach (Tests::$all as $name => $body) {
    if ($wanted !== '' && strpos($name, $wanted) === false) {
        continue;
    }
    $run++;
    try {
        $body();
    } catch (\Throwable $exception) {
        $failed++;
        fwrite(STDERR, "FAILED $name\n  " . str_replace("\n", "\n  ", (string) $exception) . "\n");
    }
}
ob_end_clean();
printf("PHP %s, phpredis %s: %d tests, %d failed\n", PHP_VERSION, phpversion('redis') ?: 'none', $run, $failed);
exit($failed === 0 && $run > 0 ? 0 : 1);
